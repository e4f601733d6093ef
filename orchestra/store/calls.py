"""Model calls as they were made: one row each, for costs and for looking into them later.

What of their answers is given once more is decided elsewhere; `requests` finds them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

from orchestra.store.blobs import Blobs, Common
from orchestra.store.checkpoints import INLINE, without_tags
from orchestra.store.connection import Connection, storable
from orchestra.store.values import Codec

__all__ = ["COLUMNS", "CallRow", "Calls"]


@dataclass(frozen=True, slots=True)
class CallRow:
    """One model call with all its turns.

    id:      unique within the execution
    input, output, cache_write, cache_read: tokens; cost: US dollars, None if the price is unknown
    archive: path of the prompt that was written before the request
    error:   what ended the call, None if it succeeded
    cached:  nothing was asked: the answer is that of an earlier call with the same request
    longest: tokens of the longest answer of a turn
    estimated: the provider counted no tokens
    key:     of the labelled call that it was part of
    request: digest of what was asked, if the answer is kept in case that call has to be made again
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
    longest: int = 0
    estimated: bool = False
    key: str | None = None
    request: str | None = None


COLUMNS = tuple(field.name for field in fields(CallRow))
ANSWER: Final = ("answer", "answer_blob", "answer_tags")
NO_ANSWER: Final = (None, None, None)
_values = attrgetter(*COLUMNS)


class Calls:
    """The calls of one execution."""

    def __init__(self, connection: Connection, codec: Codec, *, execution: str) -> None:
        self._connection = connection
        self._codec = codec
        self._blobs = Blobs(connection)
        self._common = Common(connection)
        self._execution = execution
        columns = ("execution", *COLUMNS, *ANSWER)
        self._insert = f"INSERT OR REPLACE INTO calls ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

    def put(self, row: CallRow) -> None:
        """Write a call down, as far as it has come; a later row of the same id takes its place."""
        self._put(row, NO_ANSWER)

    def put_answered(self, row: CallRow, answer: Any) -> None:
        """The same for a call that has come to its end, with its answer. Raises SecretValue or Uncacheable."""
        tags, rest = without_tags(answer)
        text = self._codec.encode(rest)
        if tags is None and len(text) <= INLINE:
            self._put(row, (text, None, None))
            return
        with self._connection.transaction():
            kept = (text, None) if len(text) <= INLINE else (None, self._blobs.put(text.encode("utf-8")))
            self._put(row, (*kept, tags and self._common.id(tags)))

    def _put(self, row: CallRow, answer: Sequence[Any]) -> None:
        values = [storable(value) if isinstance(value, str) else value for value in _values(row)]
        self._connection.change(self._insert, (self._execution, *values, *answer))

    def figures(self, fn: str) -> tuple[tuple[int, int], tuple[float, float] | None] | None:
        """The fewest and the most tokens of a call of a function of this script so far, and dollars likewise.

        None if there was none; no dollars if the price of one is not known.
        """
        rows = self._connection.all(
            "SELECT min(t), max(t), min(cost), max(cost), count(*), count(cost) FROM"
            " (SELECT input + output + cache_write + cache_read AS t, cost"
            " FROM calls JOIN executions x ON x.id = execution JOIN runs r ON r.id = x.run"
            " WHERE fn = ? AND error IS NULL AND NOT cached AND r.script ="
            " (SELECT script FROM runs JOIN executions e ON e.run = runs.id WHERE e.id = ?))",
            (fn, self._execution),
        )
        fewest, most, cheapest, dearest, count, priced = rows[0]
        if not count:
            return None
        return (fewest, most), (cheapest, dearest) if priced == count else None

    def longest(self, fn: str, model: str) -> list[int]:
        """Tokens of the longest answer of each of the last thousand calls of a function of this script with a model."""
        rows = self._connection.all(
            "SELECT longest FROM calls JOIN executions x ON x.id = execution JOIN runs r ON r.id = x.run"
            " WHERE fn = ? AND model = ? AND longest > 0 AND r.script ="
            " (SELECT script FROM runs JOIN executions e ON e.run = runs.id WHERE e.id = ?)"
            " ORDER BY calls.rowid DESC LIMIT 1000",
            (fn, model, self._execution),
        )
        return [row[0] for row in rows]
