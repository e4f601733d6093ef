"""Why answers were made: what was there before, and the texts that show what changed.

What differs is found by `checkpoints`; how it is shown is left to `orch why` and `--explain`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Final

from orchestra.store.blobs import Common
from orchestra.store.connection import Connection

__all__ = ["UNTOLD", "CodeTexts", "Parts", "Reason", "Story", "changed_lines"]

Parts = Mapping[str, tuple[str | None, str | None]]  # name of a part → what it was and what it is, None: not there

MOST_LINES: Final = 20  # of one part that are shown
WIDEST: Final = 160  # characters of a line


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a call was made although an answer to it was stored. kind: miss, stale or resumed."""

    kind: str
    text: str
    parts: Parts = field(default_factory=dict)

    def as_json(self) -> str:
        return json.dumps([self.kind, self.text, dict(self.parts)], sort_keys=True, separators=(",", ":"))

    @classmethod
    def of_json(cls, written: str) -> Reason:
        kind, text, parts = json.loads(written)
        return cls(kind, text, {name: (before, after) for name, (before, after) in parts.items()})


@dataclass(frozen=True, slots=True)
class Story:
    """What is to tell later why a call was made.

    previews: text form of each argument, of which the beginning is kept
    reason:   why its answer was not served, if it had one
    text_of:  the text behind a digest of the code, None if it is not to be kept
    """

    previews: Sequence[str] = ()
    reason: Reason | None = None
    text_of: Callable[[str], str | None] = lambda digest: None


UNTOLD: Final = Story()


class CodeTexts:
    """The texts behind the digests of a validity, each kept once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._common = Common(connection)
        self._kept: set[str] = set()

    def keep(self, validity: Mapping[str, str], text_of: Callable[[str], str | None]) -> None:
        """Keep the text of every part that has one: inside a transaction of the caller."""
        for digest in validity.values():
            if digest in self._kept:
                continue
            self._kept.add(digest)
            known = self._connection.one("SELECT 1 FROM code_texts WHERE digest = ?", (digest,))
            if known is None and (text := text_of(digest)) is not None:
                self._connection.change("INSERT INTO code_texts VALUES (?, ?)", (digest, self._common.id(text)))

    def get(self, digest: str | None) -> str | None:
        row = digest and self._connection.one("SELECT text FROM code_texts WHERE digest = ?", (digest,))
        return self._common.text(row[0]) if row else None


def changed_lines(before: str, after: str) -> list[str]:
    """The lines of two texts that differ, those of the first behind `- `, those of the second behind `+ `."""
    found = [
        f"{line[0]} {line[1:]}"
        for line in list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
        if not line.startswith("@@")
    ]
    shown = [line if len(line) <= WIDEST else f"{line[:WIDEST]}…" for line in found[:MOST_LINES]]
    return shown if len(found) <= MOST_LINES else [*shown, f"… {len(found) - MOST_LINES} more lines"]
