"""Second thoughts about exceptions: handlers that raise again, or that say why they are silent.

The rules themselves stand in `exceptions.py`.
"""

from __future__ import annotations

import ast
import re

from standin.case import Case, Verdict
from standin.exceptions import handler_around
from standin.module import FUNCTIONS, last_line, own_nodes, reads

_DROPS = re.compile(r"\b(swallow|suppress|ignor)\w*\b.*\b(exception|error)s?\b", re.IGNORECASE)


def judge_handler(case: Case) -> Verdict:
    """A wide handler that raises again loses nothing; one that is explained was thought about."""
    handler, function = case.node, case.function
    if function is not None and function.name == "__del__":
        return case.refuted("an exception in `__del__` reaches nobody, it could only be printed", function.lineno)
    promise = _promise(case)
    if promise is not None:
        return case.refuted("the docstring says that exceptions are dropped", promise)
    again = [one for one in own_nodes(handler) if isinstance(one, ast.Raise) and one.exc is None]
    if again:
        return case.refuted("the handler raises the exception again", again[-1].lineno)
    comment = case.comment(case.hit.line, last_line(handler))
    if comment is not None:
        return Verdict("needs-human", "a comment explains why everything is caught", (comment,))
    end = getattr(handler, "body", [handler])[0].lineno
    return case.confirmed("the handler neither raises, reports nor explains", case.hit.line, end)


def _promise(case: Case) -> int | None:
    """The line of a docstring around the handler that speaks of dropping exceptions."""
    for function in (one for one in case.module.ancestors(case.node) if isinstance(one, FUNCTIONS)):
        if ast.get_docstring(function):
            lines = range(function.body[0].lineno, last_line(function.body[0]) + 1)
            found = (line for line in lines if _DROPS.search(case.module.quote(line)))
            if (line := next(found, None)) is not None:
                return line
    return None


def judge_raise(case: Case) -> Verdict:
    """Without `from` the traceback reads as if the handler itself had failed."""
    handler = handler_around(case.module, case.node)
    if comment := case.comment():
        return Verdict("needs-human", "a comment beside it may explain the raise", (comment,))
    if handler is not None and handler.name and handler.name in reads(case.node):
        reason = "the new exception carries the old one's text, but not as its cause"
        return case.confirmed(reason, handler.lineno, case.hit.line)
    return case.confirmed("neither `from error` nor `from None` says how the two belong together")
