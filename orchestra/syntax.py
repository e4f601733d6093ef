"""From text to nodes by way of Lark: the parser with its tables, and the builder that makes nodes of its trees.

Who wants a script asks `parse`, which needs this module only for what it has not kept. Parser tables are kept in the
user's cache folder, keyed by grammar, Lark and Python. Advice for wrong programs is in `hints`.
"""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import LarkError, UnexpectedToken

import orchestra.nodes.every  # noqa: F401  (its classes are what the parser builds)
from orchestra import hints
from orchestra.depth import DEEPEST, make_room
from orchestra.errors import OrchError
from orchestra.nodes.base import CLASSES, Node, parts_of
from orchestra.nodes.commands import SCRIPTS, Code, Command, OldCommand, check_operators
from orchestra.paths import cache_dir, resource
from orchestra.scan.native import foreign_reference
from orchestra.scan.scanner import ScanInput, TokenStream
from orchestra.source import Source, Span

__all__ = ["ScanInput", "build"]

LISTS = frozenset({"caught", "handlers", "labels", "params", "args", "parts"})  # rules that stand for plain lists


def build(request: ScanInput, start: str) -> Any:
    """The node of a rule, `script` or `text_body`. Raises the first syntax error.

    `request.marks` holds start and end of every token afterwards.
    """
    try:
        tree = _parser().parse(request, start=start)
    except UnexpectedToken as error:
        raise hints.syntax_error(request.source, error) from None
    except LarkError as error:  # pragma: no cover - the scanner says tokens that the grammar knows
        raise OrchError("E101", f"cannot parse this: {error}", Span(request.source, 0, 0), exit=2) from None
    make_room()
    return _Builder(request.source).build(tree)


class _Builder:
    """Turns Lark's trees into nodes, bottom up."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def build(self, tree: Tree[Token], depth: int = 0) -> Any:
        if depth > DEEPEST:
            help = "give a part of it a name, or move it into a function"
            raise OrchError("E101", "this nests too deeply", self._span(tree), help=help, exit=2)
        parts = [
            self.build(child, depth + 1) if isinstance(child, Tree) else (child if child is None else str(child))
            for child in tree.children
        ]
        if tree.data in LISTS:
            return parts
        cls = CLASSES[tree.data]
        return self._made(cls, self._span(tree), parts)

    def _span(self, tree: Tree[Token]) -> Span:
        if tree.meta.empty:
            return Span(self.source, 0, 0)
        return Span(self.source, tree.meta.start_pos, tree.meta.end_pos)

    def _made(self, cls: type[Node], span: Span, parts: list[Any]) -> Node:
        names = parts_of(cls)
        if len(parts) == len(names) and not (names and _gathers(cls) and not isinstance(parts[-1], list)):
            made = cls(span, *parts)
        elif _gathers(cls):
            fixed = len(names) - 1
            made = cls(span, *parts[:fixed], parts[fixed:])  # type: ignore[call-arg]
        else:
            made = cls(span, *parts, *[None] * (len(names) - len(parts)))
        check = _CHECKS.get(cls)
        if check is not None:
            check(made)
        return made


_GATHERS: dict[type, bool] = {}


def _gathers(cls: type[Node]) -> bool:
    """Whether the last field of a class takes all remaining children as a list."""
    if cls not in _GATHERS:
        _GATHERS[cls] = _has_list(cls)
    return _GATHERS[cls]


def _has_list(cls: type[Node]) -> bool:
    names = parts_of(cls)
    kind = str(cls.__dataclass_fields__[names[-1]].type) if names else ""
    return kind.startswith("list") and "None" not in kind


def _check_command(made: Any) -> None:
    check_operators(made.parts, made.span)


def _check_code(made: Any) -> None:
    """E109 for `@name` in JavaScript, where a parameter goes by its plain name."""
    at = foreign_reference(made.code) if made.language in SCRIPTS else None
    if at is None:
        return
    offset, name = at
    start = made.span.source.text.index(made.code, made.span.start) + offset
    place = Span(made.span.source, start, start + len(name) + 1)
    help = f"a parameter goes by its plain name: {name}"
    raise OrchError("E109", f"@{name} means nothing in JavaScript", place, help=help, exit=2)


_CHECKS: dict[type, Any] = {
    Code: _check_code,
    Command: _check_command,
    OldCommand: _check_command,
}


@lru_cache(maxsize=1)
def _parser() -> Lark:
    folder = resource("grammar")
    text = "".join((folder / name).read_text("utf-8") for name in ("mld.lark", "text.lark"))
    options = {
        "parser": "lalr", "lexer": TokenStream, "start": ["script", "text_body"],
        "propagate_positions": True, "maybe_placeholders": True,
    }  # fmt: skip
    kept = _cache_file(text)
    return Lark(text, cache=str(kept) if kept else False, **options)


def _cache_file(grammar: str) -> Path | None:
    """Where the tables for this grammar are kept; None where no folder can be written."""
    key = hashlib.sha256(f"{grammar}\0{version('lark')}\0{sys.version}".encode()).hexdigest()[:24]
    try:
        folder = cache_dir()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder / f"grammar-{key}.lark"
