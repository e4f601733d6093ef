"""`orch policy danger`: what is dangerous by itself, as it is built in.

What follows from it is told in `orch howto policies`.
"""

from __future__ import annotations

import json

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.runtime.tools.danger import VERSION, listed

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(policy, argv, shell)


@click.group(name="policy")
def policy() -> None:
    """What policies are made of."""


@policy.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def danger(as_json: bool) -> None:
    """List the files and commands that a policy must name under danger, and that no model's tool touches."""
    entries = listed()
    if as_json:
        click.echo(json.dumps({"version": VERSION, "danger": dict(entries)}, indent=2))
        return
    click.echo(f"danger list, version {VERSION}")
    for pattern, why in entries:
        click.echo(f"  {pattern:<44} {why}")
