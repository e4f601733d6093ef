"""Rows that a process has taken for itself: which there are in the tables of scripts, and whether it still lives.

How a row is taken is left to the tables themselves; here they are only looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from orchestra.store.claims import SILENCE, Owner
from orchestra.store.connection import Connection

__all__ = ["LeasedRow", "leased_rows"]

OWNER: Final = ("owner_host", "owner_boot", "owner_pid", "owner_born", "heartbeat_at")
TELLING: Final = ("name", "target", "title", "phase")  # columns that say more of a row than its key, the best first


@dataclass(frozen=True, slots=True)
class LeasedRow:
    """key: the values of the key; about: what else names it; gone: whether its process is, None if nobody knows."""

    table: str
    key: str
    about: str
    status: str
    host: str
    pid: int
    beat: str
    gone: bool | None


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
        yield LeasedRow(
            table, key, about, str(values.get("status") or ""), values["owner_host"], values["owner_pid"],
            values["heartbeat_at"] or "", _gone(values, now),
        )  # fmt: skip


def _gone(row: dict[str, Any], now: str) -> bool | None:
    """Whether the owner is gone; of another machine, whether nothing has been heard of it for long."""
    owner = Owner(row["owner_host"], row["owner_boot"], row["owner_pid"], row["owner_born"])
    ended = Owner.current().sees_end_of(owner)
    if ended is not None or not row["heartbeat_at"]:
        return ended
    silent = datetime.fromisoformat(now) - datetime.fromisoformat(row["heartbeat_at"])
    return silent.total_seconds() > SILENCE


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
