"""What follows a path in `<path # …>` and `<path { … }>`: which parts of a document are wanted.

`sections` and `definitions` do the choosing; here the wish is only read and checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from orchestra.errors import OrchError, nearest

__all__ = [
    "KINDS",
    "Code",
    "CodeNames",
    "NamePattern",
    "SectionName",
    "Sections",
    "Selector",
    "Titles",
    "parse_selector",
]

KINDS = ("fn", "var", "class", "interface", "type", "enum", "struct", "trait", "module")


@dataclass(frozen=True, slots=True)
class SectionName:
    """The beginning of a heading; the load goes on without an optional one that is missing."""

    title: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Sections:
    """`# a, b?; !# c`: the sections of `include` without those of `exclude`."""

    include: tuple[SectionName, ...]
    exclude: tuple[SectionName, ...] = ()


@dataclass(frozen=True, slots=True)
class Titles:
    """`# ??` and `# ##??`: the titles of all headings, or of those of one level."""

    level: int | None = None


@dataclass(frozen=True, slots=True)
class NamePattern:
    """Definitions by name with `*` and `?`, or every one of a kind.

    `mentioned` turns it round: the definitions in whose body a match is mentioned.
    """

    name: str = "*"
    kind: str | None = None
    mentioned: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """`{ name, pre*, *fn, (used) }`: the text of definitions."""

    patterns: tuple[NamePattern, ...]


@dataclass(frozen=True, slots=True)
class CodeNames:
    """`{ ?? }` and `{ fn??, class?? }`: the names of definitions; None stands for the top-level ones."""

    kinds: tuple[str | None, ...]


Selector: TypeAlias = Sections | Titles | Code | CodeNames

_TITLES = re.compile(r"(#{0,6})\s*\?\?$")
_ITEM = re.compile(
    r"""\s*+(!?\#)?+\s*+                                         # the mark of a new group
        ("(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | (?:\\.|[^,;"'\s\\])(?:\\.|[^,;\\])*?)  # quoted or bare
        \s*(\?)?\s*(?:([,;])|$)                                  # optional; what follows""",
    re.VERBOSE,
)
_IDENTIFIER = re.compile(r"[\w$*?]+(?:\.[\w$*?]+)*[!?]?$")


def parse_selector(text: str) -> Selector:
    """A selector from its text: `# Usage, FAQ?; !# Old`, `# ##??`, `{ fn?? }`. E405 says what is wrong.

    The mark before section names may be left out; `##??` is a list of titles with or without it.
    """
    text = text.strip()
    if text.startswith("{"):
        return _code(text)
    wanted = re.sub(r"^#\s+", "", text)
    titles = _TITLES.match(wanted)
    if titles:
        return Titles(len(titles[1]) or None)
    return _sections(wanted.lstrip("#").strip())


def _sections(text: str) -> Sections:
    groups: dict[str, list[SectionName]] = {"#": [], "!#": []}
    group, position, before = "#", 0, ""
    while before is not None:
        item = _ITEM.match(text, position)
        if item is None:
            raise OrchError("E405", "a section needs a name", help="# Usage, FAQ?")
        mark, title, optional, after = item.groups()
        group = _group(mark, before, group)
        groups[group].append(SectionName(_unquoted(title), bool(optional)))
        position, before = item.end(), after
    return Sections(tuple(groups["#"]), tuple(groups["!#"]))


def _group(mark: str | None, before: str, group: str) -> str:
    """Where the next name belongs; a new group begins behind a semicolon only."""
    if before == ";" and mark is None:
        raise OrchError("E405", "after ';' stands '# …' or '!# …'", help="# Usage; !# Advanced")
    if before != ";" and mark == "!#":
        raise OrchError("E405", "'!#' only takes away from sections named before it", help="# Usage; !# Advanced")
    return mark or group


def _unquoted(title: str) -> str:
    return re.sub(r"\\(.)", r"\1", title[1:-1] if title[0] in "'\"" else title)


def _code(text: str) -> Code | CodeNames:
    if not text.endswith("}"):
        raise OrchError("E405", "a code selector ends with '}'", help="{ main, get* }")
    parts = [part.strip() for part in text[1:-1].split(",")]
    if parts[-1] == "":
        parts.pop()
    if not parts or "" in parts:
        raise OrchError("E405", "a code selector needs at least one name", help="{ main, get* } or { ?? }")
    lists = [part for part in parts if part.endswith("??")]
    if not lists:
        return Code(tuple(_pattern(part) for part in parts))
    if len(lists) < len(parts):
        raise OrchError("E405", "definitions and lists of names cannot be mixed", help="use two loads")
    return CodeNames(tuple(_kind(part[:-2].strip()) if part != "??" else None for part in parts))


def _pattern(part: str) -> NamePattern:
    if part.startswith("(") and part.endswith(")"):
        inner = _pattern(part[1:-1].strip())
        return NamePattern(inner.name, inner.kind, mentioned=True)
    if part.startswith("*") and part[1:] in KINDS:
        return NamePattern(kind=part[1:])
    if not _IDENTIFIER.match(part):
        raise OrchError("E405", f'"{part}" is no name of a definition', help="{ main, Cart.total, get*, *fn }")
    return NamePattern(part)


def _kind(word: str) -> str:
    if word not in KINDS:
        meant = nearest(word, KINDS)
        raise OrchError(
            "E405",
            f'"{word}" is no kind of definition',
            help=f"{{ {meant}?? }}" if meant else "the kinds are " + ", ".join(KINDS),
        )
    return word
