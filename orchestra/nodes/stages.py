"""Pipelines: stages, effects between them, parallel groups, and `retry`, which runs the stage before again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node, present, walk
from orchestra.nodes.functions import Call, Function, call_value
from orchestra.nodes.literals import Object
from orchestra.nodes.names import Field, Reference, not_defined_stage
from orchestra.nodes.signals import Continue, Done, Retry
from orchestra.values import access
from orchestra.values.error_item import ErrorItem
from orchestra.values.executable import Executable
from orchestra.values.kinds import a_kind
from orchestra.values.scope import ABSENT, LoopFrame, Scope, StageFrame
from orchestra.values.tagged import MISSING, joined, tag, unwrap
from orchestra.values.text import auto_parse, compact_json

__all__ = ["Pipeline", "StageBranches", "WhileStage", "run_stages", "stage_callee"]

RETRIES_PER_GATE = 10
RETRIES_PER_TARGET = 20
RUNS_IN_ALL = 100


# ── parts ────────────────────────────────────────────────────────────────────────────────────────


@node
class StageBranches(Node):
    """`@a || @b` after a bar: the same input for each, results in written order."""

    stages: list[Node]


@node
class Branches(Node):
    """The calls of a group that begins with `||`."""

    calls: list[Node]


@node
class DataStage(Node):
    """`| data {…}`: replaces the value."""

    value: Object


@node
class WhileStage(Node):
    """`| while(cap, pace) @f`: calls until it answers `done`."""

    cap: Node
    pace: Node | None
    processor: Node


class Effect(Node):
    """A stage that looks at the value and passes it on."""

    __slots__ = ()

    def act(self, value: Any, scope: Scope) -> None:
        raise AssertionError


# ── one run of a pipeline ────────────────────────────────────────────────────────────────────────


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
        frame = self._frame(index, _as_data(value))
        inner = self.scope.within(
            self.scope.context.with_(stage=frame), "stage", {} if not index else {"input": _as_data(value)}
        )
        try:
            result = step.run(value, inner)
            for effect in step.effects:
                effect.act(result, inner)
        except OrchError as error:
            if index and error.code != "E399":
                tried = f", try {frame.attempt}" if frame.attempt > 1 else ""
                error.within(f"stage {index} of pipeline{tried}", step.node.span)
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
            raise OrchError(
                "E305", "retry is not possible inside a parallel group", signal.span or step.node.span
            )
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
            message = f"gate {step.name} (stage {active.gate}) asked for more than {RETRIES_PER_GATE} retries of {target.name}"
        elif count > RETRIES_PER_TARGET:
            message = f"{target.name} was retried more than {RETRIES_PER_TARGET} times in one pipeline"
        else:
            return
        raise OrchError(
            "E305", message, step.node.span, help="return a fallback when @mx.try reaches a limit"
        )

    def active_tries(self) -> list[Any]:
        return list(self.active.outputs) if self.active is not None else []

    def all_tries(self) -> list[list[Any]]:
        contexts = [*self.finished, *([self.active] if self.active is not None else [])]
        return [list(attempts.outputs) for attempts in contexts]


# ── stages ───────────────────────────────────────────────────────────────────────────────────────


def _steps(stages: list[Node], scope: Scope) -> tuple[list[Effect], list[Step]]:
    """Effects before the first stage, and the steps; every name is looked up before anything runs."""
    leading: list[Effect] = []
    steps: list[Step] = []
    for stage in stages:
        if isinstance(stage, Effect):
            effect = _PerBranch(stage.span, stage) if steps and steps[-1].group else stage
            (steps[-1].effects if steps else leading).append(effect)
        elif isinstance(stage, StageBranches):
            steps.append(_group_step(stage, scope))
        else:
            steps.append(Step(_runner(stage, scope), [], _name(stage), stage))
    return leading, steps


def _name(stage: Node) -> str:
    return stage.span.text.split("(")[0].strip()


def _runner(stage: Node, scope: Scope) -> Callable[[Any, Scope], Any]:
    """What runs one stage on a value."""
    if isinstance(stage, Call):
        callee = _callee_of(stage.callee, scope)
        return lambda value, inner: _staged(
            callee, value, stage.arguments(_shifted(callee), inner), inner, stage
        )
    if isinstance(stage, (Reference, Field)):
        callee = _callee_of(stage, scope)
        return lambda value, inner: _staged(callee, value, [], inner, stage)
    if isinstance(stage, WhileStage):
        processor = _callee_of(stage.processor, scope)
        return lambda value, inner: _while(stage, processor, value, inner)
    if isinstance(stage, DataStage):
        return lambda value, inner: stage.value.eval(inner)
    piped = getattr(stage, "piped", None)
    if piped is not None:
        return lambda value, inner: piped(value, inner)
    return lambda value, inner: stage.eval(inner)


def _staged(callee: Executable, value: Any, more: list[Any], scope: Scope, stage: Node) -> Any:
    """Call a stage: the piped value first; parameters that get nothing are empty; shells read structures as JSON."""
    body = getattr(callee, "body", None)
    language = str(getattr(body, "language", ""))
    if language in ("sh", "bash") and isinstance(unwrap(value), (list, dict)):
        value = tag(compact_json(value), joined((value,), deep=True))
    inputs = [value, *more]
    if isinstance(callee, Function):
        inputs[0] = _as_data(value)
        params = callee.definition.params or []
        inputs += ["" if param.default is None else MISSING for param in params[len(inputs) :]]
    result = call_value(callee, inputs, scope, stage)
    if language:
        _ask_again(result, stage)
    return result


def _ask_again(result: Any, stage: Node) -> None:
    """A code stage asks for a retry by answering `retry`, or an object with that value and a hint."""
    data = unwrap(result)
    if data == "retry" and isinstance(data, str):
        raise Retry(None, stage.span)
    if isinstance(data, dict) and data.get("value") == "retry" and set(data) <= {"value", "hint", "from"}:
        raise Retry(data.get("hint"), stage.span)


def _as_data(value: Any) -> Any:
    """Text that is a JSON object or array is data for the next stage."""
    if value.__class__ is str and value.lstrip()[:1] in ("{", "["):
        return auto_parse(value, objects_only=True)
    return value


class _Shifted(Executable):
    """The parameters after the piped one, for named arguments."""

    __slots__ = ()


def _shifted(callee: Executable) -> Executable:
    return _Shifted(callee.name, callee.params[1:])


def _callee_of(stage: Node, scope: Scope) -> Executable:
    return stage_callee(_path(stage), scope, stage)


def _path(stage: Node) -> list[str]:
    if isinstance(stage, Reference):
        return [stage.name]
    if isinstance(stage, Field):
        return [*_path(stage.base), stage.name]
    raise OrchError("E306", "a pipeline stage must be a function", stage.span)


def stage_callee(path: list[str], scope: Scope, place: Node) -> Executable:
    """The function that a stage names: a definition of the script, else a transformer or built-in."""
    value = scope.find(path[0])
    if value is ABSENT:
        value = scope.run.stage_function(path, scope)
        if value is ABSENT:
            raise not_defined_stage(path, scope, place)
        path = path[:1]
    for name in path[1:]:
        data = unwrap(value)
        value = (
            scope.run.variant(data, name) if isinstance(data, Executable) else access.get_field(data, name)
        )
    callee = unwrap(value)
    if not isinstance(callee, Executable):
        shown = ".".join(path)
        raise OrchError("E306", f"@{shown} is not a function, it is {a_kind(callee)}", place.span)
    return callee


def _group_step(group: StageBranches, scope: Scope) -> Step:
    effects: list[Effect] = [stage for stage in group.stages if isinstance(stage, Effect)]
    runners = [(_runner(stage, scope), stage) for stage in group.stages if not isinstance(stage, Effect)]
    step = Step(lambda value, inner: None, effects, _name(group), group, group=True)

    def run(value: Any, inner: Scope) -> Any:
        return run_branches(len(runners), lambda index: runners[index][0](value, inner), value, inner, group)

    step.run = run
    step.effects = [_PerBranch(group.span, effect) for effect in effects]
    return step


class _PerBranch(Effect):
    """An effect after a group acts on each branch's result."""

    __slots__ = ("effect",)

    def __init__(self, span: Any, effect: Effect) -> None:
        self.span = span
        self.effect = effect

    def act(self, value: Any, scope: Scope) -> None:
        for item in unwrap(value):
            self.effect.act(item, scope)


