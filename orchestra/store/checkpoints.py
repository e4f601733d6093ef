"""Answers of labelled calls: the two hot statements, look-up and write, and what surrounds them.

Who may make a call at the moment is left to `claims`, what a user wants made again to `resume`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestra.store.blobs import Blobs, Common
from orchestra.store.connection import Connection, storable
from orchestra.store.keys import Key
from orchestra.store.reasons import UNTOLD, CodeTexts, Parts, Story, changed_lines
from orchestra.store.values import SECRET, Codec, SecretValue
from orchestra.values.tagged import Meta, Tagged

__all__ = ["Checkpoints", "Hit", "Miss", "Stale", "StoredFile", "WrittenFile"]

INLINE: Final = 1000  # characters up to which a text stands in its row
PREVIEW: Final = 160  # characters
SHORT_PREVIEW: Final = 80  # characters of each argument but the first
RELATIVES: Final = 500  # answers of the same function among which `explain` looks for the nearest

LOOK_UP: Final = (
    "SELECT state, validity, value, value_blob, tags, meta, files, deps, created, phase, run"
    " FROM checkpoints WHERE script = ? AND key = ?"
)
WRITE: Final = """
    INSERT INTO checkpoints (
        script, key, module, fn, site, place, phase, seq, attempts, sample, arguments, preview, first_arg,
        first_blob, validity, value, value_blob, tags, meta, files, deps, run, last_run, created, ms, state,
        previous, previews, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'live', ?, ?, ?)
    ON CONFLICT (script, key) DO UPDATE SET
        site = excluded.site, place = excluded.place, phase = excluded.phase, seq = excluded.seq,
        arguments = excluded.arguments, preview = excluded.preview, first_arg = excluded.first_arg,
        first_blob = excluded.first_blob, validity = excluded.validity, value = excluded.value,
        value_blob = excluded.value_blob, tags = excluded.tags, meta = excluded.meta,
        files = excluded.files, deps = excluded.deps, run = excluded.run, last_run = excluded.last_run,
        created = excluded.created, ms = excluded.ms,
        hits = 0, last_hit = NULL, state = 'live', previous = excluded.previous,
        previews = excluded.previews, reason = excluded.reason"""
KEEP: Final = """
    INSERT INTO replaced SELECT script, key, run, created, value, value_blob, tags
    FROM checkpoints WHERE script = ? AND key = ?"""
COUNT: Final = (
    "UPDATE checkpoints SET hits = hits + ?, last_hit = ?, last_run = ?, seq = ? WHERE script = ? AND key = ?"
)

_as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that a call was asked to write. mode: output, append or poll."""

    path: str
    mode: str
    content: bytes


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file kept with an answer. digest: sha256 of its content, by which `Checkpoints.content` finds it."""

    path: str
    mode: str
    digest: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored answer. created: ISO-8601; phase and run: those in which it was made."""

    value: Any
    meta: dict[str, Any]
    files: tuple[StoredFile, ...]
    key: str
    created: str
    phase: str | None
    run: str


@dataclass(frozen=True, slots=True)
class Miss:
    """No answer may be served. resumed: there is one, but the user asked for a new one."""

    reason: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """There is an answer, made under other circumstances. changed: names of the parts that differ, sorted.

    parts: what each of them was, and what it is
    """

    changed: tuple[str, ...]
    hit: Hit
    parts: Parts = field(default_factory=dict)


