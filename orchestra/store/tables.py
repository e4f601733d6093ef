"""Tables that scripts declare, in the store file and under their own names: made, widened, written and read.

What a declaration may say is checked in `declaration`. Nothing here removes a row: what a script runs again must find
what it left.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any, Final

from orchestra.errors import OrchError, nearest
from orchestra.store.connection import Connection
from orchestra.store.declaration import GIVEN, Declaration, quoted, read_declaration, shown
from orchestra.store.keys import canonical

__all__ = ["Tables", "digest"]

Row = dict[str, Any]
DIGITS: Final = 16  # of the digest of an inserted row
OPTIONS: Final = ("order", "limit", "newest")


class Tables:
    """The declared tables of a store, as one process uses them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ready: dict[str, Declaration] = {}

    def declare(self, wanted: Declaration, module: str) -> None:
        """Make the table, or widen it to what is declared now. E431 for a change that is none of more columns."""
        if self._ready.get(wanted.name) is wanted:
            return
        with self._writing():
            known = self._stored(wanted.name)
            if known is None:
                self._create(wanted, module)
            elif canonical(known.data) != canonical(wanted.data):
                self._widen(known, wanted, module)
        self._ready[wanted.name] = wanted

    def known(self, name: str) -> Declaration:
        """A table by the declaration that was stored last. E431 if there is none of that name."""
        found = self._ready.get(name) or self._stored(name)
        if found is None:
            names = [row[0] for row in self._connection.all("SELECT name FROM tables ORDER BY name")]
            close = nearest(name, names)
            help = f"did you mean {close}?" if close else f'var @rows = @store.table("{name}", …) declares one'
            raise OrchError("E431", f"there is no table {name}", help=help)
        self._ready[name] = found
        return found

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def insert(self, table: Declaration, given: Row) -> Row:
        """Put a row in, and give it back. One that was put in before is left as it has become since.

        E432 for values that may not stand there, E433 if another row has the key.
        """
        sql, values = self._insertion(table, given)
        with self._writing():
            if self._connection.change(sql, values) == 0:
                return self._again(table, given, values[-1])
            row = self._at(table, given)
        assert row is not None
        return row

    def update(self, table: Declaration, where: Row, changes: Row) -> list[Row]:
        """Change all rows that fit, and give them back as they are then. Rows that are so already are not written."""
        assignments, values = self._assignments(table, changes)
        condition, wanted = _condition(table, where)
        name = quoted(table.name)
        with self._writing():
            found = [row[0] for row in self._connection.all(f"SELECT rowid FROM {name} WHERE {condition}", wanted)]
            differs = " OR ".join(f"{quoted(column)} IS NOT ?" for column in changes)
            sql = f"UPDATE {name} SET {assignments} WHERE rowid = ? AND ({differs})"
            own = values[: len(changes)]
            self._connection.change_many(sql, [(*values, rowid, *own) for rowid in found])
            return [self._by_rowid(table, rowid) for rowid in found]

    def _insertion(self, table: Declaration, given: Row) -> tuple[str, list[Any]]:
        for column in given:
            table.column(column)
        now = self._connection.now()
        row = {name: given[name] if name in given else column.initial(now) for name, column in table.columns.items()}
        values = [column.stored(row[name]) for name, column in table.columns.items()]
        columns = ", ".join(map(quoted, [*table.columns, GIVEN]))
        places = ", ".join("?" * (len(values) + 1))
        sql = f"INSERT INTO {quoted(table.name)} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"
        return sql, [*values, digest(given, DIGITS)]

    def _again(self, table: Declaration, given: Row, own: str) -> Row:
        """The row that has this key already, if it is the same one."""
        row = self._at(table, given)
        assert row is not None
        stored = self._connection.one(
            f"SELECT {quoted(GIVEN)} FROM {quoted(table.name)} WHERE {_key_condition(table)}", _key_values(table, given)
        )
        different = [name for name in given if _stored(table, name, given[name]) != _stored(table, name, row[name])]
        if not different or stored == (own,):
            return row
        key = ", ".join(f"{name} {shown(row[name])}" for name in table.key)
        told = ", ".join(f"{name} (there {shown(row[name])}, now {shown(given[name])})" for name in different)
        raise OrchError(
            "E433",
            f"table {table.name} has another row with {key}: {told}",
            help="@store.update changes a row; a new one needs another key",
        )

    def _assignments(self, table: Declaration, changes: Row) -> tuple[str, list[Any]]:
        """`SET` of an update: what is asked for first, then the times of the change."""
        if table.append:
            help = "insert a new row instead"
            raise OrchError("E433", f"rows of table {table.name} are only added, never changed", help=help)
        for name in changes:
            table.column(name)
            if name in table.key:
                raise OrchError("E433", f"{name} belongs to the key of table {table.name}, which never changes")
        if not changes:
            raise OrchError("E432", f"an update of table {table.name} says nothing that is to change")
        touched = [name for name, column in table.columns.items() if column.touched and name not in changes]
        values = [_stored(table, name, value) for name, value in changes.items()]
        sql = ", ".join(f"{quoted(name)} = ?" for name in [*changes, *touched])
        return sql, [*values, *[self._connection.now()] * len(touched)]

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def select(self, table: Declaration, where: Row, options: Row) -> list[Row]:
        """The rows that fit, in the order in which they came or in that of columns."""
        for name in options:
            if name not in OPTIONS:
                close = nearest(name, OPTIONS)
                help = f"did you mean {close}?" if close else "there are " + ", ".join(OPTIONS)
                raise OrchError("E432", f"@store.select has no option {name}", help=help)
        condition, values = _condition(table, where)
        sql = f"{_selection(table)} WHERE {condition} ORDER BY {_order(table, options)} LIMIT ?"
        return [_row(table, row) for row in self._connection.all(sql, [*values, _limit(options)])]

    def get(self, table: Declaration, key: Any) -> Row | None:
        """The row with this key: its value, a list of its values, or an object with them."""
        return self._at(table, _key_row(table, key))

    def _at(self, table: Declaration, key: Row) -> Row | None:
        sql = f"{_selection(table)} WHERE {_key_condition(table)}"
        row = self._connection.one(sql, _key_values(table, key))
        return _row(table, row) if row else None

    def _by_rowid(self, table: Declaration, rowid: int) -> Row:
        row = self._connection.one(f"{_selection(table)} WHERE rowid = ?", (rowid,))
        assert row is not None
        return _row(table, row)

    # ── shape ────────────────────────────────────────────────────────────────────────────────────

    def _writing(self) -> AbstractContextManager[None]:
        return self._connection.transaction()

    def _stored(self, name: str) -> Declaration | None:
        row = self._connection.one("SELECT declaration FROM tables WHERE name = ?", (name,))
        return read_declaration(name, json.loads(row[0])) if row else None

    def _create(self, wanted: Declaration, module: str) -> None:
        taken = self._connection.one("SELECT 1 FROM sqlite_schema WHERE name = ?", (wanted.name,))
        if taken is not None or wanted.name.startswith("sqlite"):
            help = f'choose another name, such as "my_{wanted.name}"'
            raise OrchError("E431", f"{wanted.name} is a table of orch itself", help=help)
        self._connection.change(wanted.ddl)
        self._keep(wanted, module)

    def _widen(self, known: Declaration, wanted: Declaration, module: str) -> None:
        for column in wanted.columns.values():
            before = known.columns.get(column.name)
            if before is None:
                self._add(wanted, column.name)
            elif before != column:
                raise _unchangeable(wanted.name, f"column {column.name}", before.ddl, column.ddl)
        if known.key != wanted.key:
            raise _unchangeable(wanted.name, "the key", ", ".join(known.key), ", ".join(wanted.key))
        self._keep(wanted, module)

    def _add(self, wanted: Declaration, name: str) -> None:
        column = wanted.columns[name]
        if column.required and column.default is None:
            help = "give it a default: rows that are there already need a value"
            raise OrchError("E431", f"table {wanted.name} has rows, and {name} is required", help=help)
        self._connection.change(f"ALTER TABLE {quoted(wanted.name)} ADD COLUMN {column.ddl}")

    def _keep(self, declared: Declaration, module: str) -> None:
        self._connection.change(
            "INSERT INTO tables (name, module, declaration) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET module = excluded.module, declaration = excluded.declaration",
            (declared.name, module, json.dumps(declared.data, ensure_ascii=False)),
        )


