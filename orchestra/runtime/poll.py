"""The file that a model was asked to write: making room for it, finding it, and writing it ourselves.

When the model is asked again is decided in `llm_call`.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError
from orchestra.runtime.calls import LineChoice, PollFacts
from orchestra.runtime.tools.workspace import Refusal, read_regular, reason, write_regular

__all__ = ["PollFile", "PollLog", "open_poll", "parsed"]


def parsed(text: str) -> Any:
    """The JSON object or array that `text` is, else None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def open_poll(path: Path, root: Path, shown: str, select: LineChoice | None) -> PollFile:
    """Makes room for the file. Raises E402, E701.

    path, root: the file and the folder in which the way to it begins, both resolved; shown: what the model is told
    """
    poll = PollFile(path, root, shown) if select is None else PollLog(path, root, shown, select)
    if path.exists() and not path.is_file():
        raise OrchError("E402", f"the poll path {shown} is not a regular file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        poll.make_room()
    except OSError as error:
        raise OrchError("E402", f"the poll path {shown} cannot be used: {reason(error)}") from None
    return poll


class PollFile:
    """One file, one answer. What lay there before becomes `NAME.prev`, lest it be taken for the answer."""

    def __init__(self, path: Path, root: Path, shown: str) -> None:
        self.path = path
        self.root = root
        self.shown = shown
        self.salvaged = False
        self.moved = False

    @property
    def _previous(self) -> Path:
        return self.path.with_name(self.path.name + ".prev")

    def make_room(self) -> None:
        if self.path.exists():
            os.replace(self.path, self._previous)
            self.moved = True

    def put_back(self) -> None:
        """After a cancelled call: the file from before returns if no new one has come."""
        if self.moved and not self.path.exists():
            os.replace(self._previous, self.path)

    def stamp(self) -> tuple[int, int] | None:
        """Size and time of the file that holds an answer; another stamp, another answer. None without one."""
        if self.answer() is None:
            return None
        facts = self.path.stat()
        return facts.st_size, facts.st_mtime_ns

    def discard(self) -> None:
        """Forget what an attempt wrote that has failed, lest the next one seem to have answered."""
        with suppress(OSError):
            self.path.unlink()

    def answer(self) -> str | None:
        """What the model wrote, None if it wrote nothing or only blanks."""
        text = self._text()
        return text if text.strip() else None

    def nudge(self) -> str:
        return f"You have not written the file {self.shown} yet. Write your complete answer to it now."

    def salvage(self, text: str) -> str | None:
        """Writes down what the model only said. None if that cannot be the content of the file."""
        if not text.strip() or (self.path.suffix == ".json" and not _is_json(text)):
            return None
        return self.replace(text)

    def replace(self, text: str) -> str:
        try:
            write_regular(self.path, self.root, self.shown, text.encode("utf-8", "replace"))
        except Refusal as refusal:
            raise OrchError("E402", f"the poll file cannot be written: {refusal}") from None
        self.salvaged = True
        return text

    def facts(self) -> PollFacts:
        return PollFacts(self.path, self.path.is_file(), self.salvaged, self._text())

    def _text(self) -> str:
        try:
            with read_regular(self.path, self.root, self.shown) as handle:
                return handle.read().decode("utf-8", "replace")
        except Refusal:
            return ""


class PollLog(PollFile):
    """A file to which lines of JSON are appended; the answer is the last new one that fits."""

    def __init__(self, path: Path, root: Path, shown: str, select: LineChoice) -> None:
        super().__init__(path, root, shown)
        self._select = select
        self._pattern = _compiled(select.pattern)
        self._before = ""

    def make_room(self) -> None:
        self._before = self._text()

    def answer(self) -> str | None:
        text = self._text()
        # A tool that replaces the whole file repeats what was there; a file begun anew has new lines only.
        new = text.removeprefix(self._before)
        fitting = [line for line in new.splitlines() if self._fits(line)]
        return fitting[-1] if fitting else None

    def discard(self) -> None:
        self.make_room()  # lines stay in a log; the answer is to come after them

    def nudge(self) -> str:
        return f"You have not appended the line with your answer to {self.shown} yet. Do it now."

    def salvage(self, text: str) -> str | None:
        """What was said is no line of the log unless the model put it there."""
        return None

    def _fits(self, line: str) -> bool:
        data = parsed(line)
        if data is None:
            return False
        if self._pattern is not None:
            return self._pattern.search(line) is not None
        wanted = (self._select.event, self._select.item)
        return isinstance(data, dict) and (str(data.get("event")), str(data.get("id"))) == wanted


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise OrchError("E701", f'"{pattern}" is not a regular expression: {error}') from None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
