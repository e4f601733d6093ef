"""Which guards fire for an operation, and how the decisions of several become one.

What one guard decides is the business of `nodes.guards`; retrying, and the way out for a denial, that of `seam`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestra.errors import Note, Warned
from orchestra.nodes.denial import Denial, Guarding
from orchestra.nodes.guards import KEPT, ActiveGuard, Decision
from orchestra.nodes.op import Op
from orchestra.runtime.security.inputs import Inputs, carrying, named_arguments
from orchestra.runtime.security.labels import relabelled, without_labels
from orchestra.runtime.security.operations import VALUES
from orchestra.values.scope import Frame, Scope
from orchestra.values.tagged import MISSING, joined, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["MOST_TRIES", "UNUSUAL", "Asked", "Guards"]

MOST_TRIES = 3  # of one operation, shared by all its guards
UNUSUAL = Guarding()


@dataclass(slots=True)
class Asked:
    """One operation while its guards decide about it.

    tries:  number of this attempt
    hints:  of the guards that asked for another attempt
    judged: guards that have seen the values of the operation
    freed:  a privileged guard allows what a flow rule forbids
    """

    op: Op
    scope: Scope
    tries: int = 1
    hints: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    judged: set[ActiveGuard] = field(default_factory=set)
    freed: bool = False


class Guards:
    """The guards of a run, in the order of their lines."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._guards: list[ActiveGuard] = []

    def __bool__(self) -> bool:
        return bool(self._guards)

    def add(self, guard: ActiveGuard) -> None:
        if guard not in self._guards:
            self._guards.append(guard)

    def before(self, asked: Asked) -> tuple[Op, str | None]:
        """The operation with the values that guards put in the place of others, and the hint of a retry.

        Each guard sees the values as they were; of several replacements the last counts.
        """
        op, hint = asked.op, None
        inputs = list(op.inputs)
        decisions = [
            (guard, position, self._decide(guard, position, asked, MISSING))
            for guard in self._matching("before", asked, None)
            for position in _subjects(guard, op)
        ]
        self._raise_denial([(guard, decision) for guard, _, decision in decisions], asked)
        for guard, position, decision in decisions:
            asked.freed = asked.freed or (guard.privileged and decision.kind == "allow")
            if decision.kind == "retry":
                hint = decision.reason
            elif decision.changes and not _judged_outside(guard, position, asked):
                self._record(guard, decision, op)
                _replace(inputs, position, decision)
        return op.with_inputs(inputs), hint

    def after(self, asked: Asked, result: Any) -> tuple[Any, str | None]:
        """The result as guards leave it, each with what the one before left; and the hint of a retry."""
        hint = None
        for guard in self._matching("after", asked, result):
            decision = self._decide(guard, None, asked, result)
            self._raise_denial([(guard, decision)], asked)
            if decision.kind == "retry":
                hint = decision.reason
            elif decision.changes:
                self._record(guard, decision, asked.op)
                result = _applied(result, decision)
        return result, hint

    def _record(self, guard: ActiveGuard, decision: Decision, op: Op) -> None:
        """Labels that are given or taken stand in the audit log."""
        if decision.add or decision.remove:
            event = "bless" if "untrusted" in decision.remove else "label"
            what = f"{op.kind} {op.name}".strip()
            self._run.audit(event, what=what, add=decision.add, remove=decision.remove, by=guard.shown)

    def denial(self, guard: ActiveGuard, decision: Decision, asked: Asked) -> Denial:
        """What it means that a guard says no."""
        op = asked.op
        facts = {**self._facts(guard, asked), "reason": decision.reason, "decision": decision.kind}
        what = f"{op.kind} @{op.name}" if op.name else op.kind
        if decision.failed is not None:
            notes = [Note("it failed here", decision.failed.span)]
            return Denial("E606", decision.reason, facts, named_arguments(op), guard.shown, span=op.span, notes=notes)
        message = f"guard {guard.shown} denies {what}: {decision.reason}"
        return Denial("E601", message, facts, named_arguments(op), guard.shown, span=op.span)

    # ── matching ─────────────────────────────────────────────────────────────────────────────────

    def _matching(self, timing: str, asked: Asked, result: Any) -> list[ActiveGuard]:
        guarding = asked.scope.context.guarding or UNUSUAL
        return [
            guard
            for guard in self._guards
            if guard.timing in (timing, "always") and _listens(guard, guarding) and _concerned(guard, asked.op, result)
        ]

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────

    def _decide(self, guard: ActiveGuard, position: int | None, asked: Asked, result: Any) -> Decision:
        """What one guard says about one value, or about the operation as a whole."""
        op, scope = asked.op, asked.scope
        asked.judged.add(guard)
        value: Any = Inputs(op.inputs) if position is None else op.inputs[position]
        about = op.inputs if position is None else [value]
        names: dict[str, Any] = {"input": value}
        if result is not MISSING:
            names["output"] = result
            about = [result]
            if guard.label is not None and not guard.of_operation(op):
                carriers = [given for given in op.inputs if guard.of_value(given)]
                names["input"] = carriers[0] if len(carriers) == 1 else result
        more = {**(scope.context.more or {}), **_told(op, about), "guard": self._facts(guard, asked)}
        more["tools"] = self._run.tools_told(scope)
        guarding = replace(scope.context.guarding or UNUSUAL, judging=True)
        context = scope.context.with_(hooked=True, more=more, guarding=guarding)
        inner = guard.scope.called(scope.within(context), names)
        inner.frame = Frame(None, scope.frame, op.span, 1, op.inputs, op)
        decision = guard.decide(inner)
        if decision.warning is not None:
            self._run.warn(Warned("W602", f"guard {guard.shown}: {decision.warning}", op.span))
        return decision

    def _facts(self, guard: ActiveGuard, asked: Asked) -> dict[str, Any]:
        """`@mx.guard`."""
        return {
            "try": asked.tries,
            "max": MOST_TRIES,
            "name": guard.name,
            "timing": guard.timing,
            "hints": list(asked.hints),
            "reasons": list(asked.reasons),
            "trace": [],
        }

    def _raise_denial(self, decisions: list[tuple[ActiveGuard, Decision]], asked: Asked) -> None:
        asked.reasons += [decision.reason for _, decision in decisions if decision.kind == "deny"]
        for guard, decision in decisions:
            if decision.kind == "deny":
                raise self.denial(guard, decision, asked)

    def retried_in_vain(self, hint: str, asked: Asked) -> Denial:
        """The denial of an operation that no attempt, or no further one, can help."""
        facts = {"name": None, "timing": "after", "try": asked.tries, "max": MOST_TRIES, "hints": list(asked.hints)}
        facts |= {"reason": hint, "reasons": [hint], "decision": "retry", "trace": []}
        what = f"{asked.op.kind} @{asked.op.name}" if asked.op.name else asked.op.kind
        tried = f"was tried {asked.tries} times" if asked.tries > 1 else "cannot be tried again"
        message = f"a guard denies {what}, which {tried}: {hint}"
        return Denial("E601", message, facts, named_arguments(asked.op), "a guard", span=asked.op.span)


