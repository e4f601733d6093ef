"""Keeps each prompt and its answer as readable files, so that no call is ever a mystery or lost in a crash.

Where the folder lies is decided by the run; what must not be written down, by `redact`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from orchestra.runtime.redact import Redactor

__all__ = ["Archive", "Entry"]

NUMBER = re.compile(r"(\d{4,})-")

# Words that YAML reads as text, alone or in quotes. Its own writer takes longer than the rest of a call.
PLAIN: Final = re.compile(r"(?!(?:true|false|yes|no|on|off|null|[yn])$)[a-z][\w./-]*", re.ASCII | re.IGNORECASE)
QUOTABLE: Final = re.compile(r"[\w./-]+", re.ASCII)


class Archive:
    """The folder of a run's prompts.

    Each call has `0007-review.prompt.md`, `.result.md` and, with `full`, `.transcript.jsonl`.
    """

    def __init__(self, folder: Callable[[], Path | None], redactor: Redactor, full: bool = False) -> None:
        self._folder = folder
        self._redactor = redactor
        self._full = full
        self._last: dict[Path, int] = {}

    def begin(self, fn: str, facts: Mapping[str, Any], prompt: str) -> Entry | None:
        """Writes the prompt; to be called before the request. None if the run keeps no archive."""
        folder = self._folder()
        if folder is None:
            return None
        if folder not in self._last:
            folder.mkdir(parents=True, exist_ok=True)
            self._last[folder] = _highest(folder)
        return self._claimed(folder, fn, document(self._redactor, facts, prompt))

    def _claimed(self, folder: Path, fn: str, prompt: str) -> Entry:
        """Writes under the next free number. Creating the file takes it, also against other processes."""
        safe = re.sub(r"[^\w-]+", "-", fn) or "call"
        while True:
            self._last[folder] += 1
            entry = Entry(folder / f"{self._last[folder]:04}-{safe}", self._redactor, self._full)
            try:
                entry.write(".prompt.md", prompt, "x")
            except FileExistsError:
                continue
            return entry


def _highest(folder: Path) -> int:
    return max((int(match[1]) for file in folder.iterdir() if (match := NUMBER.match(file.name))), default=0)


class Entry:
    """The files of one call."""

    def __init__(self, stem: Path, redactor: Redactor, full: bool) -> None:
        self._stem = stem
        self._redactor = redactor
        self._full = full

    @property
    def name(self) -> str:
        """Such as `0007-review`."""
        return self._stem.name

    def write(self, suffix: str, text: str, mode: Literal["w", "x"] = "w") -> None:
        """Writes one of the files; mode `x` refuses to if it is there already."""
        path = f"{self._stem}{suffix}"
        with open(path, mode, encoding="utf-8", errors="replace") as file:
            file.write(text)

    def finish(self, facts: Mapping[str, Any], text: str, history: list[dict[str, Any]]) -> None:
        """Writes the answer, or in `text` the reason why there is none."""
        self.write(".result.md", document(self._redactor, facts, text))
        if self._full:
            lines = [json.dumps(message, ensure_ascii=False) for message in self._redactor.clean_data(history)]
            self.write(".transcript.jsonl", "".join(line + "\n" for line in lines))


def document(redactor: Redactor, facts: Mapping[str, Any], text: str) -> str:
    """Front matter and text. Cleaned before they are written as YAML, which may break a secret in two."""
    known = {name: redactor.clean_data(value) for name, value in facts.items() if value is not None}
    head = "".join([_field(name, value) for name, value in known.items()])
    return f"---\n{head}---\n\n{redactor.clean(text).rstrip()}\n"


def _field(name: str, value: Any) -> str:
    """One line of front matter, more for a long text."""
    if value.__class__ is int or (value.__class__ is float and "." in repr(value)):
        return f"{name}: {value}\n"
    if value.__class__ is str and QUOTABLE.fullmatch(value):
        return f"{name}: {value}\n" if PLAIN.fullmatch(value) else f"{name}: '{value}'\n"
    import yaml

    return yaml.safe_dump({name: value}, allow_unicode=True, sort_keys=False)
