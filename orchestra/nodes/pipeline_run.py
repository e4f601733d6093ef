"""One run of a pipeline: stages in order, and back again where a gate asks for a retry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, present
from orchestra.nodes.signals import Retry
from orchestra.values.scope import Scope, StageFrame
from orchestra.values.tagged import unwrap
from orchestra.values.text import auto_parse

__all__ = ["Effect", "PipelineRun", "Step", "piped_data"]


RETRIES_PER_GATE = 10


RETRIES_PER_TARGET = 20


RUNS_IN_ALL = 100


class Effect(Node):
    """A stage that looks at the value and passes it on."""

    __slots__ = ()

    def act(self, value: Any, scope: Scope) -> None:
        raise AssertionError


@dataclass(slots=True)
class Step:
    """A stage with the effects that follow it. Step 0 is the source."""

    run: Callable[[Any, Scope], Any]
    effects: list[Effect]
    name: str
    node: Node
    group: bool = False
    repeats: bool = True


@dataclass(slots=True)
class Attempts:
    """An open retry: which gate asked, what it re-runs, and what came of it."""

    gate: int
    target: int
    hint: Any = None
    tries: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    answered: bool = False


class PipelineRun:
    """Runs the steps in order and back again where a gate asks for it."""

    def __init__(self, steps: list[Step], scope: Scope, span: Any) -> None:
        self.steps = steps
        self.scope = scope
        self.span = span
        self.outputs: list[Any] = []
        self.active: Attempts | None = None
        self.finished: list[Attempts] = []
        self.retried: dict[int, int] = {}
        self.runs = 0

    def result(self) -> Any:
        index = 0
        while index < len(self.steps):
            try:
                value = self._run(index)
            except Retry as signal:
                index = self._again(index, signal)
                continue
            del self.outputs[index:]
            self.outputs.append(value)
            index = self._next(index, value)
        return self.outputs[-1]

    def _next(self, index: int, value: Any) -> int:
        """Where to go on after step `index` gave `value`."""
        active = self.active
        if active is not None and index == active.target:
            active.outputs.append(value)
            return active.gate
        if active is not None and index == active.gate:
            self.finished.append(active)
            self.active = None
        if index and unwrap(value) == "" and unwrap(value).__class__ is str:
            return len(self.steps)
        return index + 1

    def _run(self, index: int) -> Any:
        self.runs += 1
        if self.runs > RUNS_IN_ALL:
            raise OrchError("E305", f"the pipeline ran more than {RUNS_IN_ALL} stages", self.span)
        step = self.steps[index]
        value = self.outputs[index - 1] if index else None
        frame = self._frame(index, piped_data(value))
        inner = self.scope.within(
            self.scope.context.with_(stage=frame), "stage", {} if not index else {"input": piped_data(value)}
        )
        try:
            result = step.run(value, inner)
            for effect in step.effects:
                effect.act(result, inner)
        except OrchError as error:
            if index and error.code != "E399":
                tried = f", try {frame.attempt}" if frame.attempt > 1 else ""
                error.within(f"stage {index} of pipeline{tried}", step.node.span, "stage", step.name.lstrip("@"))
            raise
        return present(result)

    def _frame(self, index: int, value: Any) -> StageFrame:
        active = self.active
        attempt, hint, tries = 1, None, list[Any]()
        if active is not None and index in (active.gate, active.target):
            attempt, tries = 1 + len(active.tries), active.tries
            hint = active.hint if index == active.target else None
        return StageFrame(index, value, attempt, hint, tries, self, self.scope.context.stage)

    def _again(self, index: int, signal: Retry) -> int:
        """Open or go on with a retry asked by step `index`; the index of the step to run next."""
        step = self.steps[index]
        if index == 0:
            raise signal
        if step.group:
            raise OrchError("E305", "retry is not possible inside a parallel group", signal.span or step.node.span)
        active = self.active
        if active is None or active.gate != index:
            if active is not None:
                self.finished.append(active)
            active = self.active = Attempts(index, index - 1)
        active.hint = signal.value
        active.tries.append(
            {
                "attempt": len(active.tries) + 1,
                "result": "retry",
                "hint": signal.value,
                "output": self.outputs[index - 1],
            }
        )
        self._check_limits(active, step)
        if not self.steps[index - 1].repeats:
            active.outputs.append(self.outputs[index - 1])
            return index
        del self.outputs[max(index - 1, 1) :]
        return index - 1

    def _check_limits(self, active: Attempts, step: Step) -> None:
        target = self.steps[active.target]
        count = self.retried[active.target] = self.retried.get(active.target, 0) + 1
        if len(active.tries) > RETRIES_PER_GATE:
            asked = f"asked for more than {RETRIES_PER_GATE} retries of {target.name}"
            message = f"gate {step.name} (stage {active.gate}) {asked}"
        elif count > RETRIES_PER_TARGET:
            message = f"{target.name} was retried more than {RETRIES_PER_TARGET} times in one pipeline"
        else:
            return
        raise OrchError("E305", message, step.node.span, help="return a fallback when @mx.try reaches a limit")

    def active_tries(self) -> list[Any]:
        return list(self.active.outputs) if self.active is not None else []

    def all_tries(self) -> list[list[Any]]:
        contexts = [*self.finished, *([self.active] if self.active is not None else [])]
        return [list(attempts.outputs) for attempts in contexts]


def piped_data(value: Any) -> Any:
    """Text that is a JSON object or array is data for the next stage."""
    if value.__class__ is str and value.lstrip()[:1] in ("{", "["):
        return auto_parse(value, objects_only=True)
    return value
