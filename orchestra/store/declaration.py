"""What a table declared by a script is to look like: its columns, their kinds, and what may stand in them.

The declaration comes as plain data and is checked here. Whether the table exists, and what is in it, is left to
`tables`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from orchestra.errors import OrchError, nearest
from orchestra.store.connection import storable
from orchestra.store.mirroring import Mirror, read_mirror
from orchestra.values.text import compact_json

__all__ = ["GIVEN", "HOLDER", "NOW", "STALE", "Column", "Declaration", "quoted", "read_declaration", "shown"]

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
GIVEN: Final = "_given"  # column with the digest of a row as it was inserted
STALE: Final = "stale"  # field of a row: whether the process that held it is gone
NOW: Final = "now"  # default of a column of kind time: the moment of the write
LARGEST: Final = 2**63
WIDEST: Final = 60  # characters of a value in a message

# Kind → type in the database, and whether a value may stand there.
KINDS: Final[Mapping[str, tuple[str, str, Callable[[Any], bool]]]] = {
    "text": ("TEXT", "text", lambda value: isinstance(value, str)),
    "time": ("TEXT", "a time such as 2026-05-01T12:00:00Z", lambda value: _is_time(value)),
    "integer": ("INTEGER", "an integer", lambda value: _is_number(value) and value == int(value)),
    "number": ("REAL", "a number", lambda value: _is_number(value)),
    "boolean": ("INTEGER", "true or false", lambda value: isinstance(value, bool)),
    "json": ("TEXT", "data", lambda value: True),
    "object": ("TEXT", "an object", lambda value: isinstance(value, dict)),
    "array": ("TEXT", "an array", lambda value: isinstance(value, list)),
}
STRUCTURES: Final = ("json", "object", "array")
SETTINGS: Final = ("type", "oneOf", "default", "required", "min", "max", "onUpdate")
PARTS: Final = ("key", "columns", "append", "lease", "mirror")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. one_of: the only values allowed, if not empty; default: None if there is none.

    touched: set to the time of every change
    """

    table: str
    name: str
    kind: str
    one_of: tuple[Any, ...] = ()
    default: Any = None
    required: bool = False
    least: float | None = None
    most: float | None = None
    touched: bool = False

    def stored(self, value: Any) -> Any:
        """The value as the database holds it. E432 if it may not stand here."""
        if value is None:
            if self.required:
                raise OrchError("E432", f"{self.table}.{self.name} is required", help=self._example())
            return None
        self._check(value)
        if self.kind in STRUCTURES:
            return compact_json(value)
        if isinstance(value, str):
            return storable(value)
        return int(value) if KINDS[self.kind][0] == "INTEGER" else float(value)

    def loaded(self, value: Any) -> Any:
        """What `stored` made, as a value of the language again."""
        if value is None:
            return None
        if self.kind in STRUCTURES:
            return json.loads(value)
        return bool(value) if self.kind == "boolean" else value

    def initial(self, now: str) -> Any:
        """The value of a row that says nothing about this column."""
        return now if self.default == NOW and self.kind == "time" else self.default

    @property
    def ddl(self) -> str:
        """The column in `CREATE TABLE` and `ADD COLUMN`, with its rules for whoever writes without us."""
        name = quoted(self.name)
        parts = [name, KINDS[self.kind][0]]
        if self.required:
            parts.append("NOT NULL")
        if self.default is not None:
            parts.append(f"DEFAULT {self._default_sql()}")
        parts += [f"CHECK ({rule})" for rule in self._rules(name)]
        return " ".join(parts)

    def _rules(self, name: str) -> Iterable[str]:
        if self.one_of:
            yield f"{name} IN ({', '.join(_literal(self.stored(value)) for value in self.one_of)})"
        if self.kind == "boolean":
            yield f"{name} IN (0, 1)"
        if self.kind in STRUCTURES:
            yield f"{name} IS NULL OR json_valid({name})"
            if self.kind != "json":
                yield f"json_type({name}) = '{self.kind}'"
        if self.least is not None:
            yield f"{name} >= {_literal(self.least)}"
        if self.most is not None:
            yield f"{name} <= {_literal(self.most)}"

    def _default_sql(self) -> str:
        if self.kind == "time" and self.default == NOW:
            return "(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
        return _literal(self.stored(self.default))

    def _check(self, value: Any) -> None:
        if not KINDS[self.kind][2](value) or (self.kind == "integer" and abs(value) >= LARGEST):
            raise self._wrong(value, KINDS[self.kind][1])
        if self.one_of and value not in self.one_of:
            raise OrchError(
                "E432",
                f"{self.table}.{self.name} cannot be {shown(value)}: it is one of {', '.join(map(str, self.one_of))}",
            )
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise self._wrong(value, self._bounds())

    def _wrong(self, value: Any, wanted: str) -> OrchError:
        return OrchError("E432", f"{self.table}.{self.name} must be {wanted}, not {shown(value)}")

    def _bounds(self) -> str:
        if self.most is None:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.least is None else f"from {self.least:g} to {self.most:g}"

    def _example(self) -> str:
        return f"{self.name}: {self.one_of[0] if self.one_of else '…'}"


