"""What rows of a declared table are asked for, as SQL: `where`, `order` and `limit`."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.store.declaration import Declaration, quoted, shown

__all__ = ["condition", "limit", "order"]

Row = dict[str, Any]


def condition(table: Declaration, where: Row) -> tuple[str, list[Any]]:
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


def order(table: Declaration, options: Row) -> str:
    """Columns first, then the order in which rows came; with `newest` the other way round."""
    given = options.get("order") or []
    way = " DESC" if options.get("newest") else ""
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list):
        raise OrchError("E432", f"order is a column or a list of columns, not {shown(given)}")
    return ", ".join([f"{quoted(table.column(str(name)).name)}{way}" for name in names] + [f"rowid{way}"])


def limit(options: Row) -> int:
    most = options.get("limit")
    if most is None:
        return -1
    if isinstance(most, bool) or not isinstance(most, int | float) or most < 0 or most != int(most):
        raise OrchError("E432", f"limit is a number of rows, not {shown(most)}")
    return int(most)
