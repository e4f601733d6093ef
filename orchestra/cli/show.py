"""`orch show [RUN [CALL]]`: one run with its model calls, or one call with its prompt and answer.

The list of runs is in `runs`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from orchestra.cli.call_card import Card, card_of
from orchestra.cli.clicked import invoke
from orchestra.cli.opened import Opened, opened
from orchestra.cli.render import table
from orchestra.cli.shell import Shell
from orchestra.cli.stored import state
from orchestra.cli.tally import amount, clock, dollars
from orchestra.cli.why import keys_of
from orchestra.errors import OrchError, nearest
from orchestra.store.calls import CallRow
from orchestra.store.decisions import transform
from orchestra.store.listings import RunDetails, show_run
from orchestra.store.why import why

__all__ = ["main"]

CALL = re.compile(r"@|\d{3,}$|(sha256:)?[0-9a-f]{6,}…?$")  # what is no run
HEADINGS = ("call", "function", "model", "phase", "time>", "turns>", "in>", "out>", "cost>", "outcome")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(show, argv, shell)


@click.command(name="show")
@click.argument("run", default="last")
@click.argument("call", required=False)
@click.argument("number", required=False, type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(shell: Shell, run: str, call: str | None, number: int | None, as_json: bool) -> None:
    """Show RUN (the latest if none is named) with its model calls, or one CALL in full.

    RUN may be a file that `orch bundle` wrote, and may be left out before a CALL: the number of a model call, @fn,
    @fn("begin"), or the beginning of a key of six digits at least. RUN transform NUMBER shows a text before and after
    it was shortened or passed on.
    """
    if call == "transform" and number is not None:
        return _transform(shell, run, number, as_json)
    maybe = call is None and CALL.match(run) is not None
    with opened(shell, "last" if maybe else run) as found:
        details = show_run(found.store, run) if maybe else None  # for a run that has the name of a call
        if details is None:
            call, details = run if maybe else call, show_run(found.store, found.run)
        assert details is not None
        cards = [] if call is None else list(_cards(found, details, call))
    if as_json:
        data = [card.as_data() for card in cards] if cards else [asdict(details)]
        return click.echo(json.dumps(data[0] if len(data) == 1 else data, indent=2, ensure_ascii=False, default=str))
    if cards:
        return click.echo("\n\n".join("\n".join(card.lines()) for card in cards))
    click.echo("\n".join(_run_lines(details)))
    if details.calls:
        click.echo()
        table(HEADINGS, map(_row, details.calls), shell.stdout)
    return None


def _transform(shell: Shell, run: str, number: int, as_json: bool) -> None:
    with opened(shell, run) as found:
        shown = transform(found.store.connection, found.run, number)
        if shown is None:
            help = f"orch log {found.run} --kind transform lists them"
            raise OrchError("E810", f"run {found.run} has no transform {number}", help=help, exit=2)
    if as_json:
        return click.echo(json.dumps(asdict(shown), indent=2, ensure_ascii=False))
    sizes = f"{shown.in_tokens} → {shown.out_tokens} tokens, limit {shown.max_tokens}"
    click.echo(f"{shown.kind} at {shown.site}: {sizes}, {shown.model or 'no model'}")
    click.echo(f"\n── before ──\n{shown.before}\n\n── after ──\n{shown.after}")
    return None


def _cards(found: Opened, details: RunDetails, call: str) -> Iterator[Card]:
    """The last model call with this number, since executions of one run may give out the same; or labelled calls."""
    script = details.summary.script
    folder = _prompts(found, details.out_dir)
    for row in reversed(details.calls):
        if row.id == call:
            yield card_of(found.store, script, row.key, row, folder)
            return
    if not CALL.match(call):
        raise _unknown(details, call)
    for key in keys_of(found.store, script, call):
        yield from _of_key(found, script, key)


def _of_key(found: Opened, script: str, key: str) -> Iterator[Card]:
    """The model calls in a labelled call, as the run made them that made its answer; the answer itself without any."""
    known = why(found.store, script, key)
    run = None if known is None else show_run(found.store, known.run)
    rows: list[CallRow | None] = [] if run is None else [row for row in run.calls if row.key == key]
    for row in rows or [None]:
        yield card_of(found.store, script, key, row, _prompts(found, run.out_dir if run is not None else None))


def _prompts(found: Opened, out_dir: str | None) -> Path:
    return found.root / (out_dir or "") / "prompts"


def _unknown(details: RunDetails, id: str) -> OrchError:
    close = nearest(id, {call.id for call in details.calls})
    help = f"did you mean {close}?" if close else f"orch show {details.summary.id} lists them"
    return OrchError("E810", f'run {details.summary.id} has no call "{id}"', help=help, exit=2)


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
    outcome = "reused" if call.cached else call.error or call.stop or ""
    return (call.id, call.fn, call.model, call.phase or "", clock(call.ms / 1000), *figures, outcome)
