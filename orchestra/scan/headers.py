"""What may stand before the first statement: front matter and the line `resume: auto`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from orchestra.errors import OrchError
from orchestra.scan.documents import front_matter_end
from orchestra.source import Source, Span

__all__ = ["Header", "begins_with_header", "read_header"]

_RESUME = re.compile(
    r"(?:[ \t]*(?:(?:>>|<<|#!)[^\n]*)?\r?\n)*[ \t]*resume:[ \t]*([\"']?)([^\n\"'>]*)\1[ \t]*(?:>>[^\n]*)?(?:\r?\n|$)"
)
_FRONT_RESUME = re.compile(r"^resume:[ \t]*[\"']?(\w+)", re.MULTILINE)
_SHEBANG = re.compile(r"\ufeff?(?:#![^\n]*(?:\n|$))?")
MODES = ("auto", "manual", "never")


@dataclass(slots=True)
class Header:
    """`fields` may hold `resume` and `front_matter` (YAML text); scanning begins at `end`."""

    end: int = 0
    fields: dict[str, Any] = field(default_factory=dict)


def read_header(source: Source) -> Header:
    """Read what precedes the statements. Raises E101 for an unknown resume mode."""
    header = Header()
    text = source.text
    start = _SHEBANG.match(text)
    header.end = start.end() if start else 0
    front = front_matter_end(text[header.end :])
    if front:
        block = text[header.end : header.end + front]
        header.fields["front_matter"] = "\n".join(block.strip().splitlines()[1:-1])
        header.end += front
        if resume := _FRONT_RESUME.search(text, header.end - front, header.end):
            header.fields["resume"] = _mode(resume.group(1), source, resume.start(1))
    match = _RESUME.match(text, header.end)
    if match:
        header.fields["resume"] = _mode(match.group(2).strip(), source, match.start(2))
        header.end = match.end()
    return header


def begins_with_header(text: str) -> bool:
    """Whether the beginning of the text is taken for a header, be it a right or a wrong one."""
    mark = _SHEBANG.match(text)
    return bool((mark and mark.end()) or front_matter_end(text) or _RESUME.match(text))


def _mode(word: str, source: Source, at: int) -> str:
    if word not in MODES:
        raise OrchError(
            "E101", f"invalid resume mode {word!r}", Span(source, at, at + len(word)),
            help="expected auto, manual or never", exit=2,
        )  # fmt: skip
    return word