# Columns of a table with leases: the process that holds a row, and its last sign of life.
HOLDER: Final = {
    "owner_host": "TEXT",
    "owner_boot": "TEXT",
    "owner_pid": "INTEGER",
    "owner_born": "TEXT",
    "heartbeat_at": "TEXT",
}


@dataclass(frozen=True, slots=True)
class Declaration:
    """A table. key: the columns by which a row is known; append: rows are never changed.

    lease: what a row is like while a process holds it, None if none ever does
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    append: bool
    lease: Mapping[str, Any] | None
    mirror: Mirror | None
    data: Mapping[str, Any]  # as it was written, for the next comparison

    def column(self, name: str) -> Column:
        """E432 if there is none of that name."""
        found = self.columns.get(name)
        if found is not None:
            return found
        close = nearest(name, self.columns)
        help = f"did you mean {close}?" if close else "its columns are " + ", ".join(self.columns)
        raise OrchError("E432", f"table {self.name} has no column {name}", help=help)

    @property
    def ddl(self) -> str:
        columns = [column.ddl for column in self.columns.values()]
        if self.lease is not None:
            columns += [f"{name} {kind}" for name, kind in HOLDER.items()]
        key = ", ".join(map(quoted, self.key))
        return (
            f"CREATE TABLE {quoted(self.name)} (\n    "
            + ",\n    ".join([*columns, f"{quoted(GIVEN)} TEXT", f"PRIMARY KEY ({key})"])
            + "\n) STRICT"
        )


def read_declaration(name: Any, data: Any) -> Declaration:
    """The table that a script declares with plain data. E431 says what is wrong with it."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        help = 'small letters, digits and _: "open_tasks"'
        raise OrchError("E431", f"{shown(name)} is no name for a table", help=help)
    if not isinstance(data, dict):
        help = '@store.table("tasks", { key: ["id"], columns: { id: "text", status: "text" } })'
        raise OrchError("E431", f"table {name} is declared without columns", help=help)
    _known(f"table {name}", data, PARTS)
    columns = _columns(name, data.get("columns"))
    key = _key(name, data.get("key"), columns)
    for part in key:
        columns[part] = _of_key(columns[part])
    append = data.get("append", False)
    if not isinstance(append, bool):
        raise OrchError("E431", f"table {name}: append is true or false, not {shown(append)}")
    lease, mirror = _lease(name, data.get("lease"), columns), read_mirror(name, data.get("mirror"), key, columns)
    return Declaration(name, key, columns, append, lease, mirror, data)


def _columns(table: str, data: Any) -> dict[str, Column]:
    if not isinstance(data, dict) or not data:
        raise OrchError("E431", f"table {table} has no columns", help='columns: { id: "text" }')
    return {name: _column(table, name, settings) for name, settings in data.items()}