def run_branches(
    count: int,
    work: Callable[[int], Any],
    value: Any,
    scope: Scope,
    place: Node,
    width: int | None = None,
    pace: float = 0.0,
) -> list[Any]:
    """Results of the branches in written order; a branch that fails leaves an error item."""

    def guarded(index: int) -> Any:
        try:
            return present(work(index))
        except Retry as signal:
            raise OrchError(
                "E305", "retry is not possible inside a parallel group", signal.span, fatal=True
            ) from None

    outcomes = scope.run.parallel(
        count, width or scope.run.parallel_limit, pace, guarded, scope, label="branches", patient=True
    )
    made = []
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, OrchError):
            item = ErrorItem(index, index, outcome.message, value)
            made.append(scope.run.failed_item(item, outcome, scope))
        else:
            made.append(outcome)
    return made


def _while(stage: WhileStage, processor: Executable, state: Any, scope: Scope) -> Any:
    from orchestra.nodes.loops import duration_of

    cap = int(unwrap(stage.cap.eval(scope)))
    pace = duration_of(stage.pace, scope, "while pacing") if stage.pace is not None else 0.0
    frame = LoopFrame("while", cap)
    inner = scope.within(scope.context.with_(loop=frame), "stage")
    while frame.iteration < cap:
        frame.iteration += 1
        if pace and frame.iteration > 1:
            scope.run.sleep(pace)
        try:
            state = call_value(processor, [state], inner, stage)
        except Done as signal:
            return state if signal.value is MISSING else signal.value
        except Continue as signal:
            state = state if signal.value is MISSING else signal.value
        except Retry as signal:
            raise OrchError(
                "E305", "use 'continue' instead of 'retry' in while processors", signal.span
            ) from None
    raise OrchError(
        "E303",
        f"while reached its cap of {cap} without done",
        stage.span,
        help="raise the cap or answer done",
    )


