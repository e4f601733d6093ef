"""Scripts in markdown mode: prose, with directives on lines that begin with a slash or in fences."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from orchestra.nodes.base import Node
from orchestra.nodes.script import Document, Script
from orchestra.printing.layout import render
from orchestra.printing.printer import Printer
from orchestra.scan.headers import begins_with_header

__all__ = ["document_text", "in_place"]

_FENCE = "```mlld-run\n"
_EMPTY = f"{_FENCE}```\n"  # says nothing, and parts what stands on both sides


def document_text(script: Script, show: Printer) -> str:
    """The canonical document: single directives on their own line, several in a fence.

    The header is no part of it, so prose that looks like one is kept from the beginning.
    """
    made = ""
    for is_prose, group in groupby(script.statements, lambda part: isinstance(part, Document)):
        parts = list(group)
        if is_prose:
            made += "".join(_pieces([part.text for part in parts if isinstance(part, Document)], made[-1:]))
        else:
            made += _directives(parts, show)
    return f"{_EMPTY}{made}" if begins_with_header(made) else made


def _directives(group: list[Node], show: Printer) -> str:
    """Without the line end, which belongs to the prose that follows."""
    if len(group) == 1:
        return "/" + render(show(group[0]))
    text = render(show.lines(group, group[0].span.start, group[-1].span.end))
    return f"{_FENCE}{text}\n```"


def _pieces(texts: list[str], before: str) -> Iterator[str]:
    """Prose as it is; a dropped comment leaves a line end of its own, an empty fence parts prose from prose.

    `before` is the last character in front of it, which tells whether a line begins here.
    """
    parted = True
    for position, text in enumerate(texts):
        alone = len(texts) == 1 or (position == 0 and before not in ("", "\n"))
        if text == "\n" and not alone:
            yield ">>\n"
            parted = True
        else:
            yield text if parted else f"{_EMPTY}{text}"
            parted = False


def in_place(script: Script, source: str, show: Printer) -> str:
    """The source with each directive printed anew where it stands."""
    made, position = "", 0
    for statement in script.statements:
        if not isinstance(statement, Document):
            span = statement.span
            made += source[position : span.start] + render(show.statement(statement))
            position = span.end
    return made + source[position:]
