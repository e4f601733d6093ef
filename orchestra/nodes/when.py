"""`when`: the first arm that holds.

As a value it gives the arm's value; as a statement it may return from a function.
"""

from __future__ import annotations

from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.blocks import FELL, Block, execute, function_host
from orchestra.nodes.operators import Not
from orchestra.nodes.signals import Return
from orchestra.values import operators
from orchestra.values.scope import Scope
from orchestra.values.tagged import Meta, joined, plain, tag, unwrap

__all__ = ["Arm", "ArmAny", "ArmNone", "When", "WhenInline", "WhenMatch", "act", "choose"]

EFFECT: Final = object()  # the chosen action was an effect and has no value


@node
class Arm(Node):
    """`condition => action`."""

    condition: Node
    action: Node


@node
class ArmAny(Node):
    """`* => action`."""

    action: Node


@node
class ArmNone(Node):
    """`none => action`: only if nothing before it held."""

    action: Node


def choose(entries: list[Node], scope: Scope, matches: Any) -> Node | None:
    """The action of the first arm that holds; bindings between the arms are made on the way."""
    failed: list[OrchError] = []
    for entry in entries:
        if isinstance(entry, (ArmAny, ArmNone)):
            return entry.action
        if not isinstance(entry, Arm):
            execute(entry, scope)
            continue
        try:
            if matches(entry.condition, scope):
                return entry.action
        except OrchError as error:
            if scope.kind == "arm" and scope.parent is not None and scope.parent.kind == "module":
                raise
            failed.append(error)
    if failed:
        raise failed[0]
    return None


def act(action: Node, scope: Scope) -> Any:
    """Do the action as a value: a block's `=>` gives it, an effect gives its text or null."""
    if isinstance(action, Block):
        try:
            value = action.run(scope.child())
        except Return as signal:
            return signal.value
        return None if value is FELL else value
    effect = getattr(action, "effect", None)
    if effect is not None:
        return effect(scope)
    if hasattr(action, "exec") and not hasattr(action, "exec_statement"):
        action.exec(scope)
        return None
    return present(action.whole(scope))


def act_statement(action: Node, scope: Scope) -> Any:
    """Do the action of a `when` that stands as a statement: its value, or EFFECT."""
    if isinstance(action, Block):
        value = action.run(scope.child())
        return EFFECT if value is FELL else _Ended(value)
    if hasattr(action, "exec"):
        if hasattr(action, "exec_statement"):
            action.exec_statement(scope)
        else:
            action.exec(scope)
        return EFFECT
    return present(action.whole(scope))


class _Ended:
    """The value of a `=>` directly in an action block."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Chooser(Node):
    """What the three forms of `when` share."""

    __slots__ = ()

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        """The action to take, and what flows from a matched subject into its value."""
        raise AssertionError

    def eval(self, scope: Scope) -> Any:
        inner = scope.child("when")
        action, flow = self.chosen(inner)
        if action is None:
            return None
        value = act(action, inner)
        return value if flow is None or not flow.flows else tag(value, flow)

    def exec_statement(self, scope: Scope) -> None:
        """As a statement: a value returns from a function, is an iteration's result, or is shown at the top level."""
        scope.run.around("when", self, scope, self._statement)

    def _statement(self, scope: Scope) -> None:
        inner = scope.child("arm")
        action, _ = self.chosen(inner)
        if action is None:
            return
        value = act_statement(action, inner)
        place = function_host(scope)
        if isinstance(value, _Ended):
            if place != "module":
                raise Return(value.value, self.span)
            scope.run.emit(value.value, scope)
        elif value is not EFFECT and unwrap(value) is not None:
            if place in ("call", "item", "parallel"):
                raise Return(value, self.span)
            if place == "module":
                scope.run.emit(value, scope)

    exec = exec_statement


@node
class When(Chooser):
    """`when [ condition => action … ]`."""

    entries: list[Node]

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        return choose(self.entries, scope, lambda part, inner: inner.run.condition(part, inner)), None


@node
class WhenInline(Chooser):
    """`when condition => action`."""

    condition: Node
    action: Node

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        return (self.action if scope.run.condition(self.condition, scope) else None), None


@node
class WhenMatch(Chooser):
    """`when subject [ pattern => action … ]`, by loose equality."""

    subject: Node
    entries: list[Node]

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        value = self.subject.eval(scope)
        subject = present(plain(value))
        action = choose(self.entries, scope, lambda part, inner: _matches(part, subject, inner))
        return action, joined((value,))


def _matches(pattern: Node, subject: Any, scope: Scope) -> bool:
    if isinstance(pattern, Not):
        return not _matches(pattern.operand, subject, scope)
    return operators.equals(subject, present(plain(pattern.peek(scope))))