# ── pipelines ────────────────────────────────────────────────────────────────────────────────────


def run_stages(stages: list[Node], value: Any, scope: Scope, span: Any) -> Any:
    """Send a value that is already there through stages."""
    leading, steps = _steps(stages, scope)
    source = Step(lambda _, inner: value, leading, "the source", _Place(span), repeats=False)
    return PipelineRun([source, *steps], scope, span).result()


class _Place(Node):
    """A node that only knows where it stands."""

    __slots__ = ()


@node
class Pipeline(Node):
    """`source | @stage …`."""

    source: Node
    stages: list[Node]

    def eval(self, scope: Scope) -> Any:
        leading, steps = _steps(self.stages, scope)
        first = Step(
            lambda _, inner: self.source.whole(inner), leading, _name(self.source), self.source,
            repeats=_recomputes(self.source),
        )  # fmt: skip
        return PipelineRun([first, *steps], scope, self.span).result()


def _recomputes(source: Node) -> bool:
    """Whether a retry evaluates the source again: it calls, runs or loads something."""
    return any(
        type(part).__name__ in ("Call", "Command", "Code", "Load", "Foreach", "For", "Loop")
        for part in walk(source)
    )


@node
class Piped(Node):
    """The stages after a group that begins with `||`."""

    stages: list[Node]


@node
class Caps(Node):
    """`(width, pace)` after a group."""

    width: str
    pace: Node | None


@node
class ParallelCalls(Node):
    """`|| @a() || @b() | @join`."""

    branches: Branches
    piped: Piped | None
    caps: Caps | None

    def eval(self, scope: Scope) -> Any:
        from orchestra.nodes.loops import duration_of

        width = int(self.caps.width) if self.caps is not None else None
        pace = (
            duration_of(self.caps.pace, scope, "pacing") if self.caps is not None and self.caps.pace else 0.0
        )
        calls = self.branches.calls

        def group(_: Any, inner: Scope) -> Any:
            result = run_branches(
                len(calls), lambda index: calls[index].eval(inner), None, inner, self, width, pace
            )
            return tag(result, joined(result))

        if self.piped is None:
            return group(None, scope)
        leading, steps = _steps(self.piped.stages, scope)
        source = Step(group, [_PerBranch(effect.span, effect) for effect in leading], "the group", self)
        return PipelineRun([source, *steps], scope, self.span).result()
