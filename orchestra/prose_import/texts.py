"""Texts of a program as texts of a script: in quotes, in backticks, or in colons where a name is glued to a word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from orchestra.printing.escapes import bounded, escaped

__all__ = ["literal", "predicate"]

Parts = Sequence[str | tuple[str, str]]  # literal pieces, and references: (as in the script, as in the program)
_GLUED: Final = re.compile(r"\w|-\w")


def literal(parts: Parts) -> str:
    """A text with references filled in."""
    if _is_glued(parts) and not any(":::" in part for part in parts if isinstance(part, str)):
        return f":::{_joined(parts, ':::', lambda name: '{{' + name.removeprefix('@') + '}}')}:::"
    single = not any("\n" in part or '"' in part or "\\" in part for part in parts if isinstance(part, str))
    quote = '"' if single and all(isinstance(part, str) for part in parts) else "`"
    return f"{quote}{_joined(parts, quote, str)}{quote}"


def predicate(parts: Parts) -> str:
    """A condition in words."""
    return f"**{_joined(parts, '**', str)}**"


def _is_glued(parts: Parts) -> bool:
    """Whether a name is followed at once by what would belong to it."""
    return any(
        isinstance(before, tuple) and isinstance(after, str) and _GLUED.match(after)
        for before, after in pairwise(parts)
    )


def _joined(parts: Parts, kind: str, reference: Callable[[str], str]) -> str:
    made = ""
    for position, part in enumerate(parts):
        if isinstance(part, tuple):
            made += reference(part[0])
            continue
        source = escaped(part, kind, last=position == len(parts) - 1)
        after_name = position > 0 and isinstance(parts[position - 1], tuple) and kind != ":::"
        made += bounded(source, "name", kind) if after_name else source
    return made
