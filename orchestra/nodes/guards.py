"""`guard`: a table of conditions that decides whether an operation may happen, and with what.

What a guard matches and what one table decides is here; how the decisions of several are put together is the run's
business.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, execute, node, present
from orchestra.nodes.blocks import FELL
from orchestra.nodes.braces import Braces
from orchestra.nodes.hooks import HookFunction, HookOperation
from orchestra.nodes.literals import Object
from orchestra.nodes.op import Op
from orchestra.nodes.templates import text_of
from orchestra.nodes.views import View
from orchestra.nodes.when import Arm
from orchestra.source import Span
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, labels_of, plain

__all__ = ["KEPT", "ActiveGuard", "Decision", "Guard", "covers"]

KEPT: Final = FELL  # the value of a decision that replaces nothing
PRIVILEGED: Final = "guard privileged @name after @function = when [ … ]"
OPTIONS = ("addLabels", "removeLabels", "warning", "privileged")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a guard says: `allow`, `retry` or `deny`, the value that takes the place of the old one, and why."""

    kind: str
    value: Any = KEPT
    reason: str = ""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    warning: str | None = None
    failed: OrchError | None = None

    @property
    def changes(self) -> bool:
        return self.value is not KEPT or bool(self.add or self.remove)


@node
class GuardOptions(Braces):
    """The braces after an action or a guard."""

    whose = "a guard"
    keys = OPTIONS
    object: Object

    def values(self, scope: Scope) -> dict[str, Any]:
        data = plain(self.object.eval(scope))
        return data if isinstance(data, dict) else {}


@node
class Allow(Node):
    """`allow`, `allow value`, `allow with { addLabels, removeLabels, warning }`."""

    value: Node | None
    options: GuardOptions | None

    def decide(self, scope: Scope) -> Decision:
        given = self.options.values(scope) if self.options is not None else {}
        warning = given.get("warning")
        return Decision(
            "allow",
            KEPT if self.value is None else present(self.value.whole(scope)),
            add=_names(given.get("addLabels")),
            remove=_names(given.get("removeLabels")),
            warning=None if warning is None else str(warning),
        )


@node
class Deny(Node):
    """`deny "reason"`."""

    reason: Node | None

    def decide(self, scope: Scope) -> Decision:
        return Decision("deny", reason=_reason(self.reason, scope))


@node
class GuardRetry(Node):
    """`retry "hint"`: do it again."""

    hint: Node | None

    def decide(self, scope: Scope) -> Decision:
        return Decision("retry", reason=_reason(self.hint, scope))


@node
class Relabel(Node):
    """`label value`: allowed, with the label added."""

    label: str
    value: Node

    def decide(self, scope: Scope) -> Decision:
        return Decision("allow", present(self.value.whole(scope)), add=(str(self.label),))


@node
class Bless(Node):
    """`trusted! value`: untrusted no longer. `clear! value`: free of all labels."""

    label: str
    value: Node

    def eval(self, scope: Scope) -> Any:
        raise _unprivileged("untrusted" if str(self.label) == "trusted" else "secret", self.span)

    whole = eval

    def decide(self, scope: Scope) -> Decision:
        label, value = str(self.label), present(self.value.whole(scope))
        if label == "clear":
            return Decision("allow", value, remove=labels_of(value))
        if label != "trusted":
            raise OrchError("E101", f"{label}! means nothing", self.span, help="trusted! or clear!")
        return Decision("allow", value, add=("trusted",), remove=("untrusted",))


@node
class Unlabel(Node):
    """`!label value`: allowed, without the label."""

    label: str
    value: Node

    def eval(self, scope: Scope) -> Any:
        raise _unprivileged(str(self.label), self.span)

    whole = eval

    def decide(self, scope: Scope) -> Decision:
        return Decision("allow", present(self.value.whole(scope)), remove=(str(self.label),))


@node
class GuardArm(Node):
    """`condition => action`."""

    condition: Node
    action: Any


@node
class GuardAny(Node):
    """`* => action`."""

    action: Any


@node
class GuardRules(Node):
    """The table of a guard."""

    entries: list[Node]

    def chosen(self, scope: Scope) -> Any:
        """The action of the first arm that holds, or None. A condition that fails is an error."""
        for entry in self.entries:
            if isinstance(entry, GuardAny):
                return entry.action
            if isinstance(entry, GuardArm):
                if entry.condition.test(scope):
                    return entry.action
            elif not isinstance(entry, Arm):
                execute(entry, scope)
        return None


