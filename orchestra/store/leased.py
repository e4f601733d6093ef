"""Rows that a process has taken for itself: which there are in the tables of scripts, and whether it still lives.

How a row is taken is left to the tables themselves; here they are only looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestra.store.claims import Owner
from orchestra.store.connection import Connection

__all__ = ["LeasedRow", "leased_rows"]

OWNER: Final = ("owner_host", "owner_boot", "owner_pid", "owner_born", "heartbeat_at")
TELLING: Final = ("name", "target", "title", "phase")  # columns that say more of a row than its key, the best first


@dataclass(frozen=True, slots=True)
class LeasedRow:
    """key: the values of the key; about: what else names it; gone: whether its process is."""

    table: str
    key: str
    about: str
    status: str
    host: str
    pid: int
    beat: str
    gone: bool


def leased_rows(connection: Connection, now: str) -> list[LeasedRow]:
    """The rows that have an owner, of all tables that keep one. now: ISO-8601, to tell a silent machine."""
    return [row for table in _tables(connection) for row in _rows(connection, table, now)]


def _tables(connection: Connection) -> list[str]:
    found = connection.all(
        "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        f" AND c.name IN ({', '.join('?' * len(OWNER))}) GROUP BY m.name HAVING count(*) = ? ORDER BY m.name",
        (*OWNER, len(OWNER)),
    )
    return [name for (name,) in found]


def _rows(connection: Connection, table: str, now: str) -> Iterator[LeasedRow]:
    columns = connection.all("SELECT name, pk FROM pragma_table_info(?)", (table,))
    names = [name for name, _ in columns]
    keys = [name for name, place in sorted(columns, key=lambda column: column[1]) if place]
    for row in connection.all(f"SELECT * FROM {_quoted(table)} WHERE owner_pid IS NOT NULL ORDER BY rowid"):
        values = dict(zip(names, row, strict=True))
        about = next((str(values[name]) for name in TELLING if name not in keys and values.get(name)), "")
        key = " ".join(str(values[name]) for name in keys)
        host, boot, pid, born, beat = (values[name] for name in OWNER)
        gone = Owner.current().outlives(Owner(host, boot, pid, born), beat, now)
        yield LeasedRow(table, key, about, str(values.get("status") or ""), host, pid, beat, gone)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
