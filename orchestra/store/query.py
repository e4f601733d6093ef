"""Questions in SQL to a store file that change nothing, whoever else has it open.

How the rows are printed is the business of `orch sql`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestra.errors import OrchError

__all__ = ["Answer", "ask"]

# What a question may do; everything else, such as another file attached, is refused.
READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
DESCRIBING = {"table_info", "table_xinfo", "table_list", "index_list", "index_info"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of a result and its rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def ask(path: Path, sql: str) -> Answer:
    """Raises E810 (exit 2) for what is no question, E806 if the file cannot be read."""
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=10)
    except sqlite3.Error as error:
        raise OrchError("E806", f"cannot read {path.name}: {error}") from None
    try:
        connection.set_authorizer(_permission)
        cursor = connection.execute(sql)
        return Answer([column[0] for column in cursor.description or ()], cursor.fetchall())
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _fault(error, path) from None
    finally:
        connection.close()


def _permission(action: int, first: str | None, second: str | None, *rest: str | None) -> int:
    described = action == sqlite3.SQLITE_PRAGMA and first in DESCRIBING
    return sqlite3.SQLITE_OK if action in READING or described else sqlite3.SQLITE_DENY


def _fault(error: Exception, path: Path) -> OrchError:
    refused = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY)
    if refused or str(error) == "not authorized":  # as temporary tables are refused
        return OrchError("E810", "only questions can be asked: the store is not changed", help="SELECT …", exit=2)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE):
        help = "orch sql \"SELECT name FROM sqlite_schema WHERE type = 'table'\" lists the tables"
        return OrchError("E810", f"SQL: {error}", help=help, exit=2)
    return OrchError("E806", f"cannot read {path.name}: {error}")