class Checkpoints:
    """The answers of one script, as one execution uses and adds to them.

    read_digest: the sha256 of a file as it is now, None if it is gone
    """

    def __init__(
        self,
        connection: Connection,
        codec: Codec,
        read_digest: Callable[[str], str | None],
        *,
        script: str,
        run: str,
    ) -> None:
        self._connection = connection
        self._codec = codec
        self._blobs = Blobs(connection)
        self._common = Common(connection)
        self._code_texts = CodeTexts(connection)
        self._read_digest = read_digest
        self._script = script
        self._run = run
        self._hits: dict[str, tuple[int, str, int]] = {}

    def look_up(self, key: Key, validity: Mapping[str, str], seq: int) -> Hit | Miss | Stale:
        """The answer stored for `key`.

        validity: name of each part that the answer depends on -> its hash now
        seq:      number of this call among those of its function in this execution
        """
        row = self._connection.one(LOOK_UP, (self._script, key.digest))
        if row is None:
            return Miss("not called like this before")
        state, made_under, value, value_blob, tags, meta, files, deps, created, phase, run = row
        if state == "marked":
            return Miss("to be made again", resumed=True)
        changed = self._changed_parts(made_under, validity)
        if deps:
            changed |= self._changed_files(key.digest)
        hit = Hit(
            self._decoded(value if value_blob is None else self._text(value_blob), tags),
            self._codec.decode(meta),
            stored_files(self._connection, self._script, key.digest) if files else (),
            key.digest,
            created,
            phase,
            run,
        )
        if changed:
            return Stale(tuple(sorted(changed)), hit, changed)
        self._count(key.digest, seq)
        return hit

    def put(
        self,
        key: Key,
        validity: Mapping[str, str],
        value: Any,
        *,
        preview: str,
        first_arg: str,
        phase: str | None,
        site: int,
        place: str,
        seq: int,
        ms: int,
        meta: Mapping[str, Any],
        files: Sequence[WrittenFile] = (),
        deps: Mapping[str, str],
        story: Story = UNTOLD,
        also: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep an answer; it is on disk when this returns. One that it replaces stays readable.

        first_arg: text form of the first argument
        site:      number of the call site within its function in source order, from 0
        place:     file:line:column of that site
        deps:      path -> sha256 of each file the call loaded
        story:     what is to tell later why the call was made
        also:      what is to become true in the same moment
        Raises SecretValue or Uncacheable, and then nothing was kept.
        """
        tags, rest = without_tags(value)
        encoded, facts = self._codec.encode(rest), self._codec.encode(dict(meta))
        with self._connection.transaction():
            previous = self._previous(key.digest)
            call = self._call(key, (site, storable(place), phase, seq), preview)
            texts = self._texts(first_arg, _as_json(dict(validity)), encoded, tags)
            circumstances = (facts, len(files), len(deps), self._run, self._run, self._connection.now(), ms)
            self._connection.change(WRITE, (*call, *texts, *circumstances, *self._told(previous, story, validity)))
            self._replace_files(key.digest, files, deps, new=previous is None)
            also()
        self._hits.pop(key.digest, None)

    def _call(self, key: Key, origin: tuple[Any, ...], preview: str) -> tuple[Any, ...]:
        """The columns up to `preview`."""
        identity = (self._script, key.digest, key.module, key.function)
        asked = (json.dumps(key.attempts), key.sample, json.dumps(key.argument_digests))
        return *identity, *origin, *asked, storable(preview)[:PREVIEW]

    def _texts(self, first_arg: str, validity: str, encoded: str, tags: str | None) -> tuple[Any, ...]:
        """The columns from `first_arg` to `tags`, with what does not stand in the row kept elsewhere."""
        first = self._kept(json.dumps(storable(first_arg), ensure_ascii=False))
        return *first, self._common.id(validity), *self._kept(encoded), tags and self._common.id(tags)

    def changes(self, parts: Parts, text_of: Callable[[str], str | None]) -> Iterator[str]:
        """The lines of code and templates that differ, as far as the texts of earlier code are kept."""
        for before, after in parts.values():
            then, now = self._code_texts.get(before), text_of(after) if after is not None else None
            if then is not None and now is not None:
                yield from changed_lines(then, now)

    def _told(
        self, previous: str | None, story: Story, validity: Mapping[str, str]
    ) -> tuple[str | None, str | None, int | None]:
        """The columns from `previous` on; the texts behind `validity` are kept beside the rows."""
        self._code_texts.keep(validity, story.text_of)
        reason = story.reason if previous is not None else None
        told = None if reason is None else self._common.id(reason.as_json())
        return previous, _beginnings(story.previews), told

    def content(self, file: StoredFile) -> bytes:
        """What the file held when the call had written it."""
        return self._blobs.get(file.digest)

    def wrote(self, path: str, digest: str) -> bool:
        """Whether a stored call left the file of that path with the content of that digest."""
        row = self._connection.one(
            "SELECT 1 FROM checkpoint_files WHERE script = ? AND path = ? AND blob = ?", (self._script, path, digest)
        )
        return row is not None

    def explain(self, key: Key) -> str:
        """Why there is no answer for `key`: what differs from the most similar call of the function."""
        rows = self._connection.all(
            "SELECT arguments, attempts, sample FROM checkpoints WHERE script = ? AND module = ? AND fn = ?"
            " ORDER BY created DESC LIMIT ?",
            (self._script, key.module, key.function, RELATIVES),
        )
        mine = _differences(key.argument_digests, json.dumps(key.attempts), key.sample)
        others = (_differences(json.loads(arguments), attempts, sample) for arguments, attempts, sample in rows)
        differences = [sorted(mine.items() ^ other.items()) for other in others]
        if not differences:
            return "first call of the function"
        return ", ".join(dict.fromkeys(name for name, _ in min(differences, key=len))) + " changed"

    def count_stale(self, key: Key, validity: Mapping[str, str]) -> int:
        """How many answers of the function were made by other code than that of `validity`."""
        rows = self._connection.all(
            "SELECT validity, count(*) FROM checkpoints WHERE script = ? AND module = ? AND fn = ? AND state = 'live'"
            " GROUP BY validity",
            (self._script, key.module, key.function),
        )
        return sum(count for made_under, count in rows if self._changed_parts(made_under, validity))

    def flush(self) -> None:
        """Write the counters of all hits in one transaction."""
        if not self._hits:
            return
        rows = [(n, when, self._run, seq, self._script, key) for key, (n, when, seq) in self._hits.items()]
        with self._connection.transaction():
            self._connection.change_many(COUNT, rows)
        self._hits.clear()

    def _count(self, key: str, seq: int) -> None:
        count = self._hits[key][0] + 1 if key in self._hits else 1
        self._hits[key] = count, self._connection.now(), seq

    def _changed_parts(self, made_under: int, validity: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
        then = self._common.text(made_under)
        if then == _as_json(dict(validity)):
            return {}
        before: dict[str, str] = json.loads(then)
        pairs = {name: (before.get(name), validity.get(name)) for name in {*before, *validity}}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def _changed_files(self, key: str) -> dict[str, tuple[str | None, str | None]]:
        rows = self._connection.all(
            "SELECT path, hash FROM checkpoint_deps WHERE script = ? AND key = ?", (self._script, key)
        )
        now = ((path, digest, self._read_digest(path)) for path, digest in rows)
        return {f"file:{path}": (then, digest) for path, then, digest in now if digest != then}

    def _previous(self, key: str) -> str | None:
        """The blob of the value that is about to be replaced, which is kept with all that belongs to it."""
        row = self._connection.one(
            "SELECT value, value_blob FROM checkpoints WHERE script = ? AND key = ?", (self._script, key)
        )
        if row is None:
            return None
        self._connection.change(KEEP, (self._script, key))
        value, value_blob = row
        return value_blob or self._blobs.put(value.encode("utf-8"))

    def _kept(self, text: str) -> tuple[str | None, str | None]:
        """A text for its row, or the name of its blob."""
        return (text, None) if len(text) <= INLINE else (None, self._blobs.put(text.encode("utf-8")))

    def _decoded(self, text: str, tags: int | None) -> Any:
        value = self._codec.decode(text)
        return value if tags is None else with_tags(value, self._common.text(tags))

    def _text(self, blob: str) -> str:
        return self._blobs.get(blob).decode("utf-8")

    def _replace_files(self, key: str, files: Sequence[WrittenFile], deps: Mapping[str, str], *, new: bool) -> None:
        if not new:
            for table in ("checkpoint_files", "checkpoint_deps"):
                self._connection.change(f"DELETE FROM {table} WHERE script = ? AND key = ?", (self._script, key))
        if files:
            self._connection.change_many(
                "INSERT OR REPLACE INTO checkpoint_files VALUES (?, ?, ?, ?, ?)",
                [(self._script, key, storable(file.path), file.mode, self._blobs.put(file.content)) for file in files],
            )
        if deps:
            self._connection.change_many(
                "INSERT INTO checkpoint_deps VALUES (?, ?, ?, ?)",
                [(self._script, key, storable(path), digest) for path, digest in deps.items()],
            )


def stored_files(connection: Connection, script: str, key: str) -> tuple[StoredFile, ...]:
    """What the call with this key wrote."""
    rows = connection.all(
        "SELECT path, mode, blob FROM checkpoint_files WHERE script = ? AND key = ? ORDER BY rowid", (script, key)
    )
    return tuple(StoredFile(*row) for row in rows)


def _beginnings(arguments: Sequence[str]) -> str | None:
    """Those of the second and all further arguments as JSON; of the first there is more in the row."""
    if len(arguments) < 2:
        return None
    return json.dumps([storable(text[:SHORT_PREVIEW]) for text in arguments[1:]], ensure_ascii=False)


def without_tags(value: Any) -> tuple[str | None, Any]:
    """Labels and taint of a value as JSON, which rows have in common, and the value with the rest of its tag."""
    if value.__class__ is not Tagged or not (value.meta.labels or value.meta.taint):
        return None, value
    meta = value.meta
    if SECRET in meta.labels:
        raise SecretValue
    rest = Meta((), (), meta.sources, meta.text, meta.facts)
    bare = rest.text is None and rest.facts is None and not rest.sources
    return _as_json([meta.labels, meta.taint]), value.data if bare else Tagged(value.data, rest)


def with_tags(value: Any, tags: str) -> Tagged:
    """The value that `without_tags` was given."""
    labels, taint = json.loads(tags)
    if value.__class__ is not Tagged:
        return Tagged(value, Meta(tuple(labels), tuple(taint)))
    meta = value.meta
    return Tagged(value.data, Meta(tuple(labels), tuple(taint), meta.sources, meta.text, meta.facts))


def _differences(arguments: list[str], attempts: str, sample: int) -> dict[str, str]:
    """The parts of an identity by the names that users know."""
    named = {f"argument {number}": digest for number, digest in enumerate(arguments, 1)}
    return {**named, "retry": attempts, "sample": str(sample)}
