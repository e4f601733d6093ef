"""Answers that the model requests of a labelled call got, for the time when its body has to run again.

They stand in the rows of `calls`. Which requests are equal, and when an answer is given once more, is decided in
`runtime.reusing`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from orchestra.store.blobs import Blobs, Common
from orchestra.store.calls import COLUMNS, CallRow
from orchestra.store.checkpoints import with_tags
from orchestra.store.connection import Connection
from orchestra.store.values import Codec

__all__ = ["FORGET", "RESUMED", "Answer", "Marks", "Requests", "code_digest"]

RESUMED: Final = "resumed"  # in `spent`: somebody wants another answer
DIGITS: Final = 16  # of a digest of code

# What SET says of a row whose answer is dropped.
FORGET: Final = "request = NULL, answer = NULL, answer_blob = NULL, answer_tags = NULL, spent = NULL"
OF_SCRIPT: Final = "execution IN (SELECT x.id FROM executions x JOIN runs r ON r.id = x.run WHERE r.script = ?)"
FIND: Final = (
    f"SELECT answer, answer_blob, answer_tags, spent, {', '.join(COLUMNS)} FROM calls"
    f" WHERE key = ? AND request IS NOT NULL AND cached = 0 AND {OF_SCRIPT} ORDER BY rowid"
)
SPEND: Final = f"UPDATE calls SET spent = ? WHERE request IS NOT NULL AND {OF_SCRIPT}"
UNFINISHED: Final = "NOT EXISTS (SELECT 1 FROM checkpoints k WHERE k.script = ? AND k.key = calls.key)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got. value: the answer, or its text alone where `call` tells the rest.

    spent: why it is not to be given once more: RESUMED, or the digest of the code that failed with it
    """

    value: Any
    call: CallRow
    spent: str | None


class Requests:
    """The answers that one script got, as one execution uses them."""

    def __init__(self, connection: Connection, codec: Codec, *, script: str, execution: str) -> None:
        self._connection = connection
        self._codec = codec
        self._blobs = Blobs(connection)
        self._common = Common(connection)
        self._script = script
        self._execution = execution

    def of(self, key: str) -> dict[str, Answer]:
        """The latest answer to each request of the labelled call with this key."""
        answers = map(self._answer, self._connection.all(FIND, (key, self._script)))
        return {str(answer.call.request): answer for answer in answers}

    def spend(self, key: str, why: str, *, all: bool) -> None:
        """Give the answers to requests of this call no more, with `all` also those that other executions got."""
        own = "" if all else " AND execution = ?"
        values = (why, self._script, key, RESUMED) + (() if all else (self._execution,))
        self._connection.change(f"{SPEND} AND key = ? AND spent IS NOT ?{own}", values)

    def _answer(self, row: tuple[Any, ...]) -> Answer:
        text, blob, tags, spent, *columns = row
        value = self._codec.decode(text if blob is None else self._blobs.get(blob).decode("utf-8"))
        return Answer(value if tags is None else with_tags(value, self._common.text(tags)), CallRow(*columns), spent)


class Marks:
    """What a user wants asked anew, among the requests of one script."""

    def __init__(self, connection: Connection, *, script: str) -> None:
        self._connection = connection
        self._script = script

    def mark(self, keys: Iterable[str]) -> None:
        """The requests of these calls."""
        for key in keys:
            self._connection.change(f"{SPEND} AND key = ?", (RESUMED, self._script, key))

    def mark_all(self) -> None:
        self._connection.change(SPEND, (RESUMED, self._script))

    def mark_unfinished(self, column: str, names: Iterable[str]) -> None:
        """Those of calls without a result, by their `fn` or `phase`."""
        sql = f"{SPEND} AND {column} = ? AND {UNFINISHED}"
        for name in names:
            self._connection.change(sql, (RESUMED, self._script, name, self._script))

    def restore(self) -> None:
        self._connection.change(f"{SPEND} AND spent = ?", (None, self._script, RESUMED))

    def functions(self) -> set[str]:
        """The functions whose requests have answers."""
        sql = f"SELECT DISTINCT fn FROM calls WHERE request IS NOT NULL AND {OF_SCRIPT}"
        return {fn for (fn,) in self._connection.all(sql, (self._script,))}


def code_digest(validity: Mapping[str, str]) -> str:
    """One digest for all the code that a call depends on."""
    return sha256(json.dumps(dict(validity), sort_keys=True).encode()).hexdigest()[:DIGITS]
