"""Keeps each prompt and its answer as readable files, so that no call is ever a mystery or lost in a crash.

Where the folder lies is decided by the run; what must not be written down, by `redact`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestra.runtime.redact import Redactor

__all__ = ["Archive", "Entry"]

NUMBER = re.compile(r"(\d{4,})-")


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
        folder.mkdir(parents=True, exist_ok=True)
        entry = Entry(self._claim(folder, fn), self._redactor, self._full)
        entry.begin(facts, prompt)
        return entry

    def _claim(self, folder: Path, fn: str) -> Path:
        """The next free number. Creating its file takes it, also against other processes of the run."""
        number = self._last.get(folder) or _highest(folder)
        safe = re.sub(r"[^\w-]+", "-", fn) or "call"
        while True:
            number += 1
            stem = folder / f"{number:04}-{safe}"
            try:
                stem.with_name(f"{stem.name}.prompt.md").touch(exist_ok=False)
            except FileExistsError:
                continue
            self._last[folder] = number
            return stem


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

    def _write(self, suffix: str, text: str) -> None:
        path = self._stem.with_name(self._stem.name + suffix)
        path.write_text(text, encoding="utf-8", errors="replace")

    def begin(self, facts: Mapping[str, Any], prompt: str) -> None:
        self._document(".prompt.md", facts, prompt)

    def finish(self, facts: Mapping[str, Any], text: str, history: list[dict[str, Any]]) -> None:
        """Writes the answer, or in `text` the reason why there is none."""
        self._document(".result.md", facts, text)
        if self._full:
            lines = [
                json.dumps(message, ensure_ascii=False) for message in self._redactor.clean_data(history)
            ]
            self._write(".transcript.jsonl", "".join(line + "\n" for line in lines))

    def _document(self, suffix: str, facts: Mapping[str, Any], text: str) -> None:
        """Front matter and text. Cleaned before they are written as YAML, which may break a secret in two."""
        known = {name: self._redactor.clean_data(value) for name, value in facts.items() if value is not None}
        head = yaml.safe_dump(known, allow_unicode=True, sort_keys=False)
        self._write(suffix, f"---\n{head}---\n\n{self._redactor.clean(text).rstrip()}\n")
