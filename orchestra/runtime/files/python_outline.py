"""The definitions of a Python file: functions, classes and module variables.

Functions inside functions are details of those, and no definitions of the file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from textwrap import dedent

from orchestra.errors import OrchError
from orchestra.runtime.files.definitions import Definition

__all__ = ["outline_python"]


def outline_python(text: str, name: str) -> list[Definition]:
    """All definitions in order. E403 with the line when `text` is not valid Python."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        raise OrchError("E403", f"{name} is not valid Python: {getattr(error, 'msg', error)}{where}") from None
    return list(_definitions(module.body, "", text.split("\n")))


def _definitions(body: Sequence[ast.stmt], outer: str, lines: Sequence[str]) -> Iterator[Definition]:
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield _definition(statement, statement.name, "fn", outer, lines)
        elif isinstance(statement, ast.ClassDef):
            yield _definition(statement, statement.name, "class", outer, lines)
            yield from _definitions(statement.body, f"{outer}{statement.name}.", lines)
        elif isinstance(statement, (ast.If, ast.Try, ast.With)):
            yield from _definitions(_blocks(statement), outer, lines)
        elif not outer:
            for target in _targets(statement):
                yield _definition(statement, target, "var", outer, lines)


def _blocks(statement: ast.If | ast.Try | ast.With) -> list[ast.stmt]:
    """All statements in the branches of one."""
    handlers = [s for handler in getattr(statement, "handlers", ()) for s in handler.body]
    rest: list[ast.stmt] = [*getattr(statement, "orelse", ()), *getattr(statement, "finalbody", ())]
    return [*statement.body, *handlers, *rest]


def _targets(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign):
        found = [node for target in statement.targets for node in _unpacked(target)]
    elif isinstance(statement, ast.AnnAssign):
        found = [statement.target]
    else:
        found = []
    return [node.id for node in found if isinstance(node, ast.Name)]


def _unpacked(target: ast.expr) -> list[ast.expr]:
    return list(target.elts) if isinstance(target, (ast.Tuple, ast.List)) else [target]


def _definition(node: ast.stmt, name: str, kind: str, outer: str, lines: Sequence[str]) -> Definition:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    last = node.end_lineno or node.lineno
    code = dedent("\n".join(lines[first - 1 : last])).strip()
    return Definition(outer + name, kind, code, first, first, last + 1, bool(outer))
