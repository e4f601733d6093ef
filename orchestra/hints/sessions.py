"""Advice about `agent`, `session` and `resume` that are not written to their end."""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import END, NAME, Pattern

__all__ = ["PATTERNS"]

PATTERNS: Final = (
    Pattern(
        "E101",
        rf"(?P<word>session|resume)(?P<whom>[ \t]+@{NAME})?{END}",
        "a session needs a task",
        '{word} {whom} "what is to be done"',
    ),
    Pattern(
        "E101",
        rf"(?P<fault>agent)[ \t]+@?(?P<name>{NAME})[ \t]*:?[ \t]*\{{",
        "a = is missing between the agent and its settings",
        "agent @{name} = {{ … }}",
    ),
)
