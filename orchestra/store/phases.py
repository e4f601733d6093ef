"""Which phases of a script have been recorded as complete. What a phase is, the script says."""

from __future__ import annotations

from orchestra.store.connection import Connection, storable

__all__ = ["Phases"]


class Phases:
    """The phases of one script by name."""

    def __init__(self, connection: Connection, *, script: str) -> None:
        self._connection = connection
        self._script = script

    def record(self, name: str, complete: bool) -> None:
        """Keep whether the phase's `complete` condition held when it ended."""
        self._connection.change(
            "INSERT INTO phases (script, name, complete, updated) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET complete = excluded.complete, updated = excluded.updated",
            (self._script, storable(name), int(complete), self._connection.now()),
        )

    def completed(self, name: str) -> bool:
        """Whether the phase was complete when it ended last; False if it never did."""
        row = self._connection.one(
            "SELECT complete FROM phases WHERE script = ? AND name = ?", (self._script, storable(name))
        )
        return row is not None and bool(row[0])
