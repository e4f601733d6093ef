"""The layout of Markdown documents: blank lines where they belong. What stands within a line is not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["headings", "normalise"]

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)")

Line = tuple[str, bool]  # the text, and whether it must stay as it is


def normalise(text: str) -> str:
    """`text` without leading or repeated blank lines and trailing blanks, blank lines around headings.

    Fences, tables and front matter stay as they are. Ends in one line end; "" for a text of blanks only.
    """
    out: list[str] = []
    after_heading = False
    for line, fixed in _lines(text.replace("\r\n", "\n").lstrip("\n")):
        heading = not fixed and bool(_HEADING.fullmatch(line))
        if (heading or after_heading) and out and out[-1]:
            out.append("")
        if line or fixed or (out and out[-1]):
            out.append(line)
        after_heading = heading
    body = "\n".join(out).rstrip("\n")
    return f"{body}\n" if body.strip() else ""


def _lines(text: str) -> Iterator[Line]:
    lines = text.split("\n")
    start = _front_matter_end(lines)
    yield from ((line, True) for line in lines[:start])
    for line, fenced in _fenced(lines[start:]):
        fixed = fenced or line.lstrip().startswith("|")
        yield (line if fixed else line.rstrip()), fixed


def _front_matter_end(lines: list[str]) -> int:
    if lines[0].rstrip() != "---":
        return 0
    return next((number for number, line in enumerate(lines[1:], 2) if line.rstrip() == "---"), 0)


def _fenced(lines: list[str]) -> Iterator[Line]:
    """Each line with whether it belongs to a fence, its first and last line included."""
    fence: str | None = None
    for line in lines:
        mark = _FENCE.fullmatch(line)
        if fence is None:
            fence = mark[1] if mark else None
            yield line, mark is not None
        else:
            yield line, True
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = None


def headings(lines: list[str]) -> list[tuple[int, int, str]]:
    """Line number from 0, level and title of each `#` heading outside fences."""
    found = []
    for number, (line, fenced) in enumerate(_fenced(lines)):
        mark = None if fenced else _HEADING.fullmatch(line)
        if mark:
            found.append((number, len(mark[1]), mark[2] or ""))
    return found
