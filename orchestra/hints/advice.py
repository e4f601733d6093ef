"""From the parser's refusal to the one error that is shown for it.

Asks the tables from the particular to the general; the first that knows the fault answers.
"""

from __future__ import annotations

import re
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.hints import (
    bindings,
    blocks,
    conditions,
    foreign,
    hooks,
    idioms,
    loops,
    modules,
    sessions,
    signs,
    values,
)
from orchestra.hints.expectation import expectation, misspelt
from orchestra.hints.fault import Fault, fault_of
from orchestra.hints.pattern import Pattern
from orchestra.hints.structure import mismatched, prose, runaway, unclosed, words
from orchestra.scan.words import DIRECTIVES
from orchestra.source import Source

__all__ = ["PATTERNS", "next_directive", "syntax_error"]

_NEXT = re.compile(rf"^/?(?:{'|'.join(sorted(DIRECTIVES))})\b", re.MULTILINE)

PATTERNS: Final[tuple[Pattern, ...]] = (
    *signs.CHARACTERS,
    *signs.COMMENTS,
    *hooks.PATTERNS,
    *blocks.PATTERNS,
    *conditions.PATTERNS,
    *loops.PATTERNS,
    *modules.PATTERNS,
    *sessions.PATTERNS,
    *bindings.PATTERNS,
    *foreign.PATTERNS,
    *idioms.PATTERNS,
    *values.PATTERNS,
    *signs.PATTERNS,
)


def next_directive(text: str, offset: int) -> int | None:
    """Offset of the next line after `offset` that begins with a directive, or None."""
    line_end = text.find("\n", offset)
    match = _NEXT.search(text, line_end + 1) if line_end >= 0 else None
    return match.start() if match else None


def syntax_error(source: Source, error: Any) -> OrchError:
    """The located error for Lark's `UnexpectedToken`: exit code 2, carets on what is to be changed."""
    fault = fault_of(source, error)
    for known in (unclosed, runaway, prose, _known, mismatched, misspelt, words):
        found = known(fault)
        if found is not None:
            return found
    return expectation(fault)


def _known(fault: Fault) -> OrchError | None:
    """What the tables say."""
    answers = (pattern.error(fault) for pattern in PATTERNS)
    return next((answer for answer in answers if answer is not None), None)
