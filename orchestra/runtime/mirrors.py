"""Files that are kept equal to declared tables: lines of JSON, a YAML document, or a table in a Markdown file.

The store is what counts: a file that differs is written anew. Only when a table is new are its first rows read from
the file. When mirrors are looked after is told by `tables`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError
from orchestra.runtime.files import writer
from orchestra.runtime.markdown_rows import put_rows, read_rows
from orchestra.store.declaration import Declaration
from orchestra.store.mirroring import Mirror
from orchestra.store.tables import Tables, digest
from orchestra.values.text import compact_json

__all__ = ["Mirrors"]

Row = dict[str, Any]
DIGITS = 12  # of a key that a file does not hold


class Mirrors:
    """What this process knows of the files: how many bytes one has, and the last row that stands in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: dict[str, tuple[int, int]] = {}

    def sync(self, table: Declaration, tables: Tables, *, anew: bool) -> Path | None:
        """Make the file equal to the table; `anew` if more than further rows is to be expected.

        Returns the path if it was written. Other processes wait: what they add comes after.
        """
        mirror = table.mirror
        assert mirror is not None
        path = self._root / mirror.file
        with tables.transaction():
            size, last = self._seen.get(table.name, (-1, 0))
            if mirror.form == "jsonl" and not anew and size == _size(path):
                written = _added(path, table, tables.rows_after(table, last))
            else:
                written = _replaced(path, table, tables.rows_after(table, 0))
            self._seen[table.name] = (_size(path), tables.last_row(table))
        return path if written else None

    def first_rows(self, table: Declaration) -> list[Row]:
        """What a file from before the table holds. E403 if it cannot be read as such."""
        mirror = table.mirror
        path = self._root / mirror.file if mirror is not None else None
        if mirror is None or path is None or not path.is_file():
            return []
        try:
            found = _read(path.read_text(encoding="utf-8"), table, mirror)
        except (ValueError, TypeError) as error:
            raise OrchError("E403", f"{mirror.file} does not hold rows of table {table.name}: {error}") from None
        return [_with_key(table, row) for row in found]


def _added(path: Path, table: Declaration, rows: list[Row]) -> bool:
    if rows:
        writer.append(path, "\n".join(compact_json(_mirrored(table, row)) for row in rows))
    return bool(rows)


def _replaced(path: Path, table: Declaration, rows: list[Row]) -> bool:
    before = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    text = _written([_mirrored(table, row) for row in rows], table, before)
    if text == before or (before is None and not rows):
        return False
    writer.write(path, text)
    return True


def _written(rows: list[Row], table: Declaration, before: str | None) -> str:
    mirror = table.mirror
    assert mirror is not None
    if mirror.form == "jsonl":
        return "".join(f"{compact_json(row)}\n" for row in rows)
    if mirror.form == "table":
        return put_rows(before or "", mirror.columns, rows)
    return writer.render_output(_in_yaml(rows, table, mirror), "yaml")


def _in_yaml(rows: list[Row], table: Declaration, mirror: Mirror) -> Any:
    if mirror.one:
        return rows[-1] if rows else {}
    if mirror.keyed:
        return {row[table.key[0]]: {name: row[name] for name in row if name != table.key[0]} for row in rows}
    return rows


def _mirrored(table: Declaration, row: Row) -> Row:
    assert table.mirror is not None
    return {name: row[name] for name in table.mirror.columns}


def _read(text: str, table: Declaration, mirror: Mirror) -> list[Row]:
    if mirror.form == "jsonl":
        found: Any = [json.loads(line) for line in text.splitlines() if line.strip()]
    elif mirror.form == "table":
        kinds = {name: table.columns[name].kind for name in mirror.columns}
        found = read_rows(text, kinds)
    else:
        import yaml

        data = yaml.safe_load(text)
        found = [data] if mirror.one and data else data or []
        if mirror.keyed and isinstance(data, dict):
            found = [{table.key[0]: key, **row} for key, row in data.items()]
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("it is no list of objects")
    return found


def _with_key(table: Declaration, row: Row) -> Row:
    """A row whose key is not in the file gets one that follows from what it says."""
    missing = [name for name in table.key if name not in row]
    return {**row, **{name: digest(row, DIGITS) for name in missing if table.columns[name].kind == "text"}}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
