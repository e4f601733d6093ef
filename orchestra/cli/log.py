"""`orch log RUN`: what a run has told of itself with `@store.event`, line by line.

How lines come into the log is told in `store.log`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store
from orchestra.store.log import Entry, entries

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(log, argv, shell)


@click.command(name="log")
@click.argument("run", default="last")
@click.option("--kind", metavar="KIND", help="Only lines of this kind.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def log(shell: Shell, run: str, kind: str | None, as_json: bool) -> None:
    """The log of RUN (the latest if none is named), oldest line first: number, kind, name and detail between tabs."""
    with open_store(shell.config(), shell) as store:
        found = entries(store.connection, chosen_run(store, run).id, kind)
    if as_json:
        return click.echo(json.dumps(list(map(_data, found)), ensure_ascii=False, indent=2))
    for entry in found:
        click.echo("\t".join((str(entry.seq), entry.kind, entry.name, _detail(entry))))
    return None


def _data(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "data": json.loads(entry.data)}


def _detail(entry: Entry) -> str:
    """Text as it is, on one line; nothing for null; other data as JSON."""
    data = json.loads(entry.data)
    if data is None:
        return ""
    return " ".join(data.split()) if isinstance(data, str) else entry.data
