"""What is dropped from a store so that it stays small, and how large it is.

When that happens is decided by a user, or by `Retention.due` at the end of a run. Runs, calls and their costs stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from orchestra.errors import OrchError
from orchestra.store.blobs import Common, blob_references
from orchestra.store.claims import Owner
from orchestra.store.connection import Connection
from orchestra.store.happenings import keep_event
from orchestra.store.reasons import Reason
from orchestra.store.requests import FORGET, RESUMED

__all__ = ["Collected", "Retention", "Size"]

SELDOM: Final = timedelta(days=1)  # between two collections that nobody asked for
GONE: Final = timedelta(days=1)  # after which a process on another machine counts as ended
SHORT: Final = timedelta(seconds=1)  # a run of less does not tidy up
SHARE: Final = 10  # one in so many of the remaining answers goes at a time until the store is small enough
KIND: Final = "collected"  # of the event that tells of a collection

LAST_USE: Final = "coalesce(last_hit, created)"
# Blobs that rows name, and the parts that these are made of.
UNUSED: Final = """
    DELETE FROM blobs WHERE id NOT IN (
        WITH RECURSIVE used (id) AS (
            {named}
            UNION SELECT part.value FROM used
                JOIN blobs whole ON whole.id = used.id AND whole.codec = 'parts'
                JOIN json_each(CAST(whole.bytes AS TEXT)) part)
        SELECT id FROM used)"""
BY: Final = {
    "id": "SELECT {column} FROM {table} WHERE {column} IS NOT NULL",
    "hash": "SELECT id FROM blobs WHERE hash IN (SELECT {column} FROM {table} WHERE {column} IS NOT NULL)",
}

# The call of a model behind `calls`, as part of an answer.
WHOSE: Final = (
    "SELECT 1 FROM executions x JOIN runs r ON r.id = x.run JOIN checkpoints c ON c.script = r.script"
    " AND c.key = calls.key WHERE x.id = calls.execution"
)
# Requests that somebody wants asked anew, and those that the body did not make when it ran last.
OUT_OF_USE: Final = (
    f"UPDATE calls SET {FORGET} WHERE request IS NOT NULL AND (spent = '{RESUMED}' OR request NOT IN"
    " (SELECT request FROM calls c WHERE c.key = calls.key AND c.request IS NOT NULL AND c.execution ="
    " (SELECT execution FROM calls l WHERE l.key = calls.key AND l.request IS NOT NULL ORDER BY l.rowid DESC LIMIT 1)))"
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is. replaced: answers kept besides those that took their place; bytes: in use in the file."""

    entries: int
    replaced: int
    texts: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Collected:
    """A store before and after."""

    before: Size
    after: Size


class _OnlyAsked(Exception):
    """Ends a transaction whose outcome was to be seen and not kept."""


