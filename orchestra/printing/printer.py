"""The table of printers, how tightly each construct binds, and how lists of statements get their lines.

What a single construct looks like stands in the modules beside this one, grouped as in `nodes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, TypeVar

from orchestra.nodes.base import Node, children
from orchestra.nodes.blocks import Block, BlockValue
from orchestra.nodes.functions import Call
from orchestra.nodes.literals import Array
from orchestra.nodes.operators import Or
from orchestra.nodes.options import WithOptions
from orchestra.nodes.output import Invocation
from orchestra.nodes.pipelines import Pipeline
from orchestra.printing.comments import Comments
from orchestra.printing.layout import HARD, LINE, SOFT, Doc, Group, Nest, edge, has_lines, joined_by
from orchestra.scan.words import BEGINNINGS, NAME
from orchestra.source import Span

__all__ = ["PRINTERS", "Level", "Printer", "listed", "prints", "spaced"]


class Level(IntEnum):
    """How tightly a construct binds: one that stands where something tighter is needed gets parentheses."""

    TAILED = 0
    VALUE = 1
    EXPRESSION = 2
    COALESCE = 3
    OR = 4
    AND = 5
    COMPARISON = 6
    SUM = 7
    PRODUCT = 8
    UNARY = 9
    POSTFIX = 10


Print = Callable[[Any, "Printer"], Doc]
F = TypeVar("F", bound=Callable[..., Doc])
PRINTERS: Final[dict[type[Node], tuple[Print, Level]]] = {}


def prints(*classes: type[Node], level: Level = Level.POSTFIX) -> Callable[[F], F]:
    """Make a function `(node, show) -> Doc` the printer of some node classes."""

    def register(function: F) -> F:
        PRINTERS.update(dict.fromkeys(classes, (function, level)))
        return function

    return register


def listed(opener: str, parts: list[Doc], closer: str, pad: Doc = SOFT) -> Doc:
    """Parts with commas in brackets: on one line, or one part a line. `pad` stands inside the brackets."""
    if not parts:
        return opener + closer
    inner = Nest((pad, joined_by((",", LINE), parts)))
    return Group((opener, inner, pad, closer), broken=len(parts) > 1 and any(map(has_lines, parts)))


def spaced(*parts: Doc) -> Doc:
    """The parts that are not empty, with blanks between."""
    return joined_by(" ", [part for part in parts if part != ""])


# What would go on with the statement before it, if it began a line in a block.
_GOES_ON = re.compile(r"[\[({</?:|.-]|=> \|")


@dataclass(slots=True)
class _Entry:
    """A statement or comment with what stands behind it; `gap` says that an empty line precedes it."""

    gap: bool
    doc: Doc
    behind: str = ""

    def ended(self) -> None:
        self.behind = self.behind if self.behind.startswith(";") else ";" + self.behind


class Printer:
    """Prints the nodes of one tree; `comments` are those of its source, if they are to be kept."""

    def __init__(self, comments: Comments | None = None) -> None:
        self.comments = comments or Comments()

    def __call__(self, node: Node | None, least: Level = Level.TAILED) -> Doc:
        """The text of a node, in parentheses if it binds less tightly than `least`; "" for None."""
        if node is None:
            return ""
        function, level = PRINTERS[type(node)]
        doc = function(node, self)
        return ("(", doc, ")") if level < least else doc

    def closed(self, node: Node, least: Level = Level.EXPRESSION) -> Doc:
        """Like a call, for places where a `?` at the end would be taken for a choice."""
        doc = self(node, least)
        return ("(", doc, ")") if edge(doc, -1).endswith("?") else doc

    def action(self, node: Node, assigned: bool = False) -> Doc:
        """What stands where a block may stand as well: an array that would be read as one is set apart.

        After `=`, which `assigned` tells, that goes for an empty one too.
        """
        doc = self(node)
        array = _leftmost(node) if edge(doc, 0).startswith("[") else None
        if isinstance(array, Array) and (_is_like_block(array) or (assigned and not array.items)):
            return "(", doc, ")"
        return doc

    # ── lists of statements ──────────────────────────────────────────────────────────────────────

    def block(self, opener: str, statements: list[Any], span: Span) -> Doc:
        """Statements in brackets, one a line. `span` is where block or construct stand in the source."""
        lines = self.lines(statements, span.start, span.end, semicolons=True)
        return (opener, Nest((HARD, lines)), HARD, "]") if lines else opener + "]"

    def lines(self, statements: list[Any], start: int, end: int, semicolons: bool = False) -> Doc:
        """Statements with the comments between two offsets and with at most one empty line in a row."""
        made: list[_Entry] = []
        for position, statement in enumerate(statements):
            made += self._comments(start, statement.span.start)
            doc = self.statement(statement)
            if semicolons and position and _GOES_ON.match(edge(doc, 0)):
                made[-1].ended()
            entry = _Entry(self.comments.gap(statement.span.start), doc)
            for comment in self.comments.behind(statement.span.end):
                call = semicolons and isinstance(statement, Invocation)  # else the bracket would open an array
                entry.behind = f"{';' if call else ''} {comment.text}"
            made.append(entry)
        return _stacked([*made, *self._comments(start, end)])

    def statement(self, node: Node) -> Doc:
        """A statement; as it was written if it holds a comment that has no place in the printed form."""
        doc = self(node)
        return node.span.text if self.comments.take(node.span.start, node.span.end) else doc

    def _comments(self, start: int, end: int) -> list[_Entry]:
        found = self.comments.take(start, end)
        return [_Entry(self.comments.gap(comment.start), comment.text) for comment in found]


def _stacked(entries: list[_Entry]) -> Doc:
    made: list[Doc] = []
    for position, entry in enumerate(entries):
        if position:
            made += ["\n", HARD] if entry.gap else [HARD]
        made += [entry.doc, entry.behind] if entry.behind else [entry.doc]
    return tuple(made)


def begins_statement(doc: Doc) -> bool:
    """Whether the text begins with a word that would begin a statement after a bracket."""
    word = NAME.match(edge(doc, 0))
    return word is not None and word.group() in BEGINNINGS


def _leftmost(node: Node) -> Node:
    """The literal or block that a value begins with."""
    while not isinstance(node, (Array, Block, BlockValue)):
        node = next(children(node))
    return node


def _is_like_block(array: Array) -> bool:
    """Whether the array begins like a block that begins with a call."""
    first = array.items[0] if array.items else None
    alone = len(array.items) == 1
    while isinstance(first, (Pipeline, Or, WithOptions)):
        alone = True
        first = first.left if isinstance(first, Or) else first.source if isinstance(first, Pipeline) else first.value
    return alone and isinstance(first, Call)
