"""`orch report RUN`: the text of the last event of kind `report` in the log of a run."""

from __future__ import annotations

import json

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store
from orchestra.errors import OrchError
from orchestra.store.log import entries
from orchestra.values.text import pretty_json

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(report, argv, shell)


@click.command(name="report")
@click.argument("run", default="last")
@click.pass_obj
def report(shell: Shell, run: str) -> None:
    """The report that RUN (the latest if none is named) has made with @store.event("report", name, text)."""
    with open_store(shell.config(), shell) as store:
        chosen = chosen_run(store, run).id
        found = entries(store.connection, chosen, "report")
    if not found:
        help = f"orch log {chosen} shows what it told"
        raise OrchError("E810", f"run {chosen} has made no report", help=help, exit=2)
    data = json.loads(found[-1].data)
    click.echo(data.rstrip("\n") if isinstance(data, str) else pretty_json(data))
