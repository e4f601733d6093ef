"""`orch sessions [RUN]` and `orch trace [RUN]`: the sessions of a run, how they stand, and when each was asked.

Model calls, which also other functions make, are the business of `show` and `cost`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.render import table
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store
from orchestra.store.sessions import SessionRow, list_sessions

__all__ = ["main", "trace_main"]

HEADINGS = ("label", "agent", "state", "attempts>", "in>", "out>")
STEPS = ("at>", "ms>", "session", "agent", "state", "place")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(sessions, argv, shell)


def trace_main(argv: list[str], shell: Shell) -> int:
    return invoke(trace, argv, shell)


@click.command(name="sessions")
@click.argument("run", default="last")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def sessions(shell: Shell, run: str, as_json: bool) -> None:
    """List the sessions of RUN (the latest if none is named) in the order of the script."""
    rows = _rows(shell, run)
    if as_json:
        return click.echo(json.dumps([_data(row) for row in rows], indent=2, ensure_ascii=False))
    if not rows:
        return click.echo("No sessions in this run.")
    shown = (
        (row.label, row.agent or "-", row.state, str(row.attempts), str(row.tokens_in), str(row.tokens_out))
        for row in rows
    )
    return table(HEADINGS, shown, shell.stdout)


@click.command(name="trace")
@click.argument("run", default="last")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def trace(shell: Shell, run: str, as_json: bool) -> None:
    """Show when each session of RUN was asked and how long it took, in the order of the script.

    Times are milliseconds from the first session of the process that asked.
    """
    rows = _rows(shell, run)
    if as_json:
        return click.echo(json.dumps([_step(row) for row in rows], indent=2, ensure_ascii=False))
    steps = ((str(row.at), str(row.ms or 0), row.label, row.agent or "-", row.state, row.place) for row in rows)
    return table(STEPS, steps, shell.stdout)


def _rows(shell: Shell, run: str) -> list[SessionRow]:
    with open_store(shell.config(), shell) as store:
        return list_sessions(store.connection, chosen_run(store, run).id)


def _data(row: SessionRow) -> dict[str, Any]:
    """A row for programs, with what is JSON in the store as data."""
    parsed = {name: json.loads(getattr(row, name)) for name in ("position", "context", "skills")}
    return {**asdict(row), **parsed, "resumed": bool(row.resumed)}


def _step(row: SessionRow) -> dict[str, Any]:
    return {
        "session": row.id,
        "label": row.label,
        "agent": row.agent,
        "state": row.state,
        "place": row.place,
        "position": json.loads(row.position),
        "start": row.at,
        "end": row.at + (row.ms or 0),
    }
