"""Answers brought along from the folder in which mlld keeps them, each good for one acceptance.

Of such an answer nobody knows which code made it. The first equal call takes it and stores it as its own; whether
that is allowed at the moment is decided by the caller.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.store.checkpoints import Checkpoints, Hit
from orchestra.store.connection import Connection
from orchestra.store.keys import DIGITS, Key, canonical

__all__ = ["IMPORTED", "Brought", "Imported", "read_folder"]

IMPORTED: Final = "@import"  # stands for the module that nobody knows
INDEX: Final = "llm-cache.jsonl"
WAITING: Final = "FROM checkpoints WHERE script = ? AND module = ?"
PROPER: Final = re.compile(r"(?:sha256[:-])?([0-9a-f]{64})")
UNITS_OF_A_SECOND: Final = 1000  # in which times are written as numbers


@dataclass(frozen=True, slots=True)
class Brought:
    """One answer of the folder. digest: the whole sha256 by which mlld knows the call."""

    digest: str
    function: str
    preview: str
    value: Any
    created: str | None
    ms: int
    site: int
    seq: int
    place: str


def read_folder(folder: Path) -> tuple[list[Brought], int]:
    """The answers, the last of each key, and how many lines or files cannot be used. E810 if it is no such folder."""
    index = folder / INDEX
    try:
        lines = index.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        help = "name the folder of one script, such as .mlld/checkpoints/NAME"
        reason = (error.strerror or "unknown reason").lower()
        raise OrchError("E810", f"cannot read {index}: {reason}", help=help, exit=2) from None
    records = [record for line in lines if line.strip() for record in [_record(line)]]
    latest = {record["key"]: record for record in records if record is not None}
    answers = [answer for record in latest.values() for answer in [_brought(folder, record)] if answer is not None]
    return answers, records.count(None) + len(latest) - len(answers)


class Imported:
    """The answers of one script that wait to be accepted."""

    def __init__(self, connection: Connection, checkpoints: Checkpoints, *, script: str) -> None:
        self._connection = connection
        self._checkpoints = checkpoints
        self._script = script
        self._there: bool | None = None

    def put(self, answer: Brought) -> None:
        """Keep an answer until it is asked for."""
        self._checkpoints.put(
            Key(IMPORTED, answer.function, (), (), 0, answer.digest[:DIGITS]), {}, answer.value,
            preview=answer.preview, first_arg=answer.preview, phase=None, site=answer.site, place=answer.place,
            seq=answer.seq, ms=answer.ms, meta={"made": answer.created}, deps={},
        )  # fmt: skip

    def find(self, key: Key) -> Hit | None:
        """What was brought along for this call; `created` is when it was made, as far as that is known."""
        if self._there is None:
            self._there = bool(self._connection.one(f"SELECT 1 {WAITING} LIMIT 1", (self._script, IMPORTED)))
        for digest in _digests(key) if self._there else ():
            if self._connection.one(f"SELECT 1 {WAITING} AND key = ?", (self._script, IMPORTED, digest)):
                found = self._checkpoints.look_up(replace(key, digest=digest), {}, 0)
                return replace(found, created=found.meta["made"] or found.created) if isinstance(found, Hit) else None
        return None

    def accepted(self, answer: Hit, key: Key) -> None:
        """The answer is stored as that of `key`: it waits no longer, and was made when it was made."""
        here = "WHERE script = ? AND key = ?"
        self._connection.change(f"DELETE FROM checkpoints {here}", (self._script, answer.key))
        self._connection.change(
            f"UPDATE checkpoints SET created = ? {here}", (answer.created, self._script, key.digest)
        )


def _digests(key: Key) -> Iterator[str]:
    """How mlld may know the call: of numbers and truth values it keeps the text, in calls that hand them on so."""
    texts = [argument if argument[0] in '"[{' else canonical(argument) for argument in key.arguments]
    for arguments in dict.fromkeys((tuple(texts), key.arguments)):
        identity = f'{{"args":[{",".join(arguments)}],"fn":{canonical(key.function.removeprefix("var:"))}}}'
        yield sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def _record(line: str) -> dict[str, Any] | None:
    """A line of the index; None for one that was cut off or names no call."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    proper = isinstance(record, dict) and all(isinstance(record.get(name), str) for name in ("key", "fn"))
    return record if proper and PROPER.fullmatch(record["key"]) else None


def _brought(folder: Path, record: Mapping[str, Any]) -> Brought | None:
    """The record with its value; None without one, or with one that is no answer."""
    match = PROPER.fullmatch(record["key"])
    assert match is not None
    value = _value(folder / "results", record["key"], match[1])
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return Brought(
        digest=match[1],
        function=record["fn"].removeprefix("@"),
        preview=str(record.get("argsPreview") or ""),
        value=value,
        created=_time(record.get("ts")),
        ms=_whole(record.get("durationMs")),
        site=_whole(record.get("invocationIndex")),
        seq=_whole(record.get("invocationOrdinal")),
        place=str(record.get("invocationSite") or ""),
    )


def _value(results: Path, key: str, digest: str) -> Any:
    for name in dict.fromkeys((key, digest, key.replace(":", "-"))):
        try:
            held = json.loads((results / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            continue
        return held.get("value") if isinstance(held, dict) else None
    return None


def _whole(value: Any) -> int:
    return round(value) if isinstance(value, int | float) and abs(value) < 2**53 else 0


def _time(value: Any) -> str | None:
    """A time as the store writes it; None if it cannot be read."""
    try:
        if isinstance(value, int | float):
            moment = datetime.fromtimestamp(value / UNITS_OF_A_SECOND, UTC)
        else:
            moment = datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
