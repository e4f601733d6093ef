"""Advice about signs that mean something elsewhere: foreign comments, typographic quotes, stray characters.

Signs between two operands are left to `values`.
"""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import Pattern

__all__ = ["COMMENTS", "PATTERNS"]


def _comment(at: str, before: str = "") -> Pattern:
    return Pattern("E109", at, "a comment begins with >>", ">> {text}", before=before)


COMMENTS: Final = (
    _comment(r"(?P<fault>//)(?!/)[ \t]*(?P<text>[^\n]*)"),
    _comment(r"(?P<fault>/)[ \t]*(?P<text>[^\n]*)", before=r"(?P<fault>/)"),
    _comment(r"(?P<fault>/\*)[ \t]*(?P<text>[^\n]*?)[ \t]*(?:\*/|$)"),
    _comment(r"(?P<fault>\*)[ \t]*(?P<text>[^\n]*?)[ \t]*(?:\*/|$)", before=r"(?P<fault>/)"),
    _comment(r"(?P<fault>#)!?[ \t]*(?P<text>[^\n]*)"),
    _comment(r"(?P<fault><!--)[ \t]*(?P<text>[^\n]*?)[ \t]*(?:-->|$)"),
    _comment(r"(?P<text>[^\n]*)", before=r"(?P<fault>--)[ \t]+"),
)

PATTERNS: Final = (
    Pattern(
        "E109",
        r"(?P<fault>[“”„«»])(?P<text>[^“”„«»\n]*)[“”„«»]?",
        "texts stand in straight quotes",
        '"{text}"',
    ),
    Pattern(
        "E109",
        r"(?P<fault>[‘’´])(?P<text>[^‘’´\n]*)[‘’´]?",
        "texts stand in straight quotes",
        "'{text}'",
    ),
    Pattern(
        "E101",
        r"\.[ \t]*(?:$|\Z|[\]);,])",
        "the name of a field is missing after the dot",
        "{name}.field",
        before=r"(?P<name>@[\w.-]*|[)\]])",
    ),
    Pattern("E109", r"&(?!&)", "and is written &&", "&&"),
    Pattern("E109", r"\^", "there is no operator ^", "for powers multiply, to compare use !="),
    Pattern(
        "E101",
        r"\\[ \t]*$",
        "a line is not continued with a backslash",
        "leave it out: | and .method( go on by themselves",
    ),
)
