"""Tables that scripts declare, in the store file and under their own names: made, widened, written and read.

What a declaration may say is checked in `declaration`. Nothing here removes a row: what a script runs again must find
what it left.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from orchestra.errors import OrchError, nearest
from orchestra.store.claims import Owner
from orchestra.store.conditions import condition, limit, order
from orchestra.store.connection import Connection
from orchestra.store.declaration import GIVEN, HOLDER, STALE, Declaration, quoted, read_declaration, shown
from orchestra.store.keys import canonical
from orchestra.store.leases import Leases

__all__ = ["Tables", "digest"]

Row = dict[str, Any]
DIGITS: Final = 16  # of the digest of an inserted row
OPTIONS: Final = ("order", "limit", "newest")


class Tables:
    """The declared tables of a store, as one process uses them."""

    def __init__(self, connection: Connection, owner: Owner) -> None:
        self._connection = connection
        self._leases = Leases(connection, owner)
        self._ready: dict[str, Declaration] = {}
        self.changed: dict[str, bool] = {}  # tables written since somebody looked, and whether rows were changed

    def declare(self, wanted: Declaration, module: str, first: Callable[[], list[Row]] = list) -> None:
        """Make the table, or widen it to what is declared now. E431 for a change that is none of more columns.

        first: the rows of a table that is made
        """
        with self.transaction():
            known = self._stored(wanted.name)
            if known is None:
                self._create(wanted, module)
                for row in first():
                    self.insert(wanted, row)
                self._connection.change(f"UPDATE {quoted(wanted.name)} SET {quoted(GIVEN)} = NULL")
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
        with self.transaction():
            if self._connection.change(sql, values) == 0:
                return self._again(table, given, values[-1])
            self._leases.take(table, _key_condition(table), _key_values(table, given))
            self.changed.setdefault(table.name, False)
            row = self._at(table, given)
        assert row is not None
        return row

    def update(self, table: Declaration, where: Row, changes: Row) -> list[Row]:
        """Change all rows that fit, and give them back as they are then. Rows that are so already are not written."""
        set_to = self._assignments(table, changes)
        which, wanted = condition(table, where)
        with self.transaction():
            found = self._connection.all(f"SELECT rowid FROM {quoted(table.name)} WHERE {which}", wanted)
            return [self._changed(table, rowid, changes, *set_to) for (rowid,) in found]

    def claim(self, table: Declaration, where: Row, changes: Row) -> Row | None:
        """Change the first row that fits and that no living process holds; None if there is none left.

        Of several processes that claim at once each gets another row.
        """
        set_to = self._assignments(table, changes)
        with self.transaction():
            free = (row for row in self._found(table, where, {}) if not self._leases.is_held(table, row))
            row = next(free, None)
            return None if row is None else self._changed(table, row[-1], changes, *set_to)

    def _changed(self, table: Declaration, rowid: int, changes: Row, assignments: str, values: list[Any]) -> Row:
        """The row as it is once the changes are made; it is not written if it is so already."""
        differs = " OR ".join(f"{quoted(column)} IS NOT ?" for column in changes)
        sql = f"UPDATE {quoted(table.name)} SET {assignments} WHERE rowid = ? AND ({differs})"
        if self._connection.change(sql, [*values, rowid, *values[: len(changes)]]):
            self.changed[table.name] = True
        if table.lease is not None and not table.lease.keys().isdisjoint(changes):
            self._leases.take(table, "rowid = ?", [rowid])
        row = self._connection.one(f"{_selection(table)} WHERE rowid = ?", (rowid,))
        assert row is not None
        return self._row(table, row)

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
        if not different or stored in ((own,), (None,)):  # None: what it was put in as is not known
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
        return [self._row(table, row) for row in self._found(table, where, options)]

    def get(self, table: Declaration, key: Any) -> Row | None:
        """The row with this key: its value, a list of its values, or an object with them."""
        return self._at(table, _key_row(table, key))

    def rows_after(self, table: Declaration, rowid: int) -> list[Row]:
        """The rows behind one, in the order in which they came."""
        sql = f"{_selection(table)} WHERE rowid > ? ORDER BY rowid"
        return [self._row(table, row) for row in self._connection.all(sql, (rowid,))]

    def last_row(self, table: Declaration) -> int:
        """The number of the last row, 0 if there is none."""
        row = self._connection.one(f"SELECT max(rowid) FROM {quoted(table.name)}")
        return int(row[0] or 0) if row else 0

    def is_ready(self, table: Declaration) -> bool:
        """Whether the table has been declared so by this process."""
        return self._ready.get(table.name) is table

    def _at(self, table: Declaration, key: Row) -> Row | None:
        sql = f"{_selection(table)} WHERE {_key_condition(table)}"
        row = self._connection.one(sql, _key_values(table, key))
        return self._row(table, row) if row else None

    def _found(self, table: Declaration, where: Row, options: Row) -> list[tuple[Any, ...]]:
        """The rows that fit as the database holds them. Whether their holder lives is not known to it."""
        asked = {name: value for name, value in where.items() if table.lease is None or name != STALE}
        which, values = condition(table, asked)
        most = limit(options)
        sql = f"{_selection(table)} WHERE {which} ORDER BY {order(table, options)} LIMIT ?"
        if len(asked) == len(where):
            return self._connection.all(sql, [*values, most])
        rows = self._connection.all(sql, [*values, -1])
        fitting = [row for row in rows if self._leases.is_stale(table, row) == where[STALE]]
        return fitting if most < 0 else fitting[:most]

    def _row(self, table: Declaration, values: Sequence[Any]) -> Row:
        """Columns as fields, and with leases who holds the row."""
        row = {name: column.loaded(value) for (name, column), value in zip(table.columns.items(), values, strict=False)}
        return row if table.lease is None else {**row, **self._leases.told(table, values)}

    # ── shape ────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes within, or none."""
        try:
            with self._connection.transaction():
                yield
        except sqlite3.IntegrityError as error:
            raise OrchError("E432", f"the database refuses the row: {error}") from None
        except BaseException:
            self._ready.clear()  # what was declared within is gone as well
            raise

    def beat(self) -> None:
        """Say that this process still works on the rows that it holds."""
        for table in self._ready.values():
            if table.lease is not None:
                self._leases.beat(table)

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
        if wanted.lease is not None and known.lease is None:
            for name, kind in HOLDER.items():
                self._connection.change(f"ALTER TABLE {quoted(wanted.name)} ADD COLUMN {name} {kind}")
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
    """All columns, with leases the holder, and at last the number of the row."""
    holder = HOLDER if table.lease is not None else ()
    return f"SELECT {', '.join([*map(quoted, table.columns), *holder, 'rowid'])} FROM {quoted(table.name)}"


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
