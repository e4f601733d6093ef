"""The script as it is shown to a judge: lines with numbers, and a mark where it is being executed."""

from __future__ import annotations

from orchestra.source import Source, Span
from orchestra.values.scope import Scope

__all__ = ["numbered", "position"]

MARK = "▶"


def position(source: Source, span: Span | None, scope: Scope) -> int | None:
    """The line of `source` that is being executed: that of `span`, or of the call that led there."""
    frame = scope.frame
    while span is not None and span.source is not source:
        span, frame = (frame.span, frame.outer) if frame is not None else (None, None)
    return span.line if span is not None else None


def numbered(source: Source, current: int | None) -> str:
    """The text of a script with the number of each line, the current one marked."""
    lines = source.text.rstrip("\n").split("\n")
    width = len(str(len(lines)))
    return "\n".join(
        f"{MARK if number == current else ' '} {number:>{width}}  {line}".rstrip()
        for number, line in enumerate(lines, 1)
    )