def digest(value: Any, digits: int) -> str:
    """The beginning of the sha256 of a value in its one canonical form, hexadecimal."""
    return sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def _unchangeable(table: str, part: str, before: str, after: str) -> OrchError:
    help = "add a column, or declare a table of another name"
    return OrchError("E431", f"{part} of table {table} cannot be changed: it is {before}, not {after}", help=help)


def _selection(table: Declaration) -> str:
    return f"SELECT {', '.join(map(quoted, table.columns))} FROM {quoted(table.name)}"


def _row(table: Declaration, values: Sequence[Any]) -> Row:
    return {name: column.loaded(value) for (name, column), value in zip(table.columns.items(), values, strict=True)}


def _stored(table: Declaration, name: str, value: Any) -> Any:
    return table.column(name).stored(value)


def _key_condition(table: Declaration) -> str:
    return " AND ".join(f"{quoted(name)} = ?" for name in table.key)


def _key_values(table: Declaration, row: Row) -> list[Any]:
    return [_stored(table, name, row.get(name)) for name in table.key]


def _key_row(table: Declaration, key: Any) -> Row:
    if isinstance(key, dict):
        return key
    values = key if isinstance(key, list) else [key]
    if len(values) != len(table.key):
        raise OrchError("E432", f"a row of table {table.name} is found by {', '.join(table.key)}, not by {shown(key)}")
    return dict(zip(table.key, values, strict=True))


def _condition(table: Declaration, where: Row) -> tuple[str, list[Any]]:
    """`WHERE`: each column is a value, one of a list, or `{ not: … }` of either."""
    parts, values = ["1"], []
    for name, wanted in where.items():
        negated = isinstance(wanted, dict) and list(wanted) == ["not"]
        part, some = _comparison(table, name, wanted["not"] if negated else wanted)
        parts.append(f"NOT ({part})" if negated else part)
        values += some
    return " AND ".join(parts), values


def _comparison(table: Declaration, name: str, wanted: Any) -> tuple[str, list[Any]]:
    column = table.column(name)
    alternatives = wanted if isinstance(wanted, list) and column.kind not in ("json", "array") else [wanted]
    asked = [None if value is None else column.stored(value) for value in alternatives]
    return f"({' OR '.join([f'{quoted(name)} IS ?'] * len(asked)) or '0'})", asked


def _order(table: Declaration, options: Row) -> str:
    """Columns first, then the order in which rows came; with `newest` the other way round."""
    given = options.get("order") or []
    way = " DESC" if options.get("newest") else ""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list):
        raise OrchError("E432", f"order is a column or a list of columns, not {shown(given)}")
    return ", ".join([f"{quoted(table.column(str(name)).name)}{way}" for name in names] + [f"rowid{way}"])


def _limit(options: Row) -> int:
    limit = options.get("limit")
    if limit is None:
        return -1
    if isinstance(limit, bool) or not isinstance(limit, int | float) or limit < 0 or limit != int(limit):
        raise OrchError("E432", f"limit is a number of rows, not {shown(limit)}")
    return int(limit)
