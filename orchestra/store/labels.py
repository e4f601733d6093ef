"""What was written to which file with which labels, so that they are there again when it is read.

A small database of its own beside the audit log, made with the first file that is written so. What labels mean is not
known here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["WrittenLabels", "WrittenWith"]

TABLE: Final = """CREATE TABLE IF NOT EXISTS written (
    path    TEXT PRIMARY KEY,        -- as the project knows it
    hash    TEXT NOT NULL,           -- sha256 of the file after the last write
    labels  TEXT NOT NULL,           -- JSON lists
    taint   TEXT NOT NULL,
    sources TEXT NOT NULL
) STRICT"""
PATIENCE: Final = 10.0  # seconds to wait for another process


@dataclass(frozen=True, slots=True)
class WrittenWith:
    """What a file carried when it was written last, and the sha256 of what was in it then."""

    hash: str
    labels: tuple[str, ...]
    taint: tuple[str, ...]
    sources: tuple[str, ...]


class WrittenLabels:
    """The database at `path`, which need not exist. Methods raise sqlite3.Error and OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None

    def find(self, name: str) -> WrittenWith | None:
        connection = self._connected(create=False)
        if connection is None:
            return None
        query = "SELECT hash, labels, taint, sources FROM written WHERE path = ?"
        row = connection.execute(query, (name,)).fetchone()
        return None if row is None else WrittenWith(row[0], *(tuple(json.loads(part)) for part in row[1:]))

    def put(self, name: str, written: WrittenWith) -> None:
        connection = self._connected(create=True)
        assert connection is not None
        lists: Sequence[Sequence[str]] = (written.labels, written.taint, written.sources)
        values = (name, written.hash, *(json.dumps(list(part)) for part in lists))
        with connection:
            connection.execute("INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?, ?)", values)

    def forget(self, name: str) -> None:
        """The file was written anew, and carries nothing now."""
        connection = self._connected(create=False)
        if connection is not None:
            with connection:
                connection.execute("DELETE FROM written WHERE path = ?", (name,))

    def close(self) -> None:
        if self._open is not None:
            self._open.close()

    def _connected(self, create: bool) -> sqlite3.Connection | None:
        if self._open is None and (create or self._path.exists()):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(self._path, timeout=PATIENCE)
            self._open.execute(TABLE)
        return self._open
