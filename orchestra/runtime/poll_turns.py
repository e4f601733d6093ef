"""Calls that are to write the same file take turns, so that no answer is taken for that of another call.

Making room for the file and reading it is left to `poll`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

import trio

from orchestra.errors import OrchError, Warned

__all__ = ["PollTurns"]

# The files of the calls around a task. Tasks that a call starts inherit them.
WRITING: Final[ContextVar[frozenset[Path]]] = ContextVar("writing", default=frozenset())


class PollTurns:
    """The files that calls of one run are writing. `warn` is told once of each file that several calls share."""

    def __init__(self, warn: Callable[[Warned], None]) -> None:
        self._warn = warn
        self._locks: dict[Path, trio.Lock] = {}
        self._told: set[Path] = set()

    @asynccontextmanager
    async def turn(self, path: Path, shown: str) -> AsyncIterator[None]:
        """Waits until no other call writes `path`. Raises E705 where that would be for ever."""
        around = WRITING.get()
        if path in around:
            raise OrchError("E705", f"a call inside a call wants to write {shown} too", help="give each its own path")
        lock = self._locks.setdefault(path, trio.Lock())
        if lock.locked():
            self._tell(path, shown)
        async with lock:
            token = WRITING.set(around | {path})
            try:
                yield
            finally:
                WRITING.reset(token)

    def _tell(self, path: Path, shown: str) -> None:
        if path not in self._told:
            self._told.add(path)
            message = f"calls that write {shown} take turns, however wide their loop is"
            self._warn(Warned("E705", message, help="give each its own path, and they run side by side"))
