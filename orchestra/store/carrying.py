"""Carries runs from one store file into another, every text changed on the way.

Which texts are changed and how is told by the caller: a bundle leaves out secrets and the names of folders, and puts
those of the new machine in. Tables and references are read from the schema, so that a new column needs nothing here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from orchestra.store.blobs import Blobs, blob_references
from orchestra.store.claims import Owner
from orchestra.store.connection import Connection
from orchestra.store.keys import ELSEWHERE, canonical
from orchestra.store.listings import exit_of
from orchestra.store.places import in_texts
from orchestra.store.runs import payload_hash

__all__ = ["carry_all", "carry_run"]

Row = dict[str, Any]

OF_A_PROCESS: Final = {"claims", "reservations"}  # nobody works in the new file yet
HERE: Final = {"host": "", "boot": "", "pid": 0, "born": ""}  # which process it was is nobody's business
# What a run made, was served, or may have been served before it was killed.
USED: Final = """
    SELECT key, meta FROM checkpoints WHERE script = ?1 AND (run = ?2 OR last_run = ?2
        OR julianday(created) <= julianday(?3) AND (?5 OR julianday(last_hit) >= julianday(?4)))"""


def carry_run(source: Connection, target: Connection, run: str, change: Callable[[str], str]) -> None:
    """One run with what it needs, in a form that is good on every machine."""
    _Carrier(source, target, change).carry(_Wanted(source, run))


def carry_all(source: Connection, target: Connection, change: Callable[[str], str]) -> None:
    """All that is there."""
    _Carrier(source, target, change).carry(None)


class _Wanted:
    """The rows that belong to one run."""

    def __init__(self, source: Connection, run: str) -> None:
        row = source.one("SELECT script, started FROM runs WHERE id = ?", (run,))
        assert row is not None  # it was listed a moment ago, and runs are never removed
        self.run = run
        self.script, started = row
        ends = [end for (end,) in source.all("SELECT ended FROM executions WHERE run = ?", (run,))]
        until = source.now() if None in ends else max(ends, default=source.now())
        used = source.all(USED, (self.script, run, until, started, None in ends))
        self.keys: dict[str, str] = {key: json.loads(meta).get(ELSEWHERE, key) for key, meta in used}
        self.digests: set[str] = set()  # of code that answers were made by, learned from their rows

    def of(self, table: str, columns: Iterable[str]) -> tuple[str, tuple[str, ...]]:
        """The condition under which rows of a table may belong to the run."""
        names = set(columns)
        if table == "runs":
            return "WHERE id = ?", (self.run,)
        if "execution" in names:
            return "WHERE execution IN (SELECT id FROM executions WHERE run = ?)", (self.run,)
        if {"script", "key"} <= names or {"script", "name"} <= names:
            return "WHERE script = ?", (self.script,)
        if "run" in names:
            return "WHERE run = ?", (self.run,)
        return "", ()

    def take(self, table: str, row: Row) -> bool:
        """Whether the row belongs to it; its key is made good on every machine."""
        if table == "code_texts":
            return row["digest"] in self.digests
        if row.get("key") is None:
            return True
        if "script" in row and row["key"] not in self.keys:
            return False
        row["key"] = self.keys.get(row["key"], row["key"])
        return True


class _Carrier:
    def __init__(self, source: Connection, target: Connection, change: Callable[[str], str]) -> None:
        self._source = source
        self._target = target
        self._change = change
        self._references = blob_references(source)
        self._from = Blobs(source)
        self._to = Blobs(target)
        self._names: dict[str, str] = {}

    def carry(self, wanted: _Wanted | None) -> None:
        self._target.change("PRAGMA foreign_keys = OFF")
        with self._target.transaction():
            for table in self._tables():
                self._carry_table(table, wanted)
            if wanted is not None:
                self._name_other_runs()
        self._target.change("PRAGMA foreign_keys = ON")

    def _tables(self) -> list[str]:
        """Those of the schema; texts of code last, because answers tell which of them are needed."""
        rows = self._source.all(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name = 'code_texts', rowid"
        )
        ours = {name for (name,) in self._target.all("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        left = {"blobs", *OF_A_PROCESS}
        return [name for (name,) in rows if name in ours - left and not name.startswith(("sqlite_", "_sqlite_"))]

    def _carry_table(self, table: str, wanted: _Wanted | None) -> None:
        columns = [row[0] for row in self._source.all("SELECT name FROM pragma_table_info(?)", (table,))]
        references = {column: by for name, column, by in self._references if name == table}
        condition, values = wanted.of(table, columns) if wanted is not None else ("", ())
        places = ", ".join("?" * len(columns))
        insert = f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({places})"
        order = "" if table == "code_texts" else "ORDER BY rowid"  # which has none
        for found in self._source.all(f"SELECT {', '.join(columns)} FROM {table} {condition} {order}", values):
            row = dict(zip(columns, found, strict=True))
            if wanted is None or wanted.take(table, row):
                self._learn(wanted, table, row)
                self._target.change(insert, self._changed(table, row, references))

    def _learn(self, wanted: _Wanted | None, table: str, row: Row) -> None:
        """Which code the answers were made by, and by which before."""
        if wanted is None or table != "checkpoints":
            return
        for column in ("validity", "reason"):
            if row.get(column) is not None:
                wanted.digests |= set(_texts_in(json.loads(self._from.get(self._name(row[column])))))

    def _changed(self, table: str, row: Row, references: dict[str, str]) -> Sequence[Any]:
        for column, value in row.items():
            if column in references and value is not None:
                row[column] = self._moved(value, references[column])
            elif isinstance(value, str):
                row[column] = changed(value, self._change)
        if table == "executions":
            owner = Owner(row["host"], row["boot"], row["pid"], row["born"])
            row.update(HERE, exit=exit_of(row["exit"], owner))
        if table == "runs":
            row["payload"] = canonical(json.loads(row["payload"]))
            row["payload_hash"] = payload_hash(row["payload"])
        return list(row.values())

    def _moved(self, reference: Any, by: str) -> Any:
        """A blob in the new file, by its hash or number as the old one was."""
        name = self._name(reference) if by == "id" else str(reference)
        if name not in self._names:
            content = self._from.get(name).decode("utf-8", "surrogateescape")
            self._names[name] = self._to.put(changed(content, self._change).encode("utf-8", "surrogateescape"))
        if by == "hash":
            return self._names[name]
        row = self._target.one("SELECT id FROM blobs WHERE hash = ?", (self._names[name],))
        return row[0] if row else None

    def _name(self, id: int) -> str:
        row = self._source.one("SELECT hash FROM blobs WHERE id = ?", (id,))
        return str(row[0]) if row else ""

    def _name_other_runs(self) -> None:
        """Runs that made answers which this one was served: their number, and nothing else about them."""
        missing = self._target.all("SELECT DISTINCT run FROM checkpoints WHERE run NOT IN (SELECT id FROM runs)")
        for (id,) in missing:
            row = self._source.one("SELECT number, started FROM runs WHERE id = ?", (id,))
            assert row is not None  # what it made refers to it
            self._target.change(
                "INSERT INTO runs (id, script, payload, payload_hash, number, started, seed)"
                " SELECT ?1, script, '{}', 'of ' || ?1, ?2, ?3, 0 FROM runs LIMIT 1",
                (id, *row),
            )


def changed(text: str, change: Callable[[str], str]) -> str:
    """A text, or each text in one that is JSON, in its new form."""
    if text[:1] in ("{", "[", '"'):
        try:
            json.loads(text)
        except ValueError:
            return change(text)
        return in_texts(change, text)
    return change(text)


def _texts_in(data: Any) -> Iterable[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for part in data.values() if isinstance(data, dict) else data:
            yield from _texts_in(part)
