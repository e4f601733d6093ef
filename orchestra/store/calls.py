"""Model calls as they were made: one row each, for costs and for looking into them later."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter

from orchestra.store.connection import Connection, storable

__all__ = ["COLUMNS", "CallRow", "Calls"]


@dataclass(frozen=True, slots=True)
class CallRow:
    """One model call with all its turns.

    id:      unique within the execution
    input, output, cache_write, cache_read: tokens; cost: US dollars, None if the price is unknown
    archive: path of the prompt that was written before the request
    error:   what ended the call, None if it succeeded
    """

    id: str
    fn: str
    provider: str
    model: str
    started: str
    ms: int
    turns: int
    input: int
    output: int
    cache_write: int
    cache_read: int
    cost: float | None
    stop: str | None
    attempts: int
    cached: bool
    archive: str | None
    phase: str | None
    error: str | None


COLUMNS = tuple(field.name for field in fields(CallRow))
_values = attrgetter(*COLUMNS)


class Calls:
    """The calls of one execution."""

    def __init__(self, connection: Connection, *, execution: str) -> None:
        self._connection = connection
        self._execution = execution
        places = ", ".join("?" * (len(COLUMNS) + 1))
        self._insert = f"INSERT INTO calls (execution, {', '.join(COLUMNS)}) VALUES ({places})"

    def add(self, row: CallRow) -> None:
        values = [storable(value) if isinstance(value, str) else value for value in _values(row)]
        self._connection.change(self._insert, (self._execution, *values))
