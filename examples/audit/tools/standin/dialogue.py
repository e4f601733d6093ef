"""How the stand-in works through tools: a talk is a generator that yields calls and is sent their results.

One process answers one turn, so a talk is played again from the start with the results so far; what the
messages look like is left to `protocol.py`. The file is the same in every example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence
from typing import NamedTuple

PAGE = 2000
_NUMBERED = re.compile(r"\s*(\d+)\t(.*)")
_MATCH = re.compile(r"(.+?):(\d+):(.*)")


class GaveUp(Exception):
    """The stand-in cannot go on; the message is what it says to the user."""


class Call(NamedTuple):
    """A tool and its input."""

    name: str
    input: dict[str, str | int]


class Result(NamedTuple):
    """What a tool answered."""

    text: str
    failed: bool


class Line(NamedTuple):
    """A line of a file as evidence."""

    file: str
    line: int
    quote: str


class Answer(NamedTuple):
    """The end of a talk: the document for the answer file, and the closing words."""

    document: dict[str, object]
    words: str


Talk = Generator[Sequence[Call], list[Result], Answer]


def read_file(path: str) -> Generator[Sequence[Call], list[Result], str]:
    """Read a file page by page and give its text back without line numbers."""
    return (yield from read_files([path]))[path]


def read_files(paths: Sequence[str]) -> Generator[Sequence[Call], list[Result], dict[str, str]]:
    """Read several files, the first pages of all in one turn."""
    results = yield [_read(path, 0) for path in paths]
    texts = {}
    for path, result in zip(paths, results, strict=True):
        texts[path] = yield from _whole(path, result)
    return texts


def _read(path: str, known: int) -> Call:
    asked: dict[str, str | int] = {"file_path": path, "limit": PAGE}
    return Call("Read", {**asked, "offset": known + 1} if known else asked)


def _whole(path: str, first: Result) -> Generator[Sequence[Call], list[Result], str]:
    if first.failed:
        raise GaveUp(f"I could not read {path}: {first.text}")
    lines, more = _page(first, 0)
    while more:
        (result,) = yield [_read(path, len(lines))]
        page, more = _page(result, len(lines))
        lines += page
    return "\n".join(lines) + "\n" if lines else ""


def _page(result: Result, known: int) -> tuple[list[str], bool]:
    """The lines that continue the text, and whether there may be more."""
    rows = [] if result.failed else result.text.split("\n")
    matches = [_NUMBERED.fullmatch(row) for row in rows]
    numbered = [(int(match[1]), match[2]) for match in matches if match]
    page = [text for number, text in numbered if number > known]
    noted = any(row.strip() and not match for row, match in zip(rows, matches, strict=True))
    return page, bool(page) and (noted or len(page) >= PAGE)


def grep(pattern: str, folder: str, files: str = "*.py") -> Call:
    """Search the files below a folder whose names match `files`."""
    asked = {"pattern": pattern, "path": folder, "glob": files, "output_mode": "content"}
    return Call("Grep", {**asked})


def matching_lines(result: Result) -> list[Line]:
    """The lines that Grep found, in the order of files and lines."""
    matches = [] if result.failed else [_MATCH.fullmatch(row) for row in result.text.split("\n")]
    found = [Line(match[1].removeprefix("./"), int(match[2]), match[3].strip()) for match in matches if match]
    return sorted(found, key=lambda one: (one.file, one.line))


def as_json(document: dict[str, object]) -> str:
    """The document as it stands in the answer file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
