"""Small changes to a function, of the kind that mend most small faults; simple ones come first.

Which of them helps is for `trial.py` to find out: this is how a program can mend code without understanding it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

from standin.issue import Case

Function = ast.FunctionDef
Change = tuple[ast.AST, ast.AST]  # a node and what to put in its place

_ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_INVERSE: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_TWINS = {"min": "max", "max": "min", "lower": "upper", "upper": "lower"}


def mended(source: str, name: str, cases: list[Case]) -> Iterator[str]:
    """The source with one change to the function, then with two. The cases give values for new guards."""
    once = list(_changed(source, name, cases))
    yield from once
    for first in once:
        yield from _changed(first, name, cases)


def _changed(source: str, name: str, cases: list[Case]) -> Iterator[str]:
    tree = ast.parse(source)
    function = next((one for one in tree.body if isinstance(one, Function) and one.name == name), None)
    if function is None:
        return
    for node in ast.walk(function):
        for move in MOVES:
            for new in move(node):
                yield _put(source, node, ast.unparse(new))
    for line in _first_lines(function, cases):
        yield _inserted(source, function, line)


def _put(source: str, node: ast.AST, text: str) -> str:
    """The source with the text of a node replaced; what stands around it stays as it is."""
    lines = source.splitlines(keepends=True)
    begin, end = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
    before = lines[begin].encode()[: node.col_offset].decode()  # type: ignore[attr-defined]
    after = lines[end].encode()[node.end_col_offset :].decode()  # type: ignore[attr-defined]
    return "".join([*lines[:begin], before + text + after, *lines[end + 1 :]])


def _inserted(source: str, function: Function, text: str) -> str:
    """The source with lines put before the first statement that is no docstring."""
    documented = ast.get_docstring(function) is not None
    first = function.body[1 if documented and len(function.body) > 1 else 0]
    lines = source.splitlines(keepends=True)
    pad = " " * first.col_offset
    new = [f"{pad}{line}\n" for line in text.splitlines()]
    return "".join([*lines[: first.lineno - 1], *new, *lines[first.lineno - 1 :]])


# ── changes inside an expression ─────────────────────────────────────────────────────────────────


def _comparisons(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], _ORDER):
        for other in _ORDER:
            if not isinstance(node.ops[0], other):
                yield _with(node, ops=[other()])


def _operators(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.BinOp) and type(node.op) in _INVERSE:
        yield _with(node, op=_INVERSE[type(node.op)]())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        upwards = _with(node, left=ast.UnaryOp(ast.USub(), node.left))
        yield ast.UnaryOp(ast.USub(), upwards)


def _look_ups(node: ast.AST) -> Iterator[ast.AST]:
    """`a[k]` that finds nothing gives 0 or an empty text."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and not isinstance(node.slice, ast.Slice):
        for default in (0, ""):
            yield ast.Call(ast.Attribute(node.value, "get", ast.Load()), [node.slice, ast.Constant(default)], [])


def _arguments(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split" and node.args:
        yield _with(node, args=[])
    if isinstance(node, ast.Call) and node.keywords:
        yield _with(node, keywords=[])


def _twins(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Name) and node.id in _TWINS:
        yield _with(node, id=_TWINS[node.id])
    if isinstance(node, ast.Attribute) and node.attr in _TWINS:
        yield _with(node, attr=_TWINS[node.attr])


def _numbers(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)


MOVES: tuple[Callable[[ast.AST], Iterator[ast.AST]], ...] = (
    _comparisons,
    _operators,
    _look_ups,
    _arguments,
    _twins,
    _numbers,
)


def _with(node: ast.AST, **changes: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in changes.items():
        setattr(new, name, value)
    return new


# ── new first lines ──────────────────────────────────────────────────────────────────────────────


def _first_lines(function: Function, cases: list[Case]) -> Iterator[str]:
    """Guards against what is empty, and texts without blanks around them."""
    results = sorted({case.expected for case in cases})
    for parameter in (one.arg for one in function.args.args):
        for result in results:
            yield f"if not {parameter}:\n    return {result}"
        yield f"{parameter} = {parameter}.strip()"
