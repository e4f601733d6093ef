"""`@csv`: rows of cells out of objects, arrays and Markdown tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from orchestra.values.tagged import MISSING, Value, unwrap
from orchestra.values.text import structured, template_text

__all__ = ["to_csv"]

_SEPARATOR = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_CELL_END = re.compile(r"(?<!\\)\|")


def to_csv(value: Value) -> str:
    """CSV without a final line end. The first object names the columns; null, false, 0, NaN are empty.

    A text that holds neither JSON nor a Markdown table becomes a single quoted cell.
    """
    data = structured(value)
    if isinstance(data, dict):
        return _written(_records([data]))
    if isinstance(data, list):
        return _written(_rows(data))
    text = template_text(data)
    rows = _table_rows(text)
    return _written(rows) if rows else '"' + text.replace('"', '""') + '"'


def _written(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().removesuffix("\n")


def _rows(items: list[Value]) -> Iterable[Sequence[str]]:
    data = [unwrap(item) for item in items]
    if data and all(isinstance(item, dict) for item in data):
        return _records(data)
    return [[_cell(cell) for cell in (item if isinstance(item, list) else [item])] for item in data]


def _records(objects: list[dict[str, Value]]) -> list[list[str]]:
    columns = list(objects[0])
    return [columns, *([_cell(fields.get(column, MISSING)) for column in columns] for fields in objects)]


def _cell(value: Value) -> str:
    data = unwrap(value)
    empty = data is None or data is MISSING or data is False or (isinstance(data, (int, float)) and not abs(data) > 0)
    return "" if empty else template_text(data)


def _table_rows(text: str) -> list[list[str]]:
    """The cells of the lines that begin with a bar, without the line below the header."""
    lines = [line.strip() for line in text.splitlines()]
    return [_cells(line) for line in lines if line.startswith("|") and not _SEPARATOR.fullmatch(line)]


def _cells(line: str) -> list[str]:
    inner = line.removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(inner)]
