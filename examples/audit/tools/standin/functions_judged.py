"""Second thoughts about functions: who calls them, and what they do with what they are given.

The rules themselves stand in `functions.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from standin.case import Case, Verdict, plain
from standin.dialogue import Call, grep
from standin.module import called, last_line, own_nodes

_CHANGES = {"append", "add", "update", "extend", "insert", "setdefault", "pop", "clear", "remove", "discard"}


def judge_default(case: Case) -> Verdict:
    """A shared default is harmless as long as nothing changes it."""
    name, function = case.hit.subject, case.function
    uses = _reads_of(name, function) if function else []
    touched = [(one, case.module.parent(one)) for one in uses]
    for use, around in touched:
        if _changes(case, use, around):
            return case.confirmed("the function changes, stores or returns the shared object", use.lineno)
    for use, around in touched:
        if isinstance(around, ast.Call | ast.keyword | ast.Starred):
            reason = "the object is handed to another function, which may change it"
            return case.verdict("insufficient-context", reason, use.lineno)
    return case.refuted("the function only reads the object", *[use.lineno for use in uses[:3]])


def _reads_of(name: str, function: ast.AST) -> list[ast.Name]:
    names = (one for one in ast.walk(function) if isinstance(one, ast.Name))
    return [one for one in names if one.id == name and isinstance(one.ctx, ast.Load)]


def _changes(case: Case, use: ast.AST, around: ast.AST | None) -> bool:
    if isinstance(around, ast.Attribute):
        return around.attr in _CHANGES and isinstance(case.module.parent(around), ast.Call)
    if isinstance(around, ast.Subscript):
        return around.value is use and not isinstance(around.ctx, ast.Load)
    stored = isinstance(around, ast.Assign | ast.AnnAssign | ast.Return | ast.Yield)
    return stored and getattr(around, "value", None) is use


def callers(case: Case) -> Sequence[Call]:
    """Calls of the function that asserts something about its arguments."""
    function = case.function
    return [grep(rf"\b{function.name}\(", case.folder)] if function else []


def judge_assert(case: Case) -> Verdict:
    """In a private function an assertion states what its callers guarantee."""
    function = case.function
    if comment := case.comment():
        return Verdict("needs-human", "a comment beside it may explain the assertion", (comment,))
    name = function.name if function else ""
    known = [one for one in case.elsewhere() if not one.quote.startswith("def ")]
    if name.startswith("_") and not name.startswith("__") and known:
        reason = f"`{name}` is private: the assertion states what its callers guarantee"
        return Verdict("false-positive", reason, (known[0],))
    if isinstance(case.node, ast.Assert) and _narrows(case.node.test):
        return case.open("the assertion may be there for the type checker only")
    return case.confirmed("public function: bad arguments pass unnoticed under `python -O`")


def _narrows(test: ast.expr) -> bool:
    absent = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot | ast.Is)
    return absent or called(test) == "isinstance"


def judge_complex(case: Case) -> Verdict:
    """Size is no fault when the authors say that they know."""
    header = case.comment(case.hit.line, case.hit.line)
    if header is not None:
        return Verdict("needs-human", "a comment beside it may explain the function", (header,))
    lines = last_line(case.node) - case.hit.line + 1
    return case.confirmed(f"counted again with the same result, over {lines} lines")


def judge_unreachable(case: Case) -> Verdict:
    """A `yield` that is never reached still makes the function a generator."""
    function = case.function
    yields = (ast.Yield, ast.YieldFrom)
    if function is not None and any(isinstance(one, yields) for one in ast.walk(case.node)):
        alive = [one for one in own_nodes(function) if isinstance(one, yields) and one.lineno < case.hit.line]
        if not alive:
            return case.refuted(f"the yield makes `{function.name}` a generator without ever running")
    return plain("no path leads to this line")(case)
