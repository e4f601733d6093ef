"""The answers that a run made or was served, to be laid beside those of another.

What is the same and what differs is for the caller to say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from orchestra.store.blobs import Blobs
from orchestra.store.keys import ELSEWHERE
from orchestra.store.places import Places, in_texts
from orchestra.store.store import Store
from orchestra.values.tagged import plain

__all__ = ["Answer", "answers_of"]

# What was replaced since has kept its key, hence its function and its arguments.
ANSWERS: Final = """
    SELECT c.key, c.fn, c.site, c.first_arg, c.first_blob, c.meta, a.value, a.value_blob FROM (
        SELECT script, key, value, value_blob, created, run = ?1 AS own FROM checkpoints
            WHERE run = ?1 OR last_run = ?1
        UNION ALL SELECT script, key, value, value_blob, created, 1 FROM replaced WHERE run = ?1) a
    JOIN checkpoints c ON c.script = a.script AND c.key = a.key
    ORDER BY a.own, julianday(a.created), c.rowid"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One call. argument: text form of the first argument; value: without labels.

    prompt: what models were asked in it, as far as that was kept
    """

    key: str
    function: str
    site: int
    argument: str
    value: Any
    prompt: str = ""


def answers_of(store: Store, run: str, places: Places | None = None) -> list[Answer]:
    """The answers of a run in the order in which they were made, of each call the last.

    places: folders that are to be hidden, so that answers of another machine can be laid beside
    """
    hide = str if places is None else places.hide
    blobs = Blobs(store.connection)
    found: dict[str, Answer] = {}
    for key, fn, site, first, first_blob, meta, value, value_blob in store.connection.all(ANSWERS, (run,)):
        argument = hide(str(json.loads(first if first_blob is None else blobs.get(first_blob))))
        text = in_texts(hide, value if value_blob is None else blobs.get(value_blob).decode("utf-8"))
        if places is not None:
            key = json.loads(meta).get(ELSEWHERE, key)
        found[key] = Answer(key, fn.removeprefix("var:"), site, argument, plain(store.codec.decode(text)))
    return list(found.values())
