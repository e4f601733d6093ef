"""`orch config`: the versioned settings of a project's scripts, their history, and the way back.

How they are kept is told in `store.settings`; the configuration of orch itself is `orch.toml`.
"""

from __future__ import annotations

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.render import table
from orchestra.cli.shell import Shell
from orchestra.cli.stored import open_store
from orchestra.runtime.files.writer import render_output
from orchestra.runtime.settings import write_versions

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(config, argv, shell)


@click.group(name="config")
def config() -> None:
    """Settings that scripts keep with @config of @orch/store. Each change of them is a version."""


@config.command(name="show")
@click.argument("name")
@click.pass_obj
def show(shell: Shell, name: str) -> None:
    """Print the settings NAME as they are by now."""
    with open_store(shell.config(), shell) as store:
        click.echo(render_output(store.settings.existing(name)[-1].shown, "yaml"), nl=False)


@config.command(name="history")
@click.argument("name")
@click.pass_obj
def history(shell: Shell, name: str) -> None:
    """List the versions of the settings NAME, oldest first."""
    with open_store(shell.config(), shell) as store:
        found = store.settings.existing(name)
    rows = [
        (str(each.version), each.at[:16].replace("T", " "), each.action, (each.equals and f"v{each.equals}") or "",
         each.reason)
        for each in found
    ]  # fmt: skip
    table(("version>", "at", "action", "equals", "reason"), rows, shell.stdout)


@config.command(name="rollback")
@click.argument("name")
@click.argument("version", type=int, required=False)
@click.option("--reason", default="asked for on the command line", help="Why, for the history.")
@click.pass_obj
def rollback(shell: Shell, name: str, version: int | None, reason: str) -> None:
    """Go back to VERSION of the settings NAME, or to the one before. It comes back as a version of its own."""
    project = shell.config()
    with open_store(project, shell) as store:
        made = store.settings.rollback(name, version, reason)
        write_versions(store.settings.history(name), project.root)
    click.echo(f"{made.version} (= v{made.equals})")
