"""`with { errors: ["rejected"] }`: errors by which a value may say that it is none.

A model cannot throw; what it answers instead is read here. Catching is the business of `try`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.tails import With
from orchestra.values.scope import Scope
from orchestra.values.tagged import plain

__all__ = ["NAME", "check_answer", "declared_errors"]

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
