"""Claims: which process is making which call at the moment, so that no other makes it too.

Waiting for somebody else's claim, and beating while one's own call takes its time, is left to the caller.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from orchestra.store.connection import Connection
from orchestra.store.keys import Key

__all__ = ["Claims", "Owner"]

SILENCE: Final = 60.0  # seconds without a beat after which a process on another machine counts as gone
OWNED: Final = "host = ? AND boot = ? AND pid = ? AND born = ?"


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from later ones that get the same number.

    boot: the kernel's id of the current boot; born: start in ticks since then; both "" where unknown
    """

    host: str
    boot: str
    pid: int
    born: str

    @classmethod
    def current(cls) -> Owner:
        pid = os.getpid()
        return cls(socket.gethostname(), _read("/proc/sys/kernel/random/boot_id").strip(), pid, _born(pid))

    @property
    def row(self) -> tuple[str, str, int, str]:
        return self.host, self.boot, self.pid, self.born

    def outlives(self, other: Owner, beat: str, now: str) -> bool:
        """Whether `other` is gone: seen to be, or on another machine and silent for too long."""
        ended = self.sees_end_of(other)
        if ended is None:
            return (datetime.fromisoformat(now) - datetime.fromisoformat(beat)).total_seconds() > SILENCE
        return ended

    def sees_end_of(self, other: Owner) -> bool | None:
        """Whether `other` has ended, None if that cannot be seen from here."""
        if self.host != other.host:
            return None
        if self.boot != other.boot:
            return True
        return not _runs(other.pid, other.born)


class Claims:
    """The claims of one script, made in the name of this process."""

    def __init__(self, connection: Connection, owner: Owner, *, script: str) -> None:
        self._connection = connection
        self._owner = owner
        self._script = script
        self._ahead: dict[str, tuple[str, datetime]] = {}  # beats from the future, and when they were first seen

    def claim(self, key: Key) -> bool:
        """Whether the call is ours to make; False if a living process, this one included, is making it."""
        sql = (
            "INSERT INTO claims (script, key, host, boot, pid, born, beat) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING"
        )
        values = (self._script, key.digest, *self._owner.row, self._connection.now())
        return self._connection.change(sql, values) == 1 or self._take_over(key)

    def release(self, key: Key) -> None:
        """Give up a claim; one that another process took over meanwhile stays with it."""
        self._connection.change(
            f"DELETE FROM claims WHERE script = ? AND key = ? AND {OWNED}",
            (self._script, key.digest, *self._owner.row),
        )

    def beat(self) -> None:
        """Say that this process still works on its claims; due more often than once a minute."""
        self._connection.change(
            f"UPDATE claims SET beat = ? WHERE script = ? AND {OWNED}",
            (self._connection.now(), self._script, *self._owner.row),
        )

    def _take_over(self, key: Key) -> bool:
        row = self._connection.one(
            "SELECT host, boot, pid, born, beat FROM claims WHERE script = ? AND key = ?",
            (self._script, key.digest),
        )
        if row is None:  # released since
            return self.claim(key)
        *process, beat = row
        if not self._is_gone(Owner(*process), key, beat):
            return False
        sql = (
            "UPDATE claims SET host = ?, boot = ?, pid = ?, born = ?, beat = ?"
            f" WHERE script = ? AND key = ? AND beat = ? AND {OWNED}"
        )
        values = (*self._owner.row, self._connection.now(), self._script, key.digest, beat, *process)
        return self._connection.change(sql, values) == 1

    def _is_gone(self, other: Owner, key: Key, beat: str) -> bool:
        ended = self._owner.sees_end_of(other)
        return self._silence(key, beat) > SILENCE if ended is None else ended

    def _silence(self, key: Key, beat: str) -> float:
        """Seconds without a beat. A clock ahead of ours tells nothing: we look for ourselves."""
        now, last = (datetime.fromisoformat(text) for text in (self._connection.now(), beat))
        if last > now:
            seen, since = self._ahead.get(key.digest, ("", now))
            last = since if seen == beat else now
            self._ahead[key.digest] = beat, last
        return (now - last).total_seconds()


def _runs(pid: int, born: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, hence there
    state = _state(pid)
    return not state or (state[0] != "Z" and born in ("", state[BORN]))


BORN: Final = 19  # place of the start time behind the name of the program


def _born(pid: int) -> str:
    state = _state(pid)
    return state[BORN] if state else ""


def _state(pid: int) -> list[str]:
    """What the kernel says about a process, from its state letter on; empty where it says nothing."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
