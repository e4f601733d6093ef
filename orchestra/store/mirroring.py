"""How a declared table says which file is kept equal to it. Writing that file is left to the runtime."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestra.errors import OrchError, nearest

__all__ = ["Mirror", "read_mirror"]

FORMS: Final = ("jsonl", "yaml", "table")
SETTINGS: Final = ("file", "form", "columns", "one", "keyed")


@dataclass(frozen=True, slots=True)
class Mirror:
    """file: from the project root; form: jsonl, yaml or table (in Markdown).

    one: a single row, as an object; keyed: rows by the value of the column that is their key
    """

    file: str
    form: str
    columns: tuple[str, ...]
    one: bool
    keyed: bool


def read_mirror(table: str, given: Any, key: Collection[str], columns: Collection[str]) -> Mirror | None:
    """The mirror that a declaration asks for. E431 says what is wrong with it."""
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("file"), str):
        help = 'mirror: { file: "@root/log.jsonl", form: "jsonl" }'
        raise OrchError("E431", f"the mirror of table {table} names no file", help=help)
    for name in given:
        if name not in SETTINGS:
            close = nearest(name, SETTINGS)
            help = f"did you mean {close}?" if close else "there are " + ", ".join(SETTINGS)
            raise OrchError("E431", f"the mirror of table {table} has {name}, which means nothing", help=help)
    if given.get("form") not in FORMS:
        raise OrchError("E431", f"the mirror of table {table} has no form", help=f"form is one of {', '.join(FORMS)}")
    chosen, keyed = _chosen(table, given, columns), given.get("keyed") is True
    if keyed and (given["form"] != "yaml" or len(key) != 1 or not set(key) <= set(chosen)):
        raise OrchError("E431", f"the mirror of table {table} cannot be keyed", help="yaml can, by a key of one column")
    return Mirror(given["file"], given["form"], chosen, given.get("one") is True, keyed)


def _chosen(table: str, given: Mapping[str, Any], columns: Collection[str]) -> tuple[str, ...]:
    chosen = given.get("columns") or list(columns)
    unknown = [name for name in chosen if name not in columns]
    if unknown:
        raise OrchError("E431", f"the mirror of table {table} names {unknown[0]}, which is no column")
    return tuple(chosen)