@node
class Guard(Statement):
    """`guard @name before trigger = when [ … ]`."""

    privileged: str | None
    name: str | None
    timing: str
    trigger: Node
    rules: GuardRules
    options: GuardOptions | None

    @property
    def when(self) -> str:
        """`before`, `after` or `always`."""
        return "before" if str(self.timing) == "for" else str(self.timing)

    def exec(self, scope: Scope) -> None:
        guard = ActiveGuard(self, scope)
        if guard.name is not None:
            scope.module.declare(guard.name, guard, self.span)
            if scope.module.defining:
                return  # in force for those who import it
        scope.run.add_guard(guard)


class ActiveGuard(View):
    """A guard whose line has run, with the scope where it stands."""

    __slots__ = ("definition", "function", "label", "name", "operation", "privileged", "scope", "timing")

    def __init__(self, definition: Guard, scope: Scope) -> None:
        self.definition = definition
        self.scope = scope
        self.name = str(definition.name)[1:] if definition.name else None
        self.timing = definition.when
        options = definition.options.values(scope) if definition.options is not None else {}
        self.privileged = definition.privileged is not None or options.get("privileged") is True
        self.function = self.operation = self.label = None
        trigger: Any = definition.trigger
        if isinstance(trigger, HookFunction):
            self.function = trigger.parts[0]
        elif isinstance(trigger, HookOperation):
            word = str(trigger.token)
            self.operation, self.label = (word, None) if word.startswith("op:") else (None, word)

    @property
    def shown(self) -> str:
        """The guard as messages name it."""
        trigger = self.definition.trigger.span.text
        return f"@{self.name}" if self.name else f"on {trigger}"

    def field(self, name: str) -> Any:
        return {"type": "guard", "name": self.name, "timing": self.timing}.get(name)

    def plain(self) -> str:
        """As text a guard is its name, so that names in quotes stay names."""
        return f"@{self.name}"

    def of_operation(self, op: Op) -> bool:
        """Whether the guard is about an operation as a whole. `op.labels` holds the operation's own names as well."""
        if self.function is not None:
            return op.kind in ("exe", "tool") and self.function in (op.name, op.alias)
        if self.operation is not None:
            return any(covers(self.operation, label) for label in op.labels)
        return any(covers(str(self.label), label) for label in op.labels)

    def of_value(self, value: Any) -> bool:
        """Whether the guard is about a value, for a label that it carries."""
        return self.label is not None and any(covers(self.label, label) for label in carried(value))

    def decide(self, scope: Scope) -> Decision:
        """What the table says in a scope that holds `@input` and the like. A table that fails denies."""
        try:
            action = self.definition.rules.chosen(scope)
            decision: Decision = action.decide(scope) if action is not None else Decision("allow")
        except OrchError as error:
            return Decision("deny", reason=f"guard {self.shown} failed: {error.message}", failed=error)
        if decision.remove and not self.privileged:
            guarded = next(filter(is_protected, decision.remove), decision.remove[0])
            raise _unprivileged(guarded, self.definition.span)
        return replace(decision, reason=decision.reason or "denied") if decision.kind == "deny" else decision


def is_protected(label: str) -> bool:
    return label in ("secret", "untrusted") or label.startswith("src:")


def _unprivileged(label: str, span: Span) -> OrchError:
    """The error of whoever removes a label without being a privileged guard."""
    if is_protected(label):
        return OrchError("E612", f"only a privileged guard removes the label {label}", span, help=PRIVILEGED)
    return OrchError("E608", "only a privileged guard removes labels", span, help=PRIVILEGED)


def covers(rule: str, label: str) -> bool:
    """Whether a rule for `known` speaks of `known:internal` as well: labels form a hierarchy."""
    return label == rule or label.startswith(rule + ":")


def carried(value: Any) -> tuple[str, ...]:
    """Labels and provenance of a value and of everything in it."""
    meta = joined((value,), deep=True)
    return (*meta.labels, *meta.taint)


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _reason(part: Node | None, scope: Scope) -> str:
    return text_of(part.eval(scope)) if part is not None else ""
