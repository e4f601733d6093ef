"""One open store file: statements, transactions, and the translation of what SQLite reports into our errors.

What the tables mean is left to the modules that own them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.store.location import check_header, network_kind, newer, prepare, set_aside, unusable
from orchestra.store.schema import APPLICATION_ID, VERSION, migrate

__all__ = ["Connection", "storable"]

Row = tuple[Any, ...]

PATIENCE: Final = 10.0  # seconds to wait for another process's lock
CHECKED: Final = 32 * 1024 * 1024  # bytes up to which a file is examined on opening: 0.5 ms per MB
DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# How a transaction begins, how it is made good, and how it is undone.
OUTERMOST: Final = ("BEGIN IMMEDIATE", "COMMIT", ["ROLLBACK"])
NESTED: Final = ("SAVEPOINT part", "RELEASE part", ["ROLLBACK TO part", "RELEASE part"])
ADVICE: Final = {
    sqlite3.SQLITE_FULL: "make room on the disk and run again: everything stored before is kept",
    sqlite3.SQLITE_BUSY: "another process keeps the store locked; run again when it is done",
}


def storable(text: str) -> str:
    """`text` as SQLite can hold it: halves of surrogate pairs become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class Connection:
    """Statements on a store file. Every SQLite failure leaves as an E806 that says the reason.

    notes: lines for the user about what happened while opening
    """

    def __init__(self, path: Path, *, now: Callable[[], str], mounts: str) -> None:
        self.path = path
        self.now = now
        self.notes: list[str] = []
        self.replaced: Path | None = None  # what was found damaged on opening, set aside
        self._loss: str | None = None
        self._inode = prepare(path)
        self._journal_mode = self._choose_journal_mode(mounts)
        if not check_header(path):
            self._replace()
        self._raw = self._open()

    def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        try:
            row: Row | None = self._raw.execute(sql, values).fetchone()
            return row
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._raw.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute a writing statement and return the number of rows it changed."""
        try:
            return self._raw.execute(sql, values).rowcount
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error

    def change_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self._raw.executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            raise self._fault(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements within, or none; other writers wait meanwhile. Within another it is a part of that one."""
        begin, commit, undo = NESTED if self._raw.in_transaction else OUTERMOST
        self.change(begin)
        try:
            yield
            self.change(commit)
        except BaseException:
            if self._loss is None and self._raw.in_transaction:
                for statement in undo:
                    self._raw.execute(statement)
            raise

    def close(self) -> None:
        self._raw.close()

    @property
    def usable(self) -> bool:
        """False once the file turned out to be damaged."""
        return self._loss is None

    def damaged(self, reason: str) -> OrchError:
        """Set the file aside and return the error to raise; the next process begins a new one."""
        self._raw.close()
        aside = set_aside(self.path, self._inode, self.now())
        kept = f"kept as {aside.name}" if aside else "set aside by another process"
        self._loss = f"it is damaged ({reason}) and was {kept}"
        return self._lost(self._loss)

    def _lost(self, loss: str) -> OrchError:
        return unusable(loss, help="run again: a new store is begun")

    def _fault(self, error: sqlite3.DatabaseError) -> Exception:
        if self._loss is not None:
            return self._lost(self._loss)
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            return error
        if is_damage(error):
            return self.damaged(str(error))
        return self._refused(error)

    def _refused(self, error: sqlite3.DatabaseError) -> OrchError:
        return unusable(f"{self.path}: {error}", help=ADVICE.get(primary_code(error)))

    def _open(self, *, replace: bool = True) -> sqlite3.Connection:
        """The connection, with `replace` to a new file if the old one turns out to be damaged."""
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if not (replace and is_damage(error)):
                raise self._refused(error) from error
        self._replace()
        return self._open(replace=False)

    def _connect(self) -> sqlite3.Connection:
        raw = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        try:
            self._set_up(raw)
        except BaseException:
            raw.close()
            raise
        return raw

    def _set_up(self, raw: sqlite3.Connection) -> None:
        if self.path.stat().st_size == 0:
            # Before WAL mode: the mark must stand in the file itself, not in a journal.
            raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        raw.execute(f"PRAGMA journal_mode = {self._journal_mode}")
        raw.execute("PRAGMA synchronous = NORMAL")
        if self.path.stat().st_size <= CHECKED:
            examine(raw)
        version = raw.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise newer(self.path)
        if version < VERSION:
            if version:
                self._keep_copy(raw, version)
            migrate(raw)
        raw.execute("PRAGMA foreign_keys = ON")

    def _keep_copy(self, raw: sqlite3.Connection, version: int) -> None:
        """A copy of the store as the version of `orch` before left it."""
        copy = self.path.with_name(f"{self.path.name}.version-{version}")
        import tempfile  # which takes long to load

        descriptor, name = tempfile.mkstemp(prefix=f"{copy.name}.", dir=copy.parent)  # empty, and only ours to read
        os.close(descriptor)
        fresh = Path(name)
        try:
            raw.execute("VACUUM INTO ?", (name,))
            os.link(fresh, copy)  # unlike a rename it leaves alone what another process was quicker to put there
        except FileExistsError:
            return
        finally:
            fresh.unlink()
        self.notes.append(f"the store has a new form; as it was before it is kept as {copy.name}")

    def _choose_journal_mode(self, mounts: str) -> str:
        kind = network_kind(self.path.resolve(), mounts)
        if kind is None:
            return "WAL"
        self.notes.append(f"the store lies on a network file system ({kind}): it works, but more slowly")
        return "DELETE"

    def _replace(self) -> None:
        aside = set_aside(self.path, self._inode, self.now())
        if aside:
            self.replaced = aside
            self.notes.append(f"the store was damaged and is kept as {aside.name}; a new one was begun")
        self._inode = prepare(self.path)


def examine(raw: sqlite3.Connection) -> None:
    """Raise as SQLite itself would if the file's structure is broken."""
    verdict = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        error = sqlite3.DatabaseError(verdict)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file's content is at fault, not access, space or a lock."""
    return primary_code(error) in DAMAGE


def primary_code(error: sqlite3.DatabaseError) -> int:
    """SQLite's number for the kind of error, without the detail in its upper bits; 0 if it gave none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
