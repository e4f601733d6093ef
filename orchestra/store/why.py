"""Why a stored call was served or made: read from what is kept with its answer and from the calls like it.

Which calls somebody means, and how this is printed, is left to `orch why`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from orchestra.store.blobs import Blobs, Common
from orchestra.store.reasons import CodeTexts, Reason, changed_lines
from orchestra.store.store import Store

__all__ = ["Change", "Why", "matching_keys", "why"]

RELATIVES: Final = 500  # earlier calls of the function among which the nearest is looked for
ROW: Final = (
    "SELECT rowid, module, fn, place, phase, arguments, attempts, sample, preview, previews, first_arg, first_blob,"
    " reason, run, created, last_run, last_hit, hits, state, previous IS NOT NULL"
    " FROM checkpoints WHERE script = ? AND key = ?"
)
EARLIER: Final = (
    "SELECT arguments, attempts, sample, previews, first_arg, first_blob FROM checkpoints"
    " WHERE script = ? AND module = ? AND fn = ? AND rowid < ? AND created <"
    " (SELECT max(started) FROM executions WHERE run = ? AND started <= ?)"
    " ORDER BY created DESC, rowid DESC LIMIT ?"
)

REQUESTS: Final = (
    "WITH own AS (SELECT execution, cached, calls.rowid AS number FROM calls JOIN executions x ON x.id = execution"
    " JOIN runs r ON r.id = x.run WHERE key = ? AND r.script = ? AND error IS NULL)"
    " SELECT sum(NOT cached), sum(cached) FROM own"
    " WHERE execution = (SELECT execution FROM own ORDER BY number DESC LIMIT 1)"
)


@dataclass(frozen=True, slots=True)
class Change:
    """A part of a call that differs. lines: what it was behind `- `, what it is behind `+ `; empty if not kept."""

    part: str
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Why:
    """One call. kind: hit, miss, stale or resumed, as of its last use; text and changes: why it was made, in run `run`.

    made:     miss, stale or resumed, as of when it was made
    pending:  it is to be made again and was not yet
    hits:     how often the answer was served since it was made, last in `last_run` at `last_hit`
    replaced: the answer before it can still be read
    asked, reused: requests that its body made of models when it ran last, and those that had an answer before
    """

    key: str
    fn: str
    arguments: list[str]
    place: str
    phase: str | None
    kind: str
    made: str
    text: str
    changes: list[Change]
    run: str
    created: str
    hits: int
    last_run: str
    last_hit: str | None
    pending: bool
    replaced: bool
    asked: int
    reused: int


def matching_keys(store: Store, script: str, beginning: str) -> list[str]:
    """The keys of a script that begin so."""
    sql = "SELECT key FROM checkpoints WHERE script = ? AND substr(key, 1, ?) = ? ORDER BY rowid"
    return [key for (key,) in store.connection.all(sql, (script, len(beginning), beginning))]


def why(store: Store, script: str, key: str) -> Why | None:
    """What is known about the call with this key; None if it has no answer."""
    row = store.connection.one(ROW, (script, key))
    if row is None:
        return None
    (rowid, module, fn, place, phase, arguments, attempts, sample, preview, previews, first_arg, first_blob,
     reason, run, created, last_run, last_hit, hits, state, replaced) = row  # fmt: skip
    name = fn.removeprefix("var:")
    if reason is not None:
        told = Reason.of_json(Common(store.connection).text(reason))
        made, changes = told.kind, list(_changed_code(store, told))
        text = "a new answer was asked for" if made == "resumed" else told.text
    else:
        mine = (arguments, attempts, sample, previews, first_arg, first_blob)
        earlier = store.connection.all(EARLIER, (script, module, fn, rowid, run, created, RELATIVES))
        changes = _nearest(store, mine, earlier)
        made, text = "miss", _summary(changes) if earlier else f"no earlier run called @{name}"
    pending = state == "marked"
    kind = "resumed" if pending else "hit" if hits else made
    shown = [preview, *json.loads(previews or "[]")] if json.loads(arguments) else []
    return Why(
        key, name, shown, place, phase, kind, made, text, changes, run, created, hits, last_run, last_hit, pending,
        bool(replaced), *_requests(store, script, key),
    )  # fmt: skip


def _requests(store: Store, script: str, key: str) -> tuple[int, int]:
    asked, reused = store.connection.all(REQUESTS, (key, script))[0]
    return asked or 0, reused or 0


def _summary(changes: list[Change]) -> str:
    return ", ".join(f"{change.part} changed" for change in changes)


def _changed_code(store: Store, reason: Reason) -> Iterator[Change]:
    """The parts that made an answer stale: lines of code and templates, names of models."""
    texts = CodeTexts(store.connection)
    for part, (before, after) in sorted(reason.parts.items()):
        then, now = texts.get(before), texts.get(after)
        if part.startswith("file:model://"):
            yield Change("model", [f"- {before or 'none'}", f"+ {after or 'none'}"])
        elif then is not None and now is not None:
            yield Change(part.replace(":", " ", 1), changed_lines(then, now))
        elif then is not None or now is not None:
            yield Change(part.replace(":", " ", 1), changed_lines(then or "", now or ""))
        else:
            yield Change(part.replace(":", " ", 1), [])


def _nearest(store: Store, mine: tuple[Any, ...], earlier: list[tuple[Any, ...]]) -> list[Change]:
    """What differs from the most similar of the earlier calls."""
    found = [_differing(mine, other) for other in earlier]
    if not found:
        return []
    other, parts = min(zip(earlier, found, strict=True), key=lambda pair: len(pair[1]))
    return [Change(part, _argument_lines(store, part, mine, other)) for part in parts]


def _differing(mine: tuple[Any, ...], other: tuple[Any, ...]) -> list[str]:
    """Names of the parts of the identity in which two calls differ."""
    here, there = json.loads(mine[0]), json.loads(other[0])
    most = max(len(here), len(there))
    parts = [f"argument {n + 1}" for n in range(most) if here[n : n + 1] != there[n : n + 1]]
    return [*parts, *(["retry"] if mine[1] != other[1] else []), *(["sample"] if mine[2] != other[2] else [])]


def _argument_lines(store: Store, part: str, mine: tuple[Any, ...], other: tuple[Any, ...]) -> list[str]:
    if part == "sample":
        return [f"- {other[2]}", f"+ {mine[2]}"]
    if part == "retry":
        return [f"- try {_try(other[1])}", f"+ try {_try(mine[1])}"]
    position = int(part.removeprefix("argument ")) - 1
    then, now = _argument(store, position, other), _argument(store, position, mine)
    if then == now:
        return [f"the first {len(now)} characters are the same"] if now else []  # older stores kept none
    return changed_lines(then, now)


def _try(attempts: str) -> int:
    """The number of the innermost try."""
    tries = json.loads(attempts)
    return int(tries[-1][0]) if tries else 1


def _argument(store: Store, position: int, row: tuple[Any, ...]) -> str:
    """The first argument in full, others as far as their beginnings are kept."""
    *_, previews, first_arg, first_blob = row
    if position == 0 and (first_arg or first_blob):
        return str(json.loads(first_arg if first_blob is None else Blobs(store.connection).get(first_blob)))
    others = json.loads(previews or "[]")
    return str(others[position - 1]) if 0 < position <= len(others) else ""
