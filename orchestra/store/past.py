"""Answers as they stood when a run ended, those included that other answers have replaced since.

Whether a call may be answered so is decided by the caller; what is gone for good is dropped by `retention`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from orchestra.errors import OrchError
from orchestra.store.blobs import Blobs, Common
from orchestra.store.checkpoints import Hit, StoredFile, stored_files, with_tags
from orchestra.store.connection import Connection
from orchestra.store.keys import Key
from orchestra.store.values import Codec

__all__ = ["Past", "copy_store"]

# What the run made itself comes before what it was served, the later before the earlier.
FIND: Final = """
    SELECT value, value_blob, tags, created, run, files FROM (
        SELECT script, key, run, created, value, value_blob, tags, files FROM checkpoints
        UNION ALL SELECT script, key, run, created, value, value_blob, tags, 0 FROM replaced)
    WHERE script = ? AND key = ? AND (run = ? OR julianday(created) <= julianday(?))
    ORDER BY run = ? DESC, julianday(created) DESC LIMIT 1"""


class Past:
    """The answers of one script as a run knew them.

    until:    when it ended, ISO-8601
    restores: whether the files that the calls wrote belong to the answers
    """

    def __init__(
        self, connection: Connection, codec: Codec, *, script: str, run: str, until: str, restores: bool = False
    ) -> None:
        self._connection = connection
        self._codec = codec
        self._blobs = Blobs(connection)
        self._common = Common(connection)
        self._script = script
        self._run = run
        self._until = until
        self._restores = restores

    def find(self, key: Key) -> Hit | None:
        """What the run got for this call."""
        row = self._connection.one(FIND, (self._script, key.digest, self._run, self._until, self._run))
        if row is None:
            return None
        text, blob, tags, created, run, files = row
        value: Any = self._codec.decode(text if blob is None else self._blobs.get(blob).decode("utf-8"))
        value = value if tags is None else with_tags(value, self._common.text(tags))
        return Hit(value, {}, self._files(key.digest) if files else (), key.digest, created, None, run)

    def _files(self, key: str) -> tuple[StoredFile, ...]:
        if not self._restores:
            return ()
        return stored_files(self._connection, self._script, key)


def copy_store(path: Path, copy: Path) -> None:
    """The store as it is at this moment, for what must not change it. Raises E806."""
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise OrchError("E806", f"cannot read {path.name}: {error}") from None
