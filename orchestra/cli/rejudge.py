"""`orch rejudge RUN --model M`: whether another model would have decided as a run did.

The stored questions are asked again by a script like any other, so that its calls are stored, bounded and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from orchestra.cli.flag_values import usage
from orchestra.cli.options import read
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.cli.stored import chosen_run, open_store
from orchestra.errors import OrchError
from orchestra.store.decisions import StoredPredicate, predicates

__all__ = ["main"]

HELP: Final = """\
Usage: orch rejudge [RUN] --model MODEL [OPTIONS]

Asks the questions that RUN (the latest if none is named) decided in words again, with another model, and prints
where the answers differ: number, place, question, the answer then and now. Nothing of the run is changed.

The options are those of `orch run`.
"""

SCRIPT: Final = """\
import { @llm } from @orch/llm
exe llm @rejudge(row, model) = @llm(@row.prompt, { schema: @row.schema, purpose: @row.purpose, model: @model })
exe @compared(row) = [
  let @said = @rejudge(@row, @payload.model)
  let @now = @row.purpose == "choice" ? @said.choice : `@said.holds`
  => { ...@row, now: @now, why: @said.evidence }
]
var @all = for parallel @row in @payload.rows => @compared(@row)
var @other = for @row in @all when @row.now != @row.value => @row
for @row in @other [ show `@row.seq  @row.site  **@row.text**  @row.value → @row.now (@row.why)` ]
show `@other.length of @all.length decided otherwise by @payload.model`
"""


def main(argv: list[str], shell: Shell) -> int:
    if argv and argv[0] in ("--help", "-h"):
        shell.say(HELP.rstrip())
        return 0
    model, rest = _model(argv)
    line = read(rest, shell.cwd)
    config = shell.config()
    with open_store(config, shell) as store:
        run = chosen_run(store, line.words[0] if line.words else "last")
        rows = predicates(store.connection, run.id)
    if not rows:
        raise OrchError("E810", f"run {run.id} decided nothing in words", help="orch runs lists the others", exit=2)
    payload = {"model": model, "rows": _payload(rows)}
    return start(SCRIPT, replace(line, words=[], payload=payload), config, shell, name="rejudge")


def _model(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The model named, and the other words."""
    for position, word in enumerate(argv):
        if word.startswith("--model="):
            return word.partition("=")[2], [*argv[:position], *argv[position + 1 :]]
        if word == "--model" and position + 1 < len(argv):
            return argv[position + 1], [*argv[:position], *argv[position + 2 :]]
    raise usage("no model to ask", "orch rejudge last --model opus")


def _payload(rows: Sequence[StoredPredicate]) -> list[dict[str, Any]]:
    from orchestra.runtime.semantic.questions import choice_schema, holds_schema

    return [
        {
            "seq": row.seq, "site": row.site, "text": row.text, "value": row.value, "prompt": row.prompt,
            "purpose": "predicate" if row.labels is None else "choice",
            "schema": holds_schema() if row.labels is None else choice_schema(row.labels),
        }
        for row in rows
    ]  # fmt: skip
