"""What persistent agents remember: numbered segments, and versions of their memory.

Several runs may share a memory. A run goes on from what it found at its beginning, however often it is run again;
what others add meanwhile is for the next one. What a memory says is made up in the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from orchestra.store.connection import Connection, storable

__all__ = ["Belongs", "Memories"]

BEGINNING: Final = ""  # stands in place of a session for what a run began with
WHOSE: Final = "agent = ? AND scope = ? AND owner = ?"


@dataclass(frozen=True, slots=True)
class Belongs:
    """Whose memory it is. scope: run, project, user or path; owner: the run or the path, else empty."""

    agent: str
    scope: str
    owner: str

    @property
    def row(self) -> tuple[str, str, str]:
        return storable(self.agent), self.scope, storable(self.owner)


class Memories:
    """The memories as one run sees them."""

    def __init__(self, connection: Connection, *, run: str) -> None:
        self._connection = connection
        self._run = run

    def beginning(self, whose: Belongs, found: str | None) -> str:
        """What the run began with: noted at its first use, as `found` elsewhere or as the latest version."""
        with self._connection.transaction():
            known = self._of(whose, BEGINNING)
            if known is not None:
                return known
            latest = self._connection.one(
                f"SELECT memory FROM agent_memory WHERE {WHOSE} ORDER BY version DESC LIMIT 1", whose.row
            )
            memory = found if found is not None else latest[0] if latest else ""
            self._add(whose, BEGINNING, memory)
            return memory

    def segment(self, whose: Belongs, session: str, prompt: str, summary: str) -> int:
        """The number of the segment of a session, which it keeps when the script is run again."""
        with self._connection.transaction():
            known = self._connection.one(
                f"SELECT number FROM session_segments WHERE {WHOSE} AND run = ? AND session = ?",
                (*whose.row, self._run, session),
            )
            if known is not None:
                return int(known[0])
            row = self._connection.one(
                f"SELECT coalesce(max(number), 0) + 1 FROM session_segments WHERE {WHOSE}", whose.row
            )
            number = int(row[0]) if row else 1
            self._connection.change(
                "INSERT INTO session_segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*whose.row, number, self._run, session, storable(prompt), storable(summary), self._connection.now()),
            )
            return number

    def after(self, whose: Belongs, session: str) -> str | None:
        """What the agent remembered after a session of this run; None if that was never noted."""
        return self._of(whose, session)

    def remember(self, whose: Belongs, session: str, memory: str) -> None:
        """What the agent remembers after a session."""
        with self._connection.transaction():
            if self._of(whose, session) is None:
                self._add(whose, session, memory)

    def _of(self, whose: Belongs, session: str) -> str | None:
        row = self._connection.one(
            f"SELECT memory FROM agent_memory WHERE {WHOSE} AND run = ? AND session = ?",
            (*whose.row, self._run, session),
        )
        return str(row[0]) if row else None

    def _add(self, whose: Belongs, session: str, memory: str) -> None:
        self._connection.change(
            "INSERT INTO agent_memory SELECT ?, ?, ?, coalesce(max(version), 0) + 1, ?, ?, ?, ?"
            f" FROM agent_memory WHERE {WHOSE}",
            (*whose.row, self._run, session, storable(memory), self._connection.now(), *whose.row),
        )
