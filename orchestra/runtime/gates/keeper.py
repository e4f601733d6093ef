"""The gates of a run: which decision a gate has, and how the run waits where it has none.

Rows are kept by `store.gates`, files are written by `document`, words are read by `question`. An answer belongs to
the run, the name and what was shown: other content opens the gate anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import trio

from orchestra.errors import OrchError
from orchestra.runtime.gates.document import command, gate_path, read_answer, write_document
from orchestra.runtime.gates.question import Question
from orchestra.runtime.lanes import parallel_items
from orchestra.source import Span
from orchestra.store.gates import Gate, Wanted
from orchestra.store.keys import canonical
from orchestra.values.operators import truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, unwrap
from orchestra.values.text import display

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["WAITING", "Gatekeeper", "waits"]

WAITING: Final = 3  # exit code of a run that waits for a person


@dataclass(frozen=True, slots=True)
class Asked:
    """A gate as the script reaches it.

    shown:  the text for the person
    remark: what a note is for
    skip:   what the script decides without asking, if it does
    """

    name: str
    question: Question
    shown: str
    remark: str
    bind_hash: str
    lane: str
    skip: str | None
    span: Span

    def wanted(self, run: str) -> Wanted:
        question = self.question
        return Wanted(
            self.name, self.bind_hash, list(question.options), question.rules, self.lane,
            lambda occurrence: gate_path(run, self.name, occurrence), skips=self.skip is not None,
        )  # fmt: skip


def waits(error: BaseException) -> bool:
    """Whether a gate ends the run here; other questions to a person, such as `--stale ask`, are errors to be shown."""
    return isinstance(error, OrchError) and error.code == "E820"


class Gatekeeper:
    """waiting: the gates that this execution waits at, with what was shown."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._taken: dict[str, set[int]] = {}
        self._terminal = trio.Lock()
        self.waiting: list[tuple[Gate, Asked]] = []

    def decision(self, name: str, options: Mapping[str, Any], scope: Scope, span: Span) -> Any:
        """What was decided. Raises E820, which ends the run for now, where nobody has."""
        if scope.context.memo is not None:
            help = "ask before or after the call: its result is stored, and would answer for every later gate"
            raise OrchError("E821", "a gate cannot stand inside a labelled call", span, help=help)
        self._run.tables.check_waiting()
        asked = self._asked(name, options, span)
        if self._run.planning is not None:
            return self._planned(asked)
        run = self._run
        reached = run.execution.gates.reach(asked.wanted(run.execution.run_id), self._taken_of(name))
        gate = reached.gate
        self._taken_of(name).add(gate.occurrence)
        if gate.state == "open" and asked.skip is not None:
            run.execution.gates.skip(gate, asked.skip)
            gate = run.execution.gates.again(gate)
        if gate.state == "open":
            if reached.changed is not None and reached.changed.state == "answered":
                run.note(_changed(reached.changed))
            gate = self._ahead(gate, asked) or self._from_file(gate, asked)
        if gate.state == "open" and run.options.interactive and run.request.past is None:
            gate = run.wait(self._at_terminal, gate, asked)
        if gate.state not in ("answered", "skipped"):
            raise self._waits(gate, asked)
        return _value(gate, asked.question)

    def finished(self) -> None:
        """The script came to its end without the answers that are still open."""
        if self._run.opened and self._run.request.past is None:
            self._run.execution.gates.close()

    def tell(self) -> None:
        """Say at which gates the run waits."""
        for gate, asked in self.waiting:
            self._run.event(
                "gate", run=gate.run, name=gate.name, occurrence=gate.occurrence, file=gate.presented,
                options=gate.options, choices=asked.question.choices, text=asked.shown,
                command=command(gate.run, gate.name, _placeholder(asked.question)),
            )  # fmt: skip

    # ── what is asked ────────────────────────────────────────────────────────────────────────────

    def _asked(self, name: str, options: Mapping[str, Any], span: Span) -> Asked:
        given = {key: plain(unwrap(value)) for key, value in options.items()}
        try:
            question = Question.of(
                given.get("options"), given.get("accept"), truthy(given.get("multi")), truthy(given.get("free")),
                given.get("schema"), self._run.root,
            )  # fmt: skip
            skip = question.encoded(question.read([display(given["skip"])])) if truthy(given.get("skip")) else None
        except ValueError as error:
            raise OrchError("E821", f"gate {name}: {error}", span) from None
        shown = given.get("present", "")
        bound = given.get("bind", shown)
        text = self._run.redactor.clean(display(None if shown is MISSING else shown))
        content = canonical([None if bound is MISSING else bound, question.shape])
        digest = sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
        lane = ".".join(map(str, parallel_items()))
        return Asked(name, question, text, display(given.get("note", "")), digest, lane, skip, span)

    def _planned(self, asked: Asked) -> Any:
        """When planning: the decision if there is one; nothing is opened."""
        gates = self._run.execution.gates
        found = gates.find(asked.wanted(self._run.execution.run_id), self._taken_of(asked.name))
        if found is None:
            assert self._run.planning is not None
            return self._run.planning.nobody_knows(f"gate {asked.name}")
        self._taken_of(asked.name).add(found.occurrence)
        return _value(found, asked.question)

    def _taken_of(self, name: str) -> set[int]:
        return self._taken.setdefault(name, set())

    # ── answers ──────────────────────────────────────────────────────────────────────────────────

    def _ahead(self, gate: Gate, asked: Asked) -> Gate | None:
        """The gate with the answer that the command line has for this occurrence."""
        given = [answer for answer in self._run.options.answers if answer.name == gate.name]
        numbered = [answer for answer in given if answer.occurrence == gate.occurrence]
        counted = [answer for answer in given if answer.occurrence == 0][gate.occurrence - 1 : gate.occurrence]
        for answer in (*numbered, *counted):
            try:
                decision = asked.question.read([answer.words])
            except ValueError as error:
                message = f"--answer {gate.name}={answer.words}: {error}"
                raise OrchError("E821", message, asked.span, fatal=True, exit=2) from None
            return self._answered(gate, asked.question.encoded(decision), None, "--answer")
        return None

    def _from_file(self, gate: Gate, asked: Asked) -> Gate:
        """The gate with the answer that somebody wrote into its file."""
        written = read_answer(self._run.root / gate.presented)
        if written is None:
            return gate
        try:
            decision = asked.question.read([written.words])
        except ValueError as error:
            self._run.note(f'{gate.presented}: "{written.words}": {error}')
            return gate
        return self._answered(gate, asked.question.encoded(decision), written.note, "file")

    async def _at_terminal(self, gate: Gate, asked: Asked) -> Gate:
        """The gate with what somebody types, if somebody sits there; one question at a time."""
        stdin, say = self._run.request.streams.stdin, self._run.sinks.error_line
        if stdin is None or not stdin.isatty():
            return gate
        async with self._terminal:
            say(f"{asked.shown.rstrip()}\n{gate.name}: {asked.question.choices}?")
            while line := await trio.to_thread.run_sync(stdin.readline, abandon_on_cancel=True):
                try:
                    decision = asked.question.read([line])
                except ValueError as error:
                    say(str(error))
                    continue
                note = None
                if asked.remark:
                    say(f"{asked.remark}?")
                    note = (await trio.to_thread.run_sync(stdin.readline, abandon_on_cancel=True)).strip() or None
                return self._answered(gate, asked.question.encoded(decision), note, "terminal")
        return gate

    def _answered(self, gate: Gate, decision: str, note: str | None, by: str) -> Gate:
        """The gate as it stands after an answer, which another process may have given first."""
        gates = self._run.execution.gates
        gates.answer(gate, decision, note, by)
        return gates.again(gate)

    def _waits(self, gate: Gate, asked: Asked) -> OrchError:
        if (past := self._run.request.past) is not None and past.live is None:
            message = f"run {gate.run} has no answer at gate {gate.name} for what is shown now"
            return OrchError("E808", message, asked.span, help=f"orch gate list {gate.run}", fatal=True)
        self._write(gate, asked)
        self._run.execution.gates.waits(gate, asked.span.where)
        self.waiting.append((gate, asked))
        message = f"{gate.run} waits at gate {gate.name}: {asked.question.choices}"
        return OrchError("E820", message, asked.span, fatal=True, exit=WAITING)

    def _write(self, gate: Gate, asked: Asked) -> None:
        """The file, unless it is there already: somebody may be writing into it."""
        path = self._run.root / gate.presented
        if not path.is_file():
            how = [
                f"To answer, write {asked.question.choices} behind `answer:` and run the script again, or:",
                "",
                f"    {command(gate.run, gate.name, _placeholder(asked.question))}",
            ]
            title = gate.name if gate.occurrence == 1 else f"{gate.name} ({gate.occurrence})"
            write_document(path, title, asked.shown, how, asked.remark, None)


def _value(gate: Gate, question: Question) -> dict[str, Any]:
    return {
        "decision": question.decoded(gate.decision or ""),
        "note": gate.note,
        "by": gate.answered_by,
        "occurrence": gate.occurrence,
    }


def _changed(gate: Gate) -> str:
    since = f"since it was answered with {gate.decision}"
    return f"{gate.name}: what is shown has changed {since}, so the gate is open again"


def _placeholder(question: Question) -> str:
    """The words of a command line that answers."""
    if question.free:
        return "TEXT" if question.schema is None else "JSON"
    return (" " if question.multi else "|").join(question.options)
