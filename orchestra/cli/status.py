"""`orch status [RUN]`: how a run stands: its gates, its phases, and rows that a process has taken for itself.

Its model calls are shown by `show`, one gate by `gate`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, now, open_store, state
from orchestra.errors import OrchError
from orchestra.nodes.script import Script
from orchestra.parse import parse_script
from orchestra.runtime.gates.question import Question
from orchestra.source import Source
from orchestra.store.gates import Gate, Gates
from orchestra.store.happenings import WAITS, kept_events
from orchestra.store.leased import LeasedRow, leased_rows
from orchestra.store.listings import RunSummary, list_checkpoints
from orchestra.store.store import Store

__all__ = ["main"]

MARKS = {"done": "✓", "current": "▶", "next": " "}


def main(argv: list[str], shell: Shell) -> int:
    return invoke(status, argv, shell)


@dataclass(frozen=True, slots=True)
class Standing:
    """phases: name → number of answers; reached: the lines of the script at which answers were got or gates opened."""

    run: RunSummary
    gates: list[Gate]
    phases: dict[str, int]
    rows: list[LeasedRow]
    reached: set[int]


@click.command(name="status")
@click.argument("run", default="last")
@click.option("--source", is_flag=True, help="The script, with marks at what is done and at what comes next.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def status(shell: Shell, run: str, source: bool, as_json: bool) -> None:
    """Tell how RUN stands (the latest if none is named)."""
    config = shell.config()
    with open_store(config, shell) as store:
        standing = _standing(store, chosen_run(store, run))
    if as_json:
        return click.echo(json.dumps(_data(standing), indent=2, ensure_ascii=False))
    click.echo("\n".join(_lines(standing)))
    if source:
        click.echo("\n" + "\n".join(_source(config.root / standing.run.script, standing)))
    return None


def _standing(store: Store, run: RunSummary) -> Standing:
    gates = Gates(store.connection, run=run.id).all()
    answers = [answer for answer in list_checkpoints(store, run.script) if answer.run == run.id]
    phases: dict[str, int] = {}
    for answer in answers:
        if answer.phase is not None:
            phases[answer.phase] = phases.get(answer.phase, 0) + 1
    waits = [told["place"] for told in kept_events(store.connection, run.id, WAITS)]
    places = [*(answer.place for answer in answers), *waits]
    return Standing(run, gates, phases, leased_rows(store.connection, now()), set(_in_script(places, run.script)))


def _in_script(places: list[str], script: str) -> Iterator[int]:
    """The lines of those places, written `file:line:column`, that lie in the script itself."""
    for place in places:
        name, _, rest = place.removeprefix("./").partition(":")
        if name == script and rest.split(":")[0].isdigit():
            yield int(rest.split(":")[0])


def _lines(standing: Standing) -> Iterator[str]:
    run = standing.run
    yield f"{run.id}: {run.script}, number {run.number}, {state(run.exit, run.parked_until)}"
    for gate in standing.gates:
        again = f" ({gate.occurrence})" if gate.occurrence > 1 else ""
        how = Question.from_rules(gate.rules).choices if gate.state == "open" else gate.decision or ""
        yield f"  gate {gate.name}{again}: {gate.state}{': ' if how else ''}{how}"
    for name, count in standing.phases.items():
        yield f"  phase {name}: {count} {'answer' if count == 1 else 'answers'}"
    for row in standing.rows:
        rows, which = (" ".join(filter(None, parts)) for parts in ((row.table, row.status), (row.key, row.about)))
        yield f"  {rows}: {which} {_owner(row)}"


def _owner(row: LeasedRow) -> str:
    if row.gone:
        return f"stale (pid {row.pid} on {row.host} gone)"
    return f"held (pid {row.pid} on {row.host}, last sign of life {row.beat[:19].replace('T', ' ')})"


def _source(path: Path, standing: Standing) -> Iterator[str]:
    """The script with a mark before each line of a statement. E401 if it is gone."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise OrchError("E401", f"{standing.run.script} is gone", exit=2) from None
    mode = "markdown" if path.suffix == ".md" else "strict"
    marks = _marks(parse_script(Source(str(path), text), mode), standing)
    for number, line in enumerate(text.splitlines(), 1):
        yield f"{MARKS[marks.get(number, 'next')]} {number:>4}  {line}".rstrip()


def _marks(script: Script, standing: Standing) -> dict[int, str]:
    """Line → done, current or next. The current statement is the last one of the top level that was reached."""
    spans = [
        (one.span.source.place(one.span.start)[0], one.span.source.place(one.span.end)[0]) for one in script.statements
    ]
    over = standing.run.exit in (0, 5)
    last = max((at for at, span in enumerate(spans) if standing.reached & set(range(span[0], span[1] + 1))), default=0)
    marks: dict[int, str] = {}
    for at, (first, end) in enumerate(spans):
        mark = "done" if over or at < last else "current" if at == last else "next"
        marks |= dict.fromkeys(range(first, end + 1), mark)
    return marks


def _data(standing: Standing) -> dict[str, object]:
    return {
        "run": asdict(standing.run),
        "gates": [asdict(gate) for gate in standing.gates],
        "phases": standing.phases,
        "rows": [asdict(row) for row in standing.rows],
    }
