"""A guard or a policy said no: the error, what a handler may learn of it, and what is true around guarded work.

Who says no is decided by the run; `denied` arms of `when` are the only constructs that take notice here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node
from orchestra.values.scope import Scope

__all__ = ["Denial", "Denied", "Guarding"]


class Denial(OrchError):
    """An operation that was not allowed to happen.

    facts: what `@mx.guard` shows; given: the operation's named inputs; by: the guard or policy, as messages name it
    """

    def __init__(self, code: str, message: str, facts: dict[str, Any], given: Any, by: str, **more: Any) -> None:
        super().__init__(code, message, details={"reason": facts["reason"], "guard": facts["name"]}, **more)
        self.facts = facts
        self.given = given
        self.by = by
        self.recorded = False  # in the audit log


@dataclass(frozen=True, slots=True)
class Guarding:
    """What is true for the operations inside a call.

    judging:  inside a guard, where no guards fire
    denial:   the denial for which `handler`, a function, was entered again
    off:      ordinary guards stay silent; or only those in `only` speak, and none in `without`
    policies: that narrow what may be done, besides those of the run
    judged:   guards that have seen the arguments of the innermost call
    boxes:    the tools of every box around, of which each must grant what is used
    tools:    those of every `with { tools: … }` around; models have no others, commands of the script are free
    """

    judging: bool = False
    denial: Denial | None = None
    handler: Any = None
    off: bool = False
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    policies: tuple[Any, ...] = ()
    judged: frozenset[Any] = frozenset()
    boxes: tuple[Any, ...] = ()
    tools: tuple[Any, ...] = ()


@node
class Denied(Node):
    """`denied` as a condition: the function around was entered because something in it was denied."""

    word: str

    def eval(self, scope: Scope) -> bool:
        guarding, frame = scope.context.guarding, scope.frame
        return guarding is not None and frame is not None and guarding.handler is frame.function
