"""Who holds a row of a declared table: the process that wrote it last while it is as its lease says.

A row whose holder is gone is stale; whether its work is begun anew is left to the script.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestra.store.claims import Owner
from orchestra.store.conditions import condition
from orchestra.store.connection import Connection
from orchestra.store.declaration import HOLDER, STALE, Declaration, quoted

__all__ = ["Leases"]


class Leases:
    """The leases of one process."""

    def __init__(self, connection: Connection, owner: Owner) -> None:
        self._connection = connection
        self._owner = owner

    def take(self, table: Declaration, which: str, values: Sequence[Any]) -> None:
        """Hold the rows that fit if they are as the lease says, and let go of them if not."""
        if table.lease is None:
            return
        held, wanted = condition(table, dict(table.lease))
        setting = ", ".join(f"{name} = CASE WHEN {held} THEN ? END" for name in HOLDER)
        mine = [part for field in (*self._owner.row, self._connection.now()) for part in (*wanted, field)]
        self._connection.change(f"UPDATE {quoted(table.name)} SET {setting} WHERE {which}", [*mine, *values])

    def beat(self, table: Declaration) -> None:
        self._connection.change(
            f"UPDATE {quoted(table.name)} SET heartbeat_at = ?"
            " WHERE owner_host = ? AND owner_boot = ? AND owner_pid = ? AND owner_born = ?",
            (self._connection.now(), *self._owner.row),
        )

    def is_held(self, table: Declaration, row: Sequence[Any]) -> bool:
        """Whether a living process, this one included, holds a row as the database gives it."""
        return _holder(table, row) is not None and not self.is_stale(table, row)

    def is_stale(self, table: Declaration, row: Sequence[Any]) -> bool:
        holder = _holder(table, row)
        return holder is not None and self._owner.outlives(Owner(*holder[:4]), holder[4], self._connection.now())

    def told(self, table: Declaration, row: Sequence[Any]) -> dict[str, Any]:
        """What a script sees of it."""
        host, _, pid, _, beat = _holder(table, row) or (None,) * len(HOLDER)
        return {"owner_host": host, "owner_pid": pid, "heartbeat_at": beat, STALE: self.is_stale(table, row)}


def _holder(table: Declaration, row: Sequence[Any]) -> Sequence[Any] | None:
    """Host, boot, process and its start, last beat; None for a row that nobody holds, or a table without leases."""
    start = len(table.columns)
    holder = row[start : start + len(HOLDER)] if table.lease is not None else ()
    return holder if holder and holder[0] is not None else None
