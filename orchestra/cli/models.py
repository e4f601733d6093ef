"""`orch models [PROVIDER]…`: which models the configured providers have.

Asking them is left to `runtime.model_lists`.
"""

from __future__ import annotations

import json

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.render import table
from orchestra.cli.shell import Shell
from orchestra.runtime.model_lists import ModelList, list_models

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(models, argv, shell)


@click.command(name="models")
@click.argument("providers", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def models(shell: Shell, providers: tuple[str, ...], as_json: bool) -> int:
    """List the models of PROVIDERS, or of all that are configured."""
    config = shell.config()
    found = list_models(config.root, config.llm_table, shell.environ, providers)
    for answer in found:
        if answer.fault is not None:
            shell.report(answer.fault)
    if as_json:
        shell.say(json.dumps({answer.provider: answer.models for answer in found}, indent=2))
    else:
        table(("provider", "model"), [row for answer in found for row in _rows(answer)], shell.stdout)
    return 1 if any(answer.fault for answer in found) else 0


def _rows(answer: ModelList) -> list[tuple[str, str]]:
    if answer.models is None:
        return [] if answer.fault is not None else [(answer.provider, "(it has no list)")]
    return [(answer.provider, model) for model in answer.models]
