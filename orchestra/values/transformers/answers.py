"""Finding the JSON in what a model wrote: alone, in a code fence, or somewhere in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from orchestra.values.tagged import Value
from orchestra.values.tolerant_json import tolerant_json

__all__ = ["find_json"]

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)^[ \t]*\1", re.DOTALL | re.MULTILINE)
_OPENING = re.compile(r"[{\[]")
# Strings count only inside brackets, where an apostrophe that follows a letter opens none.
_INSIDE = re.compile(r'"(?:\\.|[^"\\\n])*"|(?<=[\[{,:\s])\'(?:\\.|[^\'\\\n])*\'|[{}\[\]]')
_PARTNERS = {"}": "{", "]": "["}

DEEPEST: Final = 20  # what nests deeper and does not parse is not worth the time that trying every level takes

Found = tuple[Value, str]  # the data and the text that it was read from


def find_json(text: str) -> Found | None:
    """The object or array that an answer holds, None if there is none.

    Tried are the whole text, the fences in turn, and bracketed parts from the longest, the later of equals
    first. Such a part needs a `:` or `,`, since prose has brackets too.
    """
    candidates = (text, *(found[2] for found in _FENCE.finditer(text)))
    for candidate in candidates:
        if found := _container(candidate.strip()):
            return found
    return _longest(text)


def _longest(text: str) -> Found | None:
    left = DEEPEST * len(text)
    for start, end in sorted(_spans(text), key=lambda span: (span[0] - span[1], -span[0])):
        left -= end - start
        if left < 0:
            return None
        part = text[start:end]
        if (":" in part or "," in part) and (found := _container(part)):
            return found
    return None


def _container(text: str) -> Found | None:
    if text[:1] + text[-1:] not in ("{}", "[]"):
        return None
    try:
        return tolerant_json(text), text
    except ValueError:
        return None


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of balanced brackets, inner ones first; a closing one of the wrong kind ends all."""
    opened: list[int] = []
    at = 0
    while found := (_INSIDE if opened else _OPENING).search(text, at):
        at = found.end()
        if found[0] in ("{", "["):
            opened.append(found.start())
        elif found[0] in _PARTNERS:
            start = opened.pop()
            if text[start] == _PARTNERS[found[0]]:
                yield start, at
            else:
                opened.clear()
