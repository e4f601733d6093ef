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

LONGEST: Final = 2048  # characters of a text in the record of tools
NUMBER = re.compile(r"(\d{4,})-")

# Words that YAML reads as text, alone or in quotes. Its own writer takes longer than the rest of a call.
PLAIN: Final = re.compile(r"(?!(?:true|false|yes|no|on|off|null|[yn])$)[a-z][\w./-]*", re.ASCII | re.IGNORECASE)
QUOTABLE: Final = re.compile(r"[\w./-]+", re.ASCII)


class Archive:
    """The folder of a run's prompts.

    Each call has `0007-review.prompt.md`, `.result.md`, where tools were used `.tools.jsonl`, and, with `full`,
    `.transcript.jsonl`.
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
        if uses := tool_uses(history):
            self._write_lines(".tools.jsonl", uses)
        if self._full:
            self._write_lines(".transcript.jsonl", history)

    def _write_lines(self, suffix: str, data: list[dict[str, Any]]) -> None:
        lines = [json.dumps(item, ensure_ascii=False) for item in self._redactor.clean_data(data)]
        self.write(suffix, "".join(line + "\n" for line in lines))


def tool_uses(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name, input and result of each use of a tool in a conversation, texts cut at `LONGEST` characters."""
    uses: dict[str, dict[str, Any]] = {}
    for message in history:
        for block in message["content"]:
            if block.get("type") == "tool_use":
                uses[str(block.get("id"))] = {"tool": block.get("name"), "input": _cut(block.get("input"))}
            elif block.get("type") == "tool_result" and (use := uses.get(str(block.get("tool_use_id")))) is not None:
                use["result"] = _cut(_said(block.get("content")))
                use |= {"error": True} if block.get("is_error") else {}
    return list(uses.values())


def _said(content: Any) -> Any:
    """The text of a result, which some programs give in blocks."""
    if not isinstance(content, list):
        return content
    return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict))


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
    if isinstance(value, dict):
        return {name: _cut(part) for name, part in value.items()}
    return [_cut(part) for part in value] if isinstance(value, list) else value


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
    if isinstance(value, dict):
        return f"{name}: {json.dumps(value, ensure_ascii=False)}\n"  # JSON is YAML too
    import yaml

    return yaml.safe_dump({name: value}, allow_unicode=True, sort_keys=False)