class Retention:
    """Dropping from one store. keep: how long an answer stays that nobody asks for."""

    def __init__(self, connection: Connection, *, keep: timedelta) -> None:
        self._connection = connection
        self._keep = keep

    def collect(
        self, *, most: int | None = None, only_show: bool = False, chosen: Iterable[tuple[str, str]] | None = None
    ) -> Collected:
        """Drop replaced answers, answers out of use and what nobody refers to any more.

        most:      bytes that are to remain at most, even if answers go that are in use
        chosen:    script and key of the answers that are to go, and then no others
        only_show: change nothing. Raises E806 while a run is at work: it may rely on a text that has no user yet.
        """
        with self._without_foreign_keys():
            collected = self._collected(most, only_show, chosen)
        if not only_show:
            self._connection.change("VACUUM")
            self._connection.all("PRAGMA wal_checkpoint(TRUNCATE)")
        return collected

    def due(self, execution: str, most: int) -> bool:
        """Whether the execution that just ended is to collect: more than `most` bytes, and nobody did so lately."""
        if self._bytes() <= most:
            return False
        now = datetime.fromisoformat(self._connection.now())
        started = self._connection.one("SELECT started FROM executions WHERE id = ?", (execution,))
        last = self._connection.one("SELECT max(at) FROM events WHERE kind = ?", (KIND,))
        lately = last is not None and last[0] is not None and now - datetime.fromisoformat(last[0]) < SELDOM
        return not lately and started is not None and now - datetime.fromisoformat(started[0]) >= SHORT

    def record(self, execution: str, collected: Collected) -> None:
        """Note a collection that nobody asked for."""
        keep_event(self._connection, execution, KIND, asdict(collected))

    def size(self) -> Size:
        entries, replaced = self._numbers("SELECT count(*), (SELECT count(*) FROM replaced) FROM checkpoints")
        (texts,) = self._numbers("SELECT count(*) FROM blobs")
        return Size(entries, replaced, texts, self._bytes())

    def working(self) -> list[str]:
        """The executions that have not ended, as far as that can be seen from here."""
        rows = self._connection.all("SELECT id, started, host, boot, pid, born FROM executions WHERE ended IS NULL")
        return [id for id, started, *owner in rows if self._works(started, Owner(*owner))]

    def _works(self, started: str, owner: Owner) -> bool:
        ended = Owner.current().sees_end_of(owner)
        if ended is None:
            return datetime.fromisoformat(self._connection.now()) - datetime.fromisoformat(started) < GONE
        return not ended

    def _collected(self, most: int | None, only_show: bool, chosen: Iterable[tuple[str, str]] | None) -> Collected:
        found: list[Collected] = []
        try:
            with self._connection.transaction():
                found.append(self._dropped(most, chosen))
                if only_show:
                    raise _OnlyAsked
        except _OnlyAsked:
            pass
        return found[0]

    def _dropped(self, most: int | None, chosen: Iterable[tuple[str, str]] | None) -> Collected:
        """To be called in a transaction, in which no other run can begin."""
        working = self.working()
        if working:
            names = ", ".join(working)
            raise OrchError("E806", f"nothing is dropped while runs are at work: {names}", help="try again afterwards")
        before = self.size()
        if chosen is None:
            self._drop_old()
        else:
            self._drop_chosen(list(chosen))
        self._drop_unused()
        while most is not None and self._bytes() > most and self._drop_oldest():
            self._drop_unused()
        return Collected(before, self.size())

    def _drop_old(self) -> None:
        self._connection.change("UPDATE checkpoints SET previous = NULL WHERE previous IS NOT NULL")
        self._connection.change("DELETE FROM replaced")
        oldest = datetime.fromisoformat(self._connection.now()) - self._keep
        self._connection.change(OUT_OF_USE)
        self._drop_answers(f"julianday({LAST_USE}) < julianday(?)", oldest.isoformat())
        self._connection.change(
            f"UPDATE calls SET {FORGET} WHERE request IS NOT NULL AND julianday(started) < julianday(?)"
            f" AND NOT EXISTS ({WHOSE})",
            (oldest.isoformat(),),
        )

    def _drop_chosen(self, chosen: list[tuple[str, str]]) -> None:
        """With the answers that they replaced."""
        here = "WHERE script = ? AND key = ?"
        rows = [row for pair in chosen for row in self._connection.all(f"SELECT rowid FROM checkpoints {here}", pair)]
        self._drop_answers("rowid IN (SELECT value FROM json_each(?))", json.dumps([id for (id,) in rows]))
        self._connection.change_many(f"DELETE FROM replaced {here}", chosen)

    def _drop_oldest(self) -> int:
        """Drop a share of the answers, those first that were not asked for longest; how many."""
        (left,) = self._numbers("SELECT count(*) FROM checkpoints")
        oldest = f"SELECT rowid FROM checkpoints ORDER BY julianday({LAST_USE}), rowid LIMIT ?"
        return self._drop_answers(f"rowid IN ({oldest})", -(-left // SHARE))

    def _drop_answers(self, which: str, value: str | int) -> int:
        """Drop the answers of which a condition is true, with those to the requests that they were made of."""
        asked = f"{WHOSE} AND c.rowid IN (SELECT rowid FROM checkpoints WHERE {which})"
        self._connection.change(f"UPDATE calls SET {FORGET} WHERE request IS NOT NULL AND EXISTS ({asked})", (value,))
        return self._connection.change(f"DELETE FROM checkpoints WHERE {which}", (value,))

    def _drop_unused(self) -> None:
        for table in ("checkpoint_files", "checkpoint_deps"):
            self._connection.change(
                f"DELETE FROM {table} WHERE (script, key) NOT IN (SELECT script, key FROM checkpoints)"
            )
        self._drop_code_texts()
        named = " UNION ".join(
            BY[by].format(table=table, column=column) for table, column, by in blob_references(self._connection)
        )
        self._connection.change(UNUSED.format(named=named))

    def _drop_code_texts(self) -> None:
        """Texts of code stay as long as an answer was made by it, or tells that it was made by other code before."""
        common = Common(self._connection)
        rows = self._connection.all(
            "SELECT validity, reason FROM checkpoints WHERE validity IS NOT NULL GROUP BY validity, reason"
        )
        used = {digest for validity, _ in rows for digest in json.loads(common.text(validity)).values()}
        for _, reason in rows:
            parts = Reason.of_json(common.text(reason)).parts if reason is not None else {}
            used.update(digest for pair in parts.values() for digest in pair)
        for (digest,) in self._connection.all("SELECT digest FROM code_texts"):
            if digest not in used:
                self._connection.change("DELETE FROM code_texts WHERE digest = ?", (digest,))

    def _bytes(self) -> int:
        pages, free, each = (
            self._numbers(f"PRAGMA {name}")[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * each

    def _numbers(self, sql: str) -> tuple[int, ...]:
        return self._connection.all(sql)[0]

    @contextmanager
    def _without_foreign_keys(self) -> Iterator[None]:
        """For each blob that goes SQLite would look through all answers: the references are not indexed."""
        self._connection.change("PRAGMA foreign_keys = OFF")
        try:
            yield
        finally:
            if self._connection.usable:
                self._connection.change("PRAGMA foreign_keys = ON")
