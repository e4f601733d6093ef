"""Gates: questions to a person that a run waits at, and what was decided.

Which row belongs to a gate that a script reaches is decided here, in one transaction; what may be answered, and what
the answer means, is left to whoever asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from orchestra.store.connection import Connection, Row, storable
from orchestra.store.happenings import WAITS, keep_event

__all__ = ["Gate", "Gates", "Reached", "Wanted"]

COLUMNS: Final = (
    "run, name, occurrence, bind_hash, presented, options, state, decision, note, answered_by, opened, answered,"
    " rules, lane"
)


@dataclass(frozen=True, slots=True)
class Gate:
    """One question. state: open, answered, void (nobody waits for it any more) or skipped.

    presented: path of the file with what was shown, from the project root
    options:   the words that can be decided for; empty where any text can be
    rules:     JSON: how an answer is read
    lane:      the items of parallel loops in which it was reached
    """

    run: str
    name: str
    occurrence: int
    bind_hash: str
    presented: str
    options: list[str]
    state: str
    decision: str | None
    note: str | None
    answered_by: str | None
    opened: str
    answered: str | None
    rules: str
    lane: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a script asks.

    presented: the path of the file for an occurrence
    skips:     the script decides by itself, which an earlier execution may have done too
    """

    name: str
    bind_hash: str
    options: list[str]
    rules: str
    lane: str
    presented: Callable[[int], str]
    skips: bool = False

    @property
    def decided(self) -> tuple[str, ...]:
        """The states of rows that decide. What was skipped once is no decision where a person is asked."""
        return ("answered", "skipped") if self.skips else ("answered",)


@dataclass(frozen=True, slots=True)
class Reached:
    """The row of a gate that was reached. changed: the row before it, if what it showed is not what is shown now."""

    gate: Gate
    changed: Gate | None = None


class Gates:
    """The gates of one run."""

    def __init__(self, connection: Connection, *, run: str, execution: str | None = None) -> None:
        """execution: the process that waits, if one does."""
        self._connection = connection
        self._run = run
        self._execution = execution

    def all(self, name: str | None = None) -> list[Gate]:
        """The gates of the run, or those of one name, in the order in which they were opened."""
        condition, values = ("", ()) if name is None else (" AND name = ?", (storable(name),))
        rows = self._connection.all(
            f"SELECT {COLUMNS} FROM gates WHERE run = ?{condition} ORDER BY rowid", (self._run, *values)
        )
        return [_gate(row) for row in rows]

    def everywhere(self) -> list[Gate]:
        """The gates of all runs, in the order in which they were opened."""
        return [_gate(row) for row in self._connection.all(f"SELECT {COLUMNS} FROM gates ORDER BY rowid")]

    def find(self, wanted: Wanted, taken: set[int]) -> Gate | None:
        """The answered row for what a script asks, if there is one. taken: occurrences it has been given already."""
        return _match([row for row in self.all(wanted.name) if row.state in wanted.decided], wanted, taken)

    def reach(self, wanted: Wanted, taken: set[int]) -> Reached:
        """The row for what a script asks: an earlier one that showed the same, else a new one.

        Open rows that showed something else in the same place are void from now on.
        """
        if (found := self.find(wanted, taken)) is not None:
            return Reached(self._moved(found, wanted))
        with self._connection.transaction():
            rows = [row for row in self.all(wanted.name) if row.state in (*wanted.decided, "open")]
            if (found := _match(rows, wanted, taken)) is not None:
                return Reached(self._moved(found, wanted))
            older = [row for row in rows if row.occurrence not in taken and row.lane == wanted.lane]
            for row in older:
                if row.state == "open":
                    self._void(row)
            return Reached(self._opened(wanted), older[-1] if older else None)

    def answer(self, gate: Gate, decision: str, note: str | None, by: str) -> bool:
        """Decide an open gate; False if it is open no more: then nothing is changed."""
        changed = self._connection.change(
            "UPDATE gates SET state = 'answered', decision = ?, note = ?, answered_by = ?, answered = ?"
            " WHERE run = ? AND name = ? AND occurrence = ? AND state = 'open'",
            (storable(decision), note and storable(note), by, self._connection.now(), self._run, gate.name,
             gate.occurrence),
        )  # fmt: skip
        return changed == 1

    def skip(self, gate: Gate, decision: str) -> None:
        """Decide an open gate without anybody: the row says so."""
        self._connection.change(
            "UPDATE gates SET state = 'skipped', decision = ?, answered_by = 'script', answered = ?"
            " WHERE run = ? AND name = ? AND occurrence = ? AND state = 'open'",
            (storable(decision), self._connection.now(), self._run, gate.name, gate.occurrence),
        )

    def waits(self, gate: Gate, place: str) -> None:
        """Keep where in the script the execution waits."""
        assert self._execution is not None
        told = {"name": gate.name, "occurrence": gate.occurrence, "place": place}
        keep_event(self._connection, self._execution, WAITS, told)

    def again(self, gate: Gate) -> Gate:
        """The row as it is now."""
        return next(row for row in self.all(gate.name) if row.occurrence == gate.occurrence)

    def close(self) -> None:
        """The run came to its end: what is still open decides nothing any more."""
        for gate in self.all():
            if gate.state == "open":
                self._void(gate)

    def _moved(self, gate: Gate, wanted: Wanted) -> Gate:
        """The row, from now on at its new place among parallel items and with the words accepted now."""
        if (gate.lane, gate.rules) == (wanted.lane, wanted.rules):
            return gate
        self._connection.change(
            "UPDATE gates SET lane = ?, rules = ? WHERE run = ? AND name = ? AND occurrence = ?",
            (wanted.lane, storable(wanted.rules), self._run, gate.name, gate.occurrence),
        )
        return replace(gate, lane=wanted.lane, rules=wanted.rules)

    def _void(self, gate: Gate) -> None:
        self._connection.change(
            "UPDATE gates SET state = 'void' WHERE run = ? AND name = ? AND occurrence = ? AND state = 'open'",
            (self._run, gate.name, gate.occurrence),
        )

    def _opened(self, wanted: Wanted) -> Gate:
        name = storable(wanted.name)
        row = self._connection.one(
            "SELECT coalesce(max(occurrence), 0) + 1 FROM gates WHERE run = ? AND name = ?", (self._run, name)
        )
        assert row is not None
        number, now = int(row[0]), self._connection.now()
        path = storable(wanted.presented(number))
        gate = Gate(
            self._run, name, number, wanted.bind_hash, path, wanted.options, "open", None, None, None, now, None,
            wanted.rules, wanted.lane,
        )  # fmt: skip
        self._connection.change(
            f"INSERT INTO gates ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, 'open', NULL, NULL, NULL, ?, NULL, ?, ?)",
            (self._run, name, number, gate.bind_hash, path, storable(json.dumps(wanted.options, ensure_ascii=False)),
             now, storable(gate.rules), gate.lane),
        )  # fmt: skip
        return gate


def _match(rows: list[Gate], wanted: Wanted, taken: set[int]) -> Gate | None:
    """The first row that showed the same, rather one of the same place."""
    same = [row for row in rows if row.occurrence not in taken and row.bind_hash == wanted.bind_hash]
    near = [row for row in same if row.lane == wanted.lane]
    return next(iter(near or same), None)


def _gate(row: Row) -> Gate:
    run, name, occurrence, bind_hash, presented, options, *rest = row
    return Gate(run, name, occurrence, bind_hash, presented, json.loads(options), *rest)
