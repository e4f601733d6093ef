"""A table in a Markdown file: found by its headings, read as rows, and replaced while the text around it stays."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestra.values.tagged import plain
from orchestra.values.text import template_text

__all__ = ["put_rows", "read_rows"]

Row = dict[str, Any]
CELL = re.compile(r"(?<!\\)\|")
NUMBERS = ("integer", "number", "boolean", "json", "object", "array")  # kinds whose cells are JSON


def put_rows(text: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """The text with these rows in its table of these columns, which is added at the end if there is none."""
    lines = text.splitlines()
    place = _heading(lines, columns)
    if place is None:
        lines += [*([""] if lines and lines[-1].strip() else []), _line(columns), _line(["---"] * len(columns))]
        place = len(lines) - 2
    start = place + 2
    end = next((n for n in range(start, len(lines)) if not lines[n].lstrip().startswith("|")), len(lines))
    body = [_line([_cell(row[name]) for name in columns]) for row in rows]
    return "\n".join([*lines[:start], *body, *lines[end:]]) + "\n"


def read_rows(text: str, kinds: Mapping[str, str]) -> list[Row]:
    """The rows of the table with these columns; empty cells say nothing."""
    lines = text.splitlines()
    place = _heading(lines, list(kinds))
    rows: list[Row] = []
    for line in lines[place + 2 :] if place is not None else []:
        if not line.lstrip().startswith("|"):
            break
        cells = zip(kinds.items(), _cells(line), strict=False)
        rows.append({name: _value(cell, kind) for (name, kind), cell in cells if cell})
    return rows


def _heading(lines: Sequence[str], columns: Sequence[str]) -> int | None:
    wanted = [name.lower() for name in columns]
    return next((n for n, line in enumerate(lines) if [cell.lower() for cell in _cells(line)] == wanted), None)


def _cells(line: str) -> list[str]:
    inner = line.strip()
    if not inner.startswith("|"):
        return []
    return [cell.strip() for cell in CELL.split(inner)[1:-1]]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    text = "" if value is None else template_text(plain(value))
    return text.replace("|", "\\|").replace("\r", "").replace("\n", "<br>")


def _value(cell: str, kind: str) -> Any:
    text = cell.replace("\\|", "|").replace("<br>", "\n")
    return json.loads(text) if kind in NUMBERS else text
