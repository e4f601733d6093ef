"""`when`: the first arm that holds.

As a value it gives the arm's value; as a statement it may return from a function.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, execute, node, present, walk
from orchestra.nodes.blocks import FELL, Block, Let, emits, function_host
from orchestra.nodes.signals import Return
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import Meta, joined, tag, unwrap

__all__ = ["Arm", "ArmAny", "ArmNone", "When", "WhenInline", "WhenMatch", "choose"]

TOP: Final = ("module", "arm")  # scopes in which a failing condition of a statement is an error at once


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


def choose(entries: list[Node], scope: Scope, subject: Any = ABSENT) -> Node | None:
    """The action of the first arm that holds or, with a subject, matches it; bindings between the arms are made.

    A condition that fails does not hold if a later one does; at the top level it is an error at once.
    """
    failed: OrchError | None = None
    for entry in entries:
        if entry.__class__ is Arm:
            condition = entry.condition
            try:
                if condition.test(scope) if subject is ABSENT else condition.matches(subject, scope):
                    return entry.action
            except OrchError as error:
                at_top = scope.kind == "arm" and scope.parent is not None and scope.parent.kind == "module"
                if at_top or error.fatal or scope.run.guesses:
                    raise
                failed = failed or error
        elif isinstance(entry, (ArmAny, ArmNone)):
            return entry.action
        else:
            execute(entry, scope)
    if failed is not None:
        raise failed
    return None


@dataclass(slots=True, eq=False, repr=False)
class Chooser(Node):
    """What the three forms of `when` share."""

    binds: bool = field(init=False)  # whether something in it needs names of its own

    def __post_init__(self) -> None:
        self.binds = any(isinstance(part, Let) for part in walk(self))

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        """The action to take, and what flows from a matched subject into its value."""
        raise AssertionError

    def eval(self, scope: Scope) -> Any:
        inner = scope.child("when") if self.binds or scope.kind in TOP else scope
        action, flow = self.chosen(inner)
        if action is None:
            return None
        value = present(action.outcome(inner))
        return value if flow is None or not flow.flows else tag(value, flow)

    def exec_statement(self, scope: Scope) -> Return | None:
        """As a statement: a value returns from a function, is an iteration's result, or is shown at the top level."""
        return scope.run.statement("when", self, scope, self._statement)  # type: ignore[no-any-return]

    def _statement(self, scope: Scope) -> Return | None:
        inner = scope.child("arm")
        action, _ = self.chosen(inner)
        if isinstance(action, Block):
            return self._ended(action.run(inner.child("arm")), scope)
        if action is not None and (action.only_acts or isinstance(action, Chooser)):
            return action.exec(inner)
        value = present(action.outcome(inner)) if action is not None else None
        if unwrap(value) is None:
            return None
        if function_host(scope) in ("call", "item", "parallel"):
            return Return(value, self.span)
        if emits(scope):
            scope.run.emit(value, scope)
        return None

    def _ended(self, value: Any, scope: Scope) -> Return | None:
        """What becomes of the `=>` of an action block: at the top level it ends only that block."""
        if value is FELL:
            return None
        if value.__class__ is Return:
            return value
        if function_host(scope) != "module":
            return Return(value, self.span)
        if emits(scope):
            scope.run.emit(value, scope)
        return None

    exec = exec_statement


@node
class When(Chooser):
    """`when [ condition => action … ]`."""

    entries: list[Node]

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        return choose(self.entries, scope), None


@node
class WhenInline(Chooser):
    """`when condition => action`."""

    condition: Node
    action: Node

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        return (self.action if self.condition.test(scope) else None), None


@node
class WhenMatch(Chooser):
    """`when subject [ pattern => action … ]`, by loose equality."""

    subject: Node
    entries: list[Node]

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        value = self.subject.eval(scope)
        return choose(self.entries, scope, present(value)), joined((value,))
