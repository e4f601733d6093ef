"""Texts that decide where to break: pieces, possible line ends, groups that stay on one line if they fit.

What is printed is decided by the printers of the nodes; here it only gets its lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["HARD", "LINE", "SOFT", "Doc", "Group", "Nest", "edge", "flat", "has_lines", "joined_by", "render"]

WIDTH: Final = 100
INDENT: Final = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A place for a line end. `flat` is what stands there otherwise; None always breaks."""

    flat: str | None


@dataclass(frozen=True, slots=True)
class Nest:
    """Lines that begin inside are indented once more."""

    inner: Doc


@dataclass(frozen=True, slots=True)
class Group:
    """Breaks at all of its own lines or at none. `broken` decides it beforehand."""

    inner: Doc
    broken: bool = False


Doc = str | tuple["Doc", ...] | Line | Nest | Group
LINE: Final = Line(" ")
SOFT: Final = Line("")
HARD: Final = Line(None)

Pending = list[tuple[int, bool, Doc]]  # indentation, whether lines stay flat, what is still to come


def joined_by(separator: Doc, parts: Iterable[Doc]) -> Doc:
    """The parts with the separator between them."""
    made: list[Doc] = []
    for part in parts:
        made += [separator, part] if made else [part]
    return tuple(made)


def render(doc: Doc) -> str:
    """The text of a document, in lines of at most `WIDTH` columns where it has places to break."""
    out: list[str] = []
    column = 0
    pending: Pending = [(0, False, doc)]
    while pending:
        indent, is_flat, part = pending.pop()
        if isinstance(part, str):
            out.append(part)
            column = _column_after(part, column)
        elif isinstance(part, Line):
            text = part.flat if is_flat and part.flat is not None else "\n" + " " * indent
            out.append(text)
            column = _column_after(text, column)
        elif isinstance(part, Group):
            stays = is_flat or (not part.broken and _fits(part.inner, WIDTH - column))
            pending.append((indent, stays, part.inner))
        else:
            pending.extend(_opened(indent, is_flat, part))
    return "".join(out)


def flat(doc: Doc) -> str:
    """The text of a document on one line, except for lines that always break."""
    return render(Group(doc)) if not isinstance(doc, str) and _fits(doc, 10**9) else render(doc)


def _opened(indent: int, is_flat: bool, part: tuple[Doc, ...] | Nest) -> Pending:
    if isinstance(part, Nest):
        return [(indent + INDENT, is_flat, part.inner)]
    return [(indent, is_flat, inner) for inner in reversed(part)]


def _column_after(text: str, column: int) -> int:
    newline = text.rfind("\n")
    return column + len(text) if newline < 0 else len(text) - newline - 1


def _fits(doc: Doc, room: int) -> bool:
    """Whether the document up to its first line end takes no more than `room` columns."""
    pending: list[Doc] = [doc]
    while pending and room >= 0:
        part = pending.pop()
        if isinstance(part, str):
            text, newline, _ = part.partition("\n")
            room -= len(text)
            if newline:
                break
        elif isinstance(part, Line):
            if part.flat is None:
                break
            room -= len(part.flat)
        elif isinstance(part, tuple):
            pending.extend(reversed(part))
        else:
            pending.append(part.inner)
    return room >= 0


def has_lines(doc: Doc) -> bool:
    """Whether the document takes several lines however wide they are."""
    if isinstance(doc, str):
        return "\n" in doc
    if isinstance(doc, Line):
        return doc.flat is None
    if isinstance(doc, tuple):
        return any(has_lines(part) for part in doc)
    return (isinstance(doc, Group) and doc.broken) or has_lines(doc.inner)


def edge(doc: Doc, end: int) -> str:
    """The first (`end` 0) or last (`end` -1) piece of text that is not empty, or ""."""
    if isinstance(doc, str):
        return doc
    if isinstance(doc, Line):
        return ""
    if isinstance(doc, tuple):
        parts = doc if end == 0 else reversed(doc)
        return next((text for part in parts if (text := edge(part, end))), "")
    return edge(doc.inner, end)
