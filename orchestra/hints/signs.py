"""Advice about signs that mean something elsewhere: foreign comments, typographic quotes, stray characters.

Signs between two operands are left to `values`.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from orchestra.hints.pattern import Pattern

__all__ = ["CHARACTERS", "COMMENTS", "PATTERNS"]


def _comment(at: str, before: str = "") -> Pattern:
    return Pattern("E109", at, "a comment begins with >>", ">> {text}", before=before)


def _blank(char: str, help: str) -> Pattern:
    what = f"U+{ord(char):04X}, {unicodedata.name(char).lower()}, is no part of the language"
    return Pattern("E109", rf"(?P<fault>{char})", what, help)


# Signs of typography and of other keyboards, and what is written for them.
TYPED: Final = {
    **dict.fromkeys("–—−", "-"), **dict.fromkeys("×∗", "*"), "÷": "/", "≠": "!=", "≤": "<=", "≥": ">=", "≈": "~=",
    **dict.fromkeys("→⇒", "=>"), "，": ",", "、": ",", "：": ":", "；": ";", "（": "(", "）": ")", "［": "[", "］": "]",
    "｛": "{{", "｝": "}}", "＝": "=", "｜": "|", "＠": "@", "∧": "&&", "∨": "||", "¬": "!",
}  # fmt: skip

CHARACTERS: Final = (
    *(_blank(char, "write an ordinary space") for char in "\u00a0\u2003\u2009\u202f\u3000"),
    *(_blank(char, "take it away, although it cannot be seen") for char in "\u200b\u200c\u200d\u2060\u00ad"),
)

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
    *(Pattern("E109", rf"(?P<sign>{sign})", "{sign} is written " + meant, meant) for sign, meant in TYPED.items()),
    Pattern("E109", r"&(?!&)", "and is written &&", "&&"),
    Pattern("E109", r"\^", "there is no operator ^", "for powers multiply, to compare use !="),
    Pattern(
        "E101",
        r"\\[ \t]*$",
        "a line is not continued with a backslash",
        "leave it out: | and .method( go on by themselves",
    ),
)
