"""Markdown mode: which lines of a document are directives, which are prose that is copied out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestra.scan.words import DIRECTIVES

__all__ = ["Line", "after_line", "front_matter_end", "line_end", "next_line"]

# After a keyword stands a blank or what may follow it directly; `/var/log` and `/show.` are text.
_DIRECTIVE = re.compile(r"[ \t]*/(?=(?:=>|@[A-Za-z_][\w.-]*\(|([a-z]+)(?:[\s@\"'`{(\[<|!]|::|$)))")
_FENCE = re.compile(r"[ \t]*(`{3,5})([^`\n]*)$", re.MULTILINE)
RUN_FENCE = re.compile(r"mll?d-run")
_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(?:.*?\r?\n)??---[ \t]*(?:\r?\n|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """What the text at an offset is: `directive` (from `start`), `fence` of directives, `dropped` or `prose`."""

    kind: str
    start: int
    end: int


def line_end(text: str, pos: int) -> int:
    """Offset of the line end at or after `pos`, or the end of the text."""
    newline = text.find("\n", pos)
    return len(text) if newline < 0 else newline


def after_line(text: str, pos: int) -> int:
    """Offset of the line after the one that holds `pos`."""
    return min(line_end(text, pos) + 1, len(text))


def front_matter_end(text: str) -> int:
    """Offset of the first character after YAML front matter, 0 when there is none."""
    match = _FRONT_MATTER.match(text)
    return match.end() if match else 0


def next_line(text: str, pos: int) -> Line:
    """What the line beginning at `pos` is; prose goes on to the next line that is something else."""
    single = _single(text, pos)
    if single is not None:
        return single
    end = pos
    while end < len(text) and (end == pos or _single(text, end) is None):
        fence = _FENCE.match(text, end)
        end = _after_fence(text, end, fence.group(1)) if fence else after_line(text, end)
    return Line("prose", pos, end)


def _single(text: str, pos: int) -> Line | None:
    if text.startswith(("<<", ">>"), pos):
        return Line("dropped", pos, after_line(text, pos))
    match = _DIRECTIVE.match(text, pos)
    if match and (match.group(1) is None or match.group(1) in DIRECTIVES):
        return Line("directive", match.end(), match.end())
    fence = _FENCE.match(text, pos)
    if fence and fence.group(1) == "```" and RUN_FENCE.fullmatch(fence.group(2).strip()):
        return Line("fence", pos, line_end(text, pos))
    return None


def _after_fence(text: str, pos: int, ticks: str) -> int:
    """Offset after the line that closes the fence opened at `pos`, or the end of the text."""
    close = re.compile(rf"^[ \t]*{ticks}`*[ \t\r]*$", re.MULTILINE).search(text, after_line(text, pos))
    return after_line(text, close.start()) if close else len(text)
