"""`with { errors: […], ensure: … }`: errors by which a value may say that it is none, and what must hold of it.

A model cannot throw; what it answers instead is read here. Catching is the business of `try`, asking again that of
`retry`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from orchestra.errors import Note, OrchError
from orchestra.nodes.base import Node, present, walk
from orchestra.nodes.literals import Array, Spread
from orchestra.nodes.names import Reference
from orchestra.nodes.predicates import Predicate
from orchestra.nodes.tails import With
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, plain
from orchestra.values.text import display

__all__ = ["NAME", "RESULT", "check_answer", "check_promise", "declared_errors"]

RESULT: Final = "output"  # what `ensure` calls the value

NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
# What a text begins with that reports an error: `ERROR: rejected` with a reason behind it, perhaps.
REPORT: Final = re.compile(
    r"\s*[*`]*ERROR[*`]*:[*`]*[ \t]*[*`]*(?P<name>[A-Za-z_][\w-]*)[*`]*[ \t:,.–—-]*(?P<why>[^\n]*)"
)


def declared_errors(options: With, scope: Scope) -> tuple[str, ...]:
    """The names that `errors` declares. Raises E207 for what is no list of names."""
    part = options.part("errors")
    if part is None:
        return ()
    names = plain(part.eval(scope))
    if not isinstance(names, list) or not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise OrchError("E207", "errors is a list of names", part.span, help='errors: ["rejected", "too-late"]')
    return tuple(names)


def check_answer(value: Any, names: tuple[str, ...], place: Node) -> None:
    """E309, as of a `throw`, if an answer reports one of these errors: in a field `error` or in its first line."""
    found = reported(plain(value), names) if names else None
    if found is not None:
        said = found.get("message")
        message = said if isinstance(said, str) and said else f"the answer reports {found['name']}"
        raise OrchError("E309", message, place.span, details={"value": {**found, "message": message}})


def reported(answer: Any, names: tuple[str, ...]) -> dict[str, Any] | None:
    """The error that an answer reports, with its `name`."""
    if isinstance(answer, dict) and answer.get("error") in names:
        return {**answer, "name": answer["error"]}
    report = REPORT.match(answer) if isinstance(answer, str) else None
    if report is None or report["name"] not in names:
        return None
    return {"name": report["name"], "message": report["why"].strip()}


def check_promise(options: With, value: Any, scope: Scope) -> None:
    """E311 if one of the conditions of `ensure` does not hold of the value, which they know as `@output`."""
    part = options.part("ensure")
    if part is None:
        return
    inner = scope.child(names={RESULT: present(value)})
    inner.made = value  # what a condition in words is about, unless it says otherwise
    for condition in part.items if isinstance(part, Array) else [part]:
        if isinstance(condition, Spread):
            raise OrchError("E207", "each condition of ensure is written out", condition.span)
        if not condition.test(inner):
            raise _broken(condition, value, _is_secret(value, scope))


def _broken(condition: Node, value: Any, secret: bool) -> OrchError:
    parts = list(walk(condition))
    speaks = any(isinstance(part, Predicate) or (isinstance(part, Reference) and part.name == RESULT) for part in parts)
    shown = "‹secret›" if secret else _shortened(value)
    return OrchError(
        "E311", f"the result does not ensure {condition.span.text.splitlines()[0]}", condition.span,
        help=None if speaks else f"the result is called @{RESULT} here", notes=[Note(f"the result: {shown}")],
        details={} if secret else {RESULT: plain(value)},
    )  # fmt: skip


def _is_secret(value: Any, scope: Scope) -> bool:
    """Whether the value is secret, or will be as the result of the function around."""
    function = scope.frame.function if scope.frame is not None else None
    labels = joined((value,), deep=True).labels
    return "secret" in labels or "secret" in getattr(function, "labels", ())


def _shortened(value: Any) -> str:
    text = " ".join(display(present(value)).split())
    return text if len(text) <= 80 else text[:79] + "…"
