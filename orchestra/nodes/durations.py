"""Stretches of time in a script: what paces, delays and limits are given as."""

from __future__ import annotations

from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.literals import Duration, seconds
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

__all__ = ["duration_of"]


def duration_of(part: Node, scope: Scope, what: str) -> float:
    """Seconds of a duration literal, a text like `500ms`, or a number of milliseconds."""
    value = unwrap(part.eval(scope))
    if isinstance(part, Duration):
        return float(value)
    try:
        return seconds(value) if isinstance(value, str) else float(value) / 1000
    except (KeyError, ValueError, TypeError):
        raise OrchError("E304", f"{what} must be a duration like 1s or 500ms", part.span) from None