def _listens(guard: ActiveGuard, guarding: Guarding) -> bool:
    """Whether `with { guards: … }` around lets the guard speak. Privileged ones always do."""
    if guard.privileged:
        return True
    if guarding.off or guard.name in guarding.without:
        return False
    return guarding.only is None or guard.name in guarding.only


def _concerned(guard: ActiveGuard, op: Op, result: Any) -> bool:
    """Whether a guard is about the operation, a value that goes in, or the one that came out."""
    if guard.label is None:
        return guard.of_operation(op)
    if op.kind not in VALUES:
        return False
    return guard.of_operation(op) or any(map(guard.of_value, op.inputs)) or guard.of_value(result)


def _subjects(guard: ActiveGuard, op: Op) -> list[int | None]:
    """What a guard judges before the operation: each value with its label, and all of them for the operation."""
    whole: list[int | None] = [None] if guard.of_operation(op) else []
    return [*whole, *(position for position, value in enumerate(op.inputs) if guard.of_value(value))]


def _judged_outside(guard: ActiveGuard, position: int | None, asked: Asked) -> bool:
    """Whether the values of this command came through a call where the same guard has seen them: it replaced them
    there, and would now replace the command around them."""
    guarding = asked.scope.context.guarding
    return position is not None and asked.op.kind == "run" and guarding is not None and guard in guarding.judged


def _told(op: Op, about: list[Any]) -> dict[str, Any]:
    meta = joined(about, deep=True)
    return {
        "args": named_arguments(op),
        "labels": list(meta.labels),
        "taint": list(dict.fromkeys((*meta.labels, *meta.taint))),
        "sources": list(meta.sources),
    }


def _replace(inputs: list[Any], position: int | None, decision: Decision) -> None:
    """Put what a guard gives in the place of one value or, as an array, of all of them."""
    if position is not None:
        inputs[position] = _applied(inputs[position], decision)
        return
    data = unwrap(decision.value)
    labels = replace(decision, value=KEPT)
    if decision.value is not KEPT:
        given = list(data.values) if isinstance(data, Inputs) else data if isinstance(data, list) else [decision.value]
        old = [*inputs, *[None] * len(given)]
        inputs[: len(given)] = [carrying(new, before) for new, before in zip(given, old, strict=False)]
    inputs[:] = [_applied(value, labels) for value in inputs]


def _applied(value: Any, decision: Decision) -> Any:
    """A value as a decision leaves it. A replacement keeps the labels of what it replaces."""
    if decision.value is not KEPT:
        value = carrying(decision.value, value)
    if decision.remove:
        value = without_labels(value, decision.remove)
    return relabelled(value, decision.add) if decision.add else value
