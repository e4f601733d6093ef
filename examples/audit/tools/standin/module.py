"""One Python source file, parsed, with the questions that rules keep asking about it.

What counts as a fault is left to the rule modules.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)


@dataclass(frozen=True)
class Hit:
    """A fact that a rule found: `line` counts from 1, `subject` is the name or expression it is about."""

    line: int
    subject: str
    claim: str
    node: ast.AST | None = None


class Module:
    """A parsed file. Raises `SyntaxError` or `ValueError` when `text` is no Python of this version."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.tree = ast.parse(text)
        self.comments = dict(_comments(text))
        self._nodes = sorted(ast.walk(self.tree), key=_place)
        self._parents = {child: node for node in self._nodes for child in ast.iter_child_nodes(node)}
        self._lines = text.split("\n")

    def all(self, *kinds: type[Node]) -> list[Node]:
        """Every node of these kinds, in the order of the source."""
        return [node for node in self._nodes if isinstance(node, kinds)]

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around this one, innermost first."""
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def function(self, node: ast.AST) -> Function | None:
        """The innermost function around the node."""
        return next((above for above in self.ancestors(node) if isinstance(above, FUNCTIONS)), None)

    def owner(self, function: Function) -> ast.ClassDef | None:
        """The class whose body holds this function."""
        above = self.parent(function)
        return above if isinstance(above, ast.ClassDef) else None

    def scope(self, node: ast.AST | None) -> str:
        """Dotted name of the place, such as `Group.invoke`; empty at the top of the file."""
        if node is None:
            return ""
        around = [node, *self.ancestors(node)]
        return ".".join(reversed([above.name for above in around if isinstance(above, SCOPES)]))

    def quote(self, line: int) -> str:
        """The line without its indentation; empty for a line that does not exist."""
        return self._lines[line - 1].strip() if 0 < line <= len(self._lines) else ""

    def comment_within(self, first: int, last: int) -> int | None:
        """The first line from `first` to `last`, both included, that holds a comment."""
        return next((line for line in range(first, last + 1) if line in self.comments), None)

    def is_test(self) -> bool:
        """Whether the name says that this file is a test."""
        parts = self.path.split("/")
        name = parts[-1]
        return name.startswith("test_") or name.endswith("_test.py") or bool({"tests", "test"} & set(parts[:-1]))


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def quoted(text: str, line: int) -> str:
    """A line of a text that need not parse, without its indentation; empty if there is no such line."""
    lines = text.split("\n")
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


def last_line(node: ast.AST) -> int:
    """The line on which the node ends."""
    return int(getattr(node, "end_lineno", 1))


def parameters(function: Function) -> list[ast.arg]:
    """Every parameter but `self` and `cls`, star parameters included, in written order."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    stars = [star for star in (given.vararg, given.kwarg) if star is not None]
    return [one for one in (*named, *stars) if one.arg not in ("self", "cls")]


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function that are not inside a function, class or lambda within it."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(child, (*SCOPES, ast.Lambda)):
            yield from own_nodes(child)


def reads(node: ast.AST) -> set[str]:
    """Names that are read or deleted anywhere below the node."""
    names = (one for one in ast.walk(node) if isinstance(one, ast.Name))
    return {name.id for name in names if not isinstance(name.ctx, ast.Store)}


def called(node: ast.AST) -> str:
    """`open` for `open(…)`, `os.path.exists` for a dotted call, empty for anything else."""
    return dotted(node.func) if isinstance(node, ast.Call) else ""


def dotted(node: ast.AST) -> str:
    """`a.b.c` for a chain of names, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The statement lists directly inside a node: body, else branch, final part."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block
