"""Sessions of agents: who was asked what in a run, how it stands, and what it took.

What an agent remembers is kept by `memories`, the answer itself by `checkpoints`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestra.store.connection import Connection, storable

__all__ = ["Session", "SessionRow", "Sessions", "list_sessions"]

COLUMNS: Final = (
    "id, agent, label, state, resumed, place, position, prompt_hash, context, skills, result_ref, attempts, tokens_in,"
    " tokens_out, error, started, at, ms"
)


@dataclass(frozen=True, slots=True)
class Session:
    """One session as the script begins it. `at`: milliseconds from the beginning of the execution."""

    id: str
    agent: str | None
    label: str
    resumed: bool
    place: str
    position: tuple[int, ...]
    prompt_hash: str
    context: Mapping[str, str]
    skills: Mapping[str, str]
    at: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as it was kept."""

    id: str
    agent: str | None
    label: str
    state: str
    resumed: int
    place: str
    position: str
    prompt_hash: str
    context: str
    skills: str
    result_ref: str | None
    attempts: int
    tokens_in: int
    tokens_out: int
    error: str | None
    started: str
    at: int
    ms: int | None


class Sessions:
    """The sessions of one run. A script that is run again meets the rows of its earlier executions."""

    def __init__(self, connection: Connection, *, run: str) -> None:
        self._connection = connection
        self._run = run

    def create(self, session: Session) -> None:
        """Note the session, unless an earlier execution has."""
        text = (session.label, session.place, json.dumps(session.position), session.prompt_hash)
        self._connection.change(
            "INSERT OR IGNORE INTO sessions (run, id, agent, resumed, label, place, position, prompt_hash, context,"
            " skills, state, attempts, tokens_in, tokens_out, started, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'created', 0, 0, 0, ?, ?)",
            (
                self._run, session.id, storable(session.agent) if session.agent is not None else None, session.resumed,
                *map(storable, text), storable(json.dumps(session.context)), storable(json.dumps(session.skills)),
                self._connection.now(), session.at,
            ),
        )  # fmt: skip

    def running(self, id: str, at: int) -> None:
        """A model is asked now."""
        self._set(id, "state = 'running', attempts = attempts + 1, error = NULL, at = ?", at)

    def completed(self, id: str, result_ref: str, tokens_in: int, tokens_out: int, ms: int | None) -> None:
        """There is an answer. One that was served changes nothing but the state: ms is None."""
        if ms is None:
            self._set(id, "state = 'completed', result_ref = ?, ms = coalesce(ms, 0), error = NULL", result_ref)
            return
        self._set(
            id,
            "state = 'completed', result_ref = ?, tokens_in = ?, tokens_out = ?, ms = ?, error = NULL",
            *(result_ref, tokens_in, tokens_out, ms),
        )

    def ended(self, id: str, state: str, error: str | None, ms: int) -> None:
        """There is none: `failed` or `aborted`."""
        self._set(id, "state = ?, error = ?, ms = ?", state, storable(error) if error is not None else None, ms)

    def _set(self, id: str, changes: str, *values: object) -> None:
        self._connection.change(f"UPDATE sessions SET {changes} WHERE run = ? AND id = ?", (*values, self._run, id))


def list_sessions(connection: Connection, run: str) -> list[SessionRow]:
    """The sessions of a run in the order of the script."""
    rows = connection.all(f"SELECT {COLUMNS} FROM sessions WHERE run = ? ORDER BY rowid", (run,))
    return sorted((SessionRow(*row) for row in rows), key=lambda row: json.loads(row.position))
