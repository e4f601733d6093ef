"""`orch show [RUN [CALL]]`: one run with its model calls, or one call with its prompt and answer.

The list of runs is in `runs`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.render import table
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store, state
from orchestra.cli.tally import amount, clock, dollars
from orchestra.errors import OrchError, nearest
from orchestra.store.calls import CallRow
from orchestra.store.listings import RunDetails, show_run

__all__ = ["main"]

HEADINGS = ("call", "function", "model", "phase", "time>", "turns>", "in>", "out>", "cost>", "outcome")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(show, argv, shell)


@click.command(name="show")
@click.argument("run", default="last")
@click.argument("call", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(shell: Shell, run: str, call: str | None, as_json: bool) -> None:
    """Show RUN (the latest if none is named) with its model calls, or one CALL in full."""
    config = shell.config()
    with open_store(config, shell) as store:
        details = show_run(store, chosen_run(store, run).id)
    assert details is not None  # it was listed a moment ago, and runs are never removed
    chosen = None if call is None else _call(details, call)
    if as_json:
        return click.echo(json.dumps(asdict(chosen or details), indent=2, ensure_ascii=False))
    if chosen is not None:
        folder = config.root / (details.out_dir or "") / "prompts"
        return click.echo("\n".join(_call_lines(chosen, folder)))
    click.echo("\n".join(_run_lines(details)))
    if details.calls:
        click.echo()
        table(HEADINGS, map(_row, details.calls), shell.stdout)
    return None


def _call(details: RunDetails, id: str) -> CallRow:
    """The last call with this id: executions of one run may give out the same."""
    for call in reversed(details.calls):
        if call.id == id:
            return call
    close = nearest(id, {call.id for call in details.calls})
    help = f"did you mean {close}?" if close else f"orch show {details.summary.id} lists them"
    raise OrchError("E810", f'run {details.summary.id} has no call "{id}"', help=help, exit=2)


def _run_lines(details: RunDetails) -> Iterator[str]:
    run = details.summary
    yield f"{run.id}: {run.script}, number {run.number}, {state(run.exit, run.parked_until)}"
    yield f"  payload      {json.dumps(details.payload, ensure_ascii=False)}"
    if details.out_dir:
        yield f"  output       {details.out_dir}"
    yield f"  stored       {details.checkpoints} results"
    for execution in details.executions:
        ended = execution.ended or "not ended"
        yield f"  {execution.id:<12} {execution.started} to {ended}, {state(execution.exit)}"


def _row(call: CallRow) -> tuple[str, ...]:
    figures = (str(call.turns), amount(call.input), amount(call.output), dollars(call.cost))
    outcome = call.error or call.stop or ""
    return (call.id, call.fn, call.model, call.phase or "", clock(call.ms / 1000), *figures, outcome)


def _call_lines(call: CallRow, folder: Path) -> Iterator[str]:
    for name, value in asdict(call).items():
        if value is not None:
            yield f"{name:<12} {value}"
    if call.archive is None:
        return
    name = Path(call.archive).name.removesuffix(".prompt.md")
    for title, file in (("prompt", folder / f"{name}.prompt.md"), ("answer", folder / f"{name}.result.md")):
        if file.is_file():
            yield f"\n── {title} ── {file}"
            yield file.read_text(encoding="utf-8").rstrip()
