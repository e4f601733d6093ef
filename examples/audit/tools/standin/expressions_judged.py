"""Second thoughts about single lines: operators with a meaning of their own, notes with a ticket.

The rules themselves stand in `expressions.py`.
"""

from __future__ import annotations

import re

from standin.case import Case, Verdict, plain
from standin.module import called

_BUILDERS = {"filter", "filter_by", "where", "having", "exclude"}


def judge_none(case: Case) -> Verdict:
    """Query builders overload `==`, and there `is None` would be wrong."""
    calls = [called(above).split(".")[-1] for above in case.module.ancestors(case.node)]
    if _BUILDERS & set(calls):
        return case.open("inside a query builder `==` may build a condition")
    return plain("nothing here overloads equality, so `is` says what is meant")(case)


def judge_mark(case: Case) -> Verdict:
    """A note that names a ticket is tracked elsewhere."""
    quote = case.module.comments[case.hit.line]
    if re.search(r"#\d+|https?://", quote):
        return case.open("the note names a ticket, whose state cannot be seen here")
    return case.confirmed("nothing says that this is tracked anywhere")
