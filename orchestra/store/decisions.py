"""What was decided in words and what was shortened, one row each time, under keys that a second execution meets again.

How it is decided is the business of the runtime.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from orchestra.store.blobs import Blobs
from orchestra.store.connection import Connection, storable

__all__ = ["Decisions", "PredicateRow", "StoredPredicate", "TransformRow", "predicates", "transform"]


@dataclass(frozen=True, slots=True)
class PredicateRow:
    """A question and its answer.

    site:       file:line:column; iteration: of the innermost loop, 0 outside
    occurrence: how often the same was asked there before in one execution
    prompt:     the question as a model is asked it, whoever answered
    labels:     what there was to choose from; None for yes and no
    source:     explicit, declared, semantic or default
    """

    site: str
    iteration: int
    occurrence: int
    prompt: str
    text: str
    labels: Sequence[str] | None
    source: str
    value: str
    evidence: str
    confidence: float | None
    model: str | None
    call: str | None


@dataclass(frozen=True, slots=True)
class TransformRow:
    """A content and what became of it. kind: pass, summary, cut or reference; sizes in tokens."""

    site: str
    iteration: int
    occurrence: int
    kind: str
    before: str
    after: str
    in_tokens: int
    out_tokens: int
    max_tokens: int
    model: str | None
    call: str | None


TRANSFORM = (
    "SELECT site, iteration, occurrence, kind, in_hash, out_hash, in_tokens, out_tokens, max_tokens, model, call_id"
    " FROM transforms WHERE run = ? AND seq = ?"
)


def transform(connection: Connection, run: str, number: int) -> TransformRow | None:
    """The transform of a run with this number, from 1."""
    row = connection.one(TRANSFORM, (run, number))
    if row is None:
        return None
    site, iteration, occurrence, kind, before, after, *figures = row
    text = Blobs(connection).get
    before, after = text(before).decode("utf-8"), text(after).decode("utf-8")
    return TransformRow(site, iteration, occurrence, kind, before, after, *figures)


@dataclass(frozen=True, slots=True)
class StoredPredicate:
    """A decision as it can be made again. labels: None for yes and no."""

    seq: int
    site: str
    text: str
    value: str
    labels: list[str] | None
    prompt: str


def predicates(connection: Connection, run: str) -> list[StoredPredicate]:
    """What a run decided in words, in that order."""
    blobs = Blobs(connection)
    rows = connection.all(
        "SELECT seq, site, text, value, labels, input_hash FROM predicates WHERE run = ? ORDER BY seq", (run,)
    )
    return [
        StoredPredicate(seq, site, text, value, labels and json.loads(labels), blobs.get(prompt).decode("utf-8"))
        for seq, site, text, value, labels, prompt in rows
    ]


class Decisions:
    """The tables `predicates` and `transforms` of one run. A row that is there already takes the new answer."""

    def __init__(self, connection: Connection, *, run: str) -> None:
        self._connection = connection
        self._blobs = Blobs(connection)
        self._run = run

    def predicate(self, row: PredicateRow) -> None:
        with self._connection.transaction():
            labels = None if row.labels is None else json.dumps(list(row.labels), ensure_ascii=False)
            key = (row.site, row.iteration, self._put(row.prompt), row.occurrence)
            self._connection.change(
                "INSERT INTO predicates (run, seq, site, iteration, input_hash, occurrence, text, labels, source,"
                " value, evidence, confidence, model, call_id)"
                " VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM predicates WHERE run = ?1), ?, ?, ?, ?, ?, ?, ?,"
                " ?, ?, ?, ?, ?) ON CONFLICT (run, site, iteration, input_hash, occurrence) DO UPDATE SET"
                " source = excluded.source, value = excluded.value, evidence = excluded.evidence,"
                " confidence = excluded.confidence, model = excluded.model, call_id = excluded.call_id",
                (
                    self._run, *key, storable(row.text), labels, row.source, storable(row.value),
                    storable(row.evidence), row.confidence, row.model, row.call,
                ),
            )  # fmt: skip

    def transform(self, row: TransformRow) -> None:
        with self._connection.transaction():
            before, after = self._put(row.before), self._put(row.after)
            self._connection.change(
                "INSERT INTO transforms (run, seq, site, iteration, in_hash, max_tokens, occurrence, kind, out_hash,"
                " in_tokens, out_tokens, model, call_id)"
                " VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM transforms WHERE run = ?1), ?, ?, ?, ?, ?, ?, ?,"
                " ?, ?, ?, ?) ON CONFLICT (run, site, iteration, in_hash, max_tokens, occurrence) DO UPDATE SET"
                " kind = excluded.kind, out_hash = excluded.out_hash, out_tokens = excluded.out_tokens,"
                " model = excluded.model, call_id = excluded.call_id",
                (
                    self._run, row.site, row.iteration, before, row.max_tokens, row.occurrence, row.kind, after,
                    row.in_tokens, row.out_tokens, row.model, row.call,
                ),
            )  # fmt: skip

    def _put(self, text: str) -> str:
        return self._blobs.put(storable(text).encode("utf-8", "replace"))