def _column(table: str, name: str, settings: Any) -> Column:
    place = f"{table}.{name}"
    if NAME.fullmatch(name) is None:
        raise OrchError("E431", f"{shown(name)} is no name for a column of {table}", help="small letters, digits and _")
    if name in HOLDER or name == STALE:
        raise OrchError("E431", f"{place} is a name that tables with leases need themselves")
    given = {"type": settings} if isinstance(settings, str) else settings
    if not isinstance(given, dict):
        raise OrchError("E431", f"{place} is declared as {shown(given)}", help='a type, or { type: "text", … }')
    _known(place, given, SETTINGS)
    kind = given.get("type", "text")
    if kind not in KINDS:
        close = nearest(str(kind), KINDS)
        help = f"did you mean {close}?" if close else "the types are " + ", ".join(KINDS)
        raise OrchError("E431", f"{place} has the type {shown(kind)}, which is none", help=help)
    column = Column(
        table, name, kind, _one_of(place, given.get("oneOf")), given.get("default"), given.get("required") is True,
        _bound(place, kind, given, "min"), _bound(place, kind, given, "max"), _touched(place, kind, given),
    )  # fmt: skip
    _check_default(place, column)
    return column


def _check_default(place: str, column: Column) -> None:
    if column.default is None or (column.kind == "time" and column.default == NOW):
        return
    try:
        column.stored(column.default)
    except OrchError as error:
        raise OrchError("E431", f"the default of {place} does not fit: {error.message}") from None


def _one_of(place: str, given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not given:
        raise OrchError("E431", f"{place}: oneOf is a list of values, not {shown(given)}")
    return tuple(given)


def _bound(place: str, kind: str, given: Mapping[str, Any], name: str) -> float | None:
    bound = given.get(name)
    if bound is None:
        return None
    if kind not in ("integer", "number") or not _is_number(bound):
        raise OrchError("E431", f"{place}: {name} is a number, for columns of the types integer and number")
    return float(bound)


def _touched(place: str, kind: str, given: Mapping[str, Any]) -> bool:
    wanted = given.get("onUpdate")
    if wanted is None:
        return False
    if wanted != NOW or kind != "time":
        raise OrchError("E431", f'{place}: onUpdate is "now", for columns of the type time')
    return True


def _lease(table: str, given: Any, columns: Mapping[str, Column]) -> Mapping[str, Any] | None:
    """`true` stands for `{ status: "running" }` where that is a state of a row."""
    if given is None or given is False:
        return None
    status = columns.get("status")
    wanted = {"status": "running"} if given is True and status and "running" in status.one_of else given
    if not isinstance(wanted, dict) or not wanted:
        help = 'lease: { status: "running" }'
        raise OrchError("E431", f"table {table} does not say what a row is like while somebody holds it", help=help)
    for name in wanted:
        if name not in columns:
            raise OrchError("E431", f"the lease of table {table} names {shown(name)}, which is no column")
    return wanted


def _key(table: str, given: Any, columns: Mapping[str, Column]) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not names:
        help = 'key: ["id"]: the columns by which a row is known again when the script runs again'
        raise OrchError("E431", f"table {table} has no key", help=help)
    for name in names:
        if name not in columns:
            raise OrchError("E431", f"the key of table {table} names {shown(name)}, which is no column")
    return tuple(names)


def _of_key(column: Column) -> Column:
    return Column(
        column.table, column.name, column.kind, column.one_of, column.default, True, column.least, column.most
    )  # fmt: skip


def _known(place: str, given: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in given:
        if name not in names:
            close = nearest(name, names)
            help = f"did you mean {close}?" if close else "there are " + ", ".join(names)
            raise OrchError("E431", f"{place} is declared with {name}, which means nothing", help=help)


def quoted(name: str) -> str:
    """A name in SQL, whatever word it is."""
    return '"' + name.replace('"', '""') + '"'


def shown(value: Any) -> str:
    """A value in a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _literal(value: Any) -> str:
    """A stored value in SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not isinstance(value, float) or (value == value and abs(value) != float("inf"))


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False
