"""Second thoughts about files, locks and shells: who else closes them, and where the text comes from.

The rules themselves stand in `resources.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from standin.case import Case, Verdict, plain
from standin.dialogue import Call, grep
from standin.module import FUNCTIONS, called, dotted, own_nodes, reads

_RACE = {"OSError", "FileNotFoundError", "FileExistsError"}


def judge_open(case: Case) -> Verdict:
    """Whoever receives a file may be the one to close it."""
    holder = case.module.parent(case.node)
    if isinstance(holder, ast.Return | ast.Yield):
        return case.refuted("the caller receives the file and closes it", holder.lineno)
    if "enter_context" in called(holder or case.node) or called(holder or case.node).endswith("closing"):
        return case.refuted("a surrounding context closes the file")
    name = dotted(holder.targets[0]) if isinstance(holder, ast.Assign) else ""
    closing = [one for one in _finals(case) if name and _closes(one, name)]
    if closing:
        return case.refuted("a `finally` closes the file", closing[0].lineno)
    if name.startswith("self."):
        return case.open("the object keeps the file: whether it is closed depends on its user")
    if isinstance(holder, ast.Call | ast.keyword):
        return case.verdict("insufficient-context", "the file goes to another function, which may close it")
    return plain("no `with` and no `finally` closes the file")(case)


def _finals(case: Case) -> list[ast.stmt]:
    """The statements of every `finally` in the function around the finding."""
    around = case.function or case.module.tree
    return [final for one in own_nodes(around) if isinstance(one, ast.Try) for final in one.finalbody]


def _closes(statement: ast.stmt, name: str) -> bool:
    return any(called(one) == f"{name}.close" for one in ast.walk(statement))


def judge_shell(case: Case) -> Verdict:
    """A constant command gives nobody outside a way in."""
    return _judge_text(case, "the command is a constant", "the command is put together at run time")


def judge_eval(case: Case) -> Verdict:
    """Constant code is only a strange way of writing it."""
    return _judge_text(case, "the code is a constant", "the code is put together at run time")


def _judge_text(case: Case, constant: str, built: str) -> Verdict:
    given = case.node.args[:1] if isinstance(case.node, ast.Call) else []
    if given and isinstance(given[0], ast.Constant):
        return case.refuted(constant)
    if comment := case.comment():
        return Verdict("needs-human", f"{built}; a comment may explain it", (comment,))
    return case.confirmed(built)


def judge_look(case: Case) -> Verdict:
    """The gap is closed when the use itself expects to fail."""
    if any(keyword.arg in ("exist_ok", "missing_ok") for keyword in getattr(case.node, "keywords", [])):
        return case.refuted("the use accepts that the path has changed")
    for above in case.module.ancestors(case.node):
        if isinstance(above, FUNCTIONS):
            break
        caught = [one for one in getattr(above, "handlers", []) if one.type and reads(one.type) & _RACE]
        if caught and isinstance(above, ast.Try):
            return case.refuted("the use expects the path to have changed", caught[0].lineno)
    return plain("nothing handles the path having changed in between")(case)


def releases(case: Case) -> Sequence[Call]:
    """Places where the lock is let go."""
    return [grep(rf"\b{re.escape(case.hit.subject)}\.release\(", case.folder)]


def judge_lock(case: Case) -> Verdict:
    """A pair of methods may stand for the pair of calls."""
    known, function = case.elsewhere(), case.function
    if not known:
        return case.verdict("insufficient-context", "nothing in the package releases it under this name")
    if function is not None and function.name in ("__enter__", "acquire", "__aenter__", "lock"):
        return Verdict("false-positive", "the other half of the pair releases it", (known[0],))
    return Verdict("confirmed", "an exception before the release keeps it locked", (case.line(case.hit.line), known[0]))
