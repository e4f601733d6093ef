"""The text of shell commands: which operators are refused, and how values are written into a command line.

Everything here is a pure function of its arguments; starting the command belongs to the run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestra.errors import OrchError
from orchestra.values.tagged import MISSING, meta_of, plain
from orchestra.values.text import compact_json, template_text

__all__ = ["Inserted", "check_interpolated", "open_quote", "quote_value", "refused_operator", "variable_text"]

OPERATORS = re.compile(r"&&|\|\||>>|[;<>&]")
OPERATORS_IN_VALUES = re.compile(r"&&|\|\||[;&]")
ESCAPED_QUOTE = re.compile(r"""\\["']""")
SPECIAL_IN_QUOTES = re.compile(r'[\\"$`]')


@dataclass(frozen=True, slots=True)
class Inserted:
    """A value about to be written into a command: `name` as the script spells it, `quoted` inside "…"."""

    name: str
    value: Any
    quoted: bool


def refused_operator(text: str) -> tuple[int, str] | None:
    """Offset and text of the first operator outside quotes that `cmd { }` does not take, or None."""
    for offset, quotes in _scan(text):
        if "'" not in quotes and '"' not in quotes:
            found = OPERATORS.match(text, offset)
            if found:
                return offset, found.group()
    return None


def open_quote(text: str) -> str:
    """The quote, " or ', that is still open at the end of `text`, or "". Tells where a reference stands."""
    *_, (_, quotes) = _scan(text)
    return quotes[-1:] if quotes[-1:] in ('"', "'") else ""


def _scan(text: str) -> Iterator[tuple[int, str]]:
    """Offsets of unescaped characters and of the end, each with what is open there, outermost first: ' " ("""
    quotes, offset = "", 0
    while offset < len(text):
        char, inside = text[offset], quotes[-1:]
        if char == "\\" and inside != "'":
            offset += 2
            continue
        yield offset, quotes
        quotes = _after(quotes, char, text[offset - 1 : offset])
        offset += 1
    yield len(text), quotes


def _after(quotes: str, char: str, before: str) -> str:
    """What is open after `char`."""
    inside = quotes[-1:]
    if (inside in ("'", '"') and char == inside) or (inside == "(" and char == ")"):
        return quotes[:-1]
    if inside == "'":
        return quotes
    if char == "(" and (before == "$" or inside == "("):
        return quotes + char
    if char == '"' or (char == "'" and inside != '"'):
        return quotes + char
    return quotes


def quote_value(value: Any, quoted: bool) -> str:
    """`value` as it is written into a `cmd` line, inside "…" if `quoted`.

    A bare scalar or structure is exactly one word, an empty text too. The elements of an array of scalars are
    split at blanks like arguments typed by hand, but nothing in them is syntax to the shell.
    """
    words = _elements(value)
    if quoted:
        text = _word(value) if words is None else " ".join(words)
        return SPECIAL_IN_QUOTES.sub(r"\\\g<0>", text)
    if words is None:
        return shlex.quote(_word(value))
    return " ".join(shlex.quote(part) for word in words for part in word.split())


def variable_text(value: Any) -> str:
    """`value` as a shell script or a standard input gets it.

    Text as it is, absent and null as nothing, an array of scalars one element a line, other data as JSON.
    Data that was parsed from a text arrives as that text.
    """
    words = _elements(value)
    if words is not None:
        return "\n".join(words)
    return "" if plain(value) in (None, MISSING) else _word(value)


def _elements(value: Any) -> list[str] | None:
    """The texts of an array of scalars, or None for every other value."""
    data = plain(value)
    if not isinstance(data, list) or meta_of(value).text is not None:
        return None
    if any(isinstance(item, list | dict) for item in data):
        return None
    return [template_text(item) for item in data]


def _word(value: Any) -> str:
    text = meta_of(value).text
    if text is not None:
        return text
    data = plain(value)
    return compact_json(data) if isinstance(data, list | dict) else template_text(data)


def check_interpolated(parts: Iterable[Inserted]) -> None:
    """Refuse values that would bring an operator or a piece of quoting into the bare text of a command.

    Raises E502. Values inside "…" and structures, which become one JSON argument, are harmless.
    """
    for part in parts:
        if not part.quoted:
            for text in _bare_texts(part.value):
                _check(part.name, text)


def _bare_texts(value: Any) -> list[str]:
    words = _elements(value)
    if words is not None:
        return words
    data = plain(value)
    return [data] if isinstance(data, str) else []


def _check(name: str, text: str) -> None:
    found = OPERATORS_IN_VALUES.search(text) or ESCAPED_QUOTE.search(text)
    if found:
        raise OrchError(
            "E502",
            f"the value of @{name} brings {found.group()} into a command",
            help=f'write "@{name}" in double quotes, or pass it to sh as a parameter',
        )
