"""The log of a run: what its script told in one line each, written once however often the run is gone on with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from orchestra.store.connection import Connection
from orchestra.store.tables import digest
from orchestra.values.text import compact_json

__all__ = ["Entry", "Log", "entries"]

DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. seq: its place in the log of the run, from 1; data: JSON."""

    seq: int
    at: str
    kind: str
    name: str
    data: str


class Log:
    """The log of a run, as one execution adds to it."""

    def __init__(self, connection: Connection, *, run: str, execution: str) -> None:
        self._connection = connection
        self._run = run
        self._execution = execution
        self._told: Counter[str] = Counter()

    def tell(self, kind: str, name: str, data: Any) -> None:
        """Add a line, unless an earlier execution of the run has told the same as often as this one."""
        same = digest([kind, name, data], DIGITS)
        self._told[same] += 1
        self._connection.change(
            "INSERT INTO events (execution, seq, at, kind, data, run, name, same, nth)"
            " SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM events WHERE execution = ?1"
            " ON CONFLICT (run, same, nth) DO NOTHING",
            (
                self._execution, self._connection.now(), kind, compact_json(data), self._run, name, same,
                self._told[same],
            ),
        )  # fmt: skip


def entries(connection: Connection, run: str, kind: str | None = None) -> list[Entry]:
    """The lines of a run, oldest first, of one kind or of all."""
    rows = connection.all(
        "SELECT seq, at, kind, name, data FROM"
        " (SELECT row_number() OVER (ORDER BY rowid) AS seq, at, kind, name, data FROM events WHERE run = ?1)"
        " WHERE ?2 IS NULL OR kind = ?2 ORDER BY seq",
        (run, kind),
    )
    return [Entry(*row) for row in rows]
