"""What stands around every operation, in one order: hooks, policies, guards, the operation, guards, hooks.

Each of them has its own module. Here are the order, the attempts that guards ask for, and the way from a denial to
the function that handles it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.base import walk
from orchestra.nodes.denial import Denial, Denied
from orchestra.nodes.functions import Function
from orchestra.nodes.op import Op
from orchestra.runtime.hooks import Hooks
from orchestra.runtime.security.boxes import check_boxes
from orchestra.runtime.security.guards import MOST_TRIES, UNUSUAL, Asked, Guards
from orchestra.runtime.security.operations import named
from orchestra.runtime.security.policies import Policies
from orchestra.values.scope import Scope

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Seam"]

Body = Callable[[Op, Scope], Any]


class Seam:
    """guarded: whether there are guards or policies; without them nothing is looked at but hooks."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.hooks = Hooks(run)
        self.guards = Guards(run)
        self.policies = Policies(run)
        self.guarded = False

    def watches(self, kind: str) -> bool:
        """Whether something may look at an operation of this kind."""
        return self.guarded or self.hooks.watches(kind)

    def perform(self, op: Op, body: Body, scope: Scope, facts: dict[str, Any]) -> Any:
        """Do an operation. `body` does the work, in the scope it is given; `facts` is for hooks."""
        if not self.guarded:
            return self.hooks.perform(op, lambda op: body(op, scope), scope, facts)
        return self.hooks.perform(op, lambda op: self._handled(op, body, scope), scope, facts)

    def _handled(self, op: Op, body: Body, scope: Scope) -> Any:
        """The operation; if it is denied and its function has a `denied` arm, what that gives."""
        try:
            return self._judged(op, body, scope)
        except Denial as denial:
            function = op.function
            if not isinstance(function, Function) or not _handles_denials(function):
                raise
            guarding = replace(scope.context.guarding or UNUSUAL, denial=denial, handler=function)
            more = {**(scope.context.more or {}), "guard": denial.facts, "args": denial.given, "denied": True}
            return function.run_body(op, scope.within(scope.context.with_(guarding=guarding, more=more), scope.kind))

    def _judged(self, op: Op, body: Body, scope: Scope) -> Any:
        """Policies and guards around one operation, again for every attempt that a guard asks for."""
        guarding = scope.context.guarding or UNUSUAL
        asked = Asked(named(op), scope)
        try:
            check_boxes(asked.op, guarding)
            self.policies.check_capability(asked.op, guarding)
            forbidden = self.policies.flow_denial(asked.op, guarding)
            if guarding.judging:
                if forbidden is not None:
                    raise forbidden
                return body(op, scope)
            while True:
                result, hint = self._attempt(op, body, asked, forbidden)
                if hint is None:
                    return result
                if op.kind != "exe" or asked.tries >= MOST_TRIES:
                    raise self.guards.retried_in_vain(hint, asked)
                asked.tries += 1
                asked.hints.append(hint)
        except OrchError as error:
            if isinstance(error, Denial) or error.code in ("E602", "E611"):
                self._run.denied(error, asked.op)
            raise

    def _attempt(self, op: Op, body: Body, asked: Asked, forbidden: Denial | None) -> tuple[Any, str | None]:
        """The result of one attempt, and the hint for the next one if a guard wants another."""
        changed, hint = self.guards.before(asked)
        if forbidden is not None and not (asked.freed and not forbidden.facts["locked"]):
            raise forbidden
        if hint is not None:
            return None, hint
        changed = replace(changed, labels=op.labels, cache=op.cache and asked.tries == 1)
        result = self.policies.influenced(asked.op, body(changed, self._inside(asked)))
        return self.guards.after(asked, result)

    def _inside(self, asked: Asked) -> Scope:
        """The scope of the work itself: it knows the attempt, and which guards have seen its values."""
        context, op = asked.scope.context, asked.op
        changes: dict[str, Any] = {}
        if op.kind == "exe" and (asked.judged or context.guarding is not None):
            changes["guarding"] = replace(context.guarding or UNUSUAL, judged=frozenset(asked.judged))
        if asked.hints:
            changes["more"] = {**(context.more or {}), "hint": asked.hints[-1], "try": asked.tries}
        return asked.scope.within(context.with_(**changes), asked.scope.kind) if changes else asked.scope


def _handles_denials(function: Function) -> bool:
    return any(isinstance(part, Denied) for part in walk(function.body))
