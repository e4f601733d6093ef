"""The table `events`: what is worth keeping about an execution besides its calls, as JSON under a kind."""

from __future__ import annotations

import json
from typing import Any, Final

from orchestra.store.connection import Connection, storable

__all__ = ["FILES", "WAITS", "keep_event", "kept_events"]

FILES: Final = "files"  # which files an execution read
WAITS: Final = "gate"  # at which gate it ended, and where that stands in the script

KEEP: Final = (
    "INSERT INTO events (execution, seq, at, kind, data) SELECT ?, coalesce(max(seq), 0) + 1, ?, ?, ?"
    " FROM events WHERE execution = ?"
)
OF_RUN: Final = (
    "SELECT data FROM events JOIN executions x ON x.id = execution WHERE x.run = ? AND kind = ? ORDER BY events.rowid"
)


def keep_event(connection: Connection, execution: str, kind: str, data: Any) -> None:
    text = storable(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    connection.change(KEEP, (execution, connection.now(), kind, text, execution))


def kept_events(connection: Connection, run: str, kind: str) -> list[Any]:
    """The data of the events of one kind, of all executions of a run, oldest first."""
    return [json.loads(data) for (data,) in connection.all(OF_RUN, (run, kind))]
