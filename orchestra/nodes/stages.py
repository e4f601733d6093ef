"""Stages of pipelines: what each kind does with the value that flows past, and parallel groups of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.durations import duration_of
from orchestra.nodes.functions import Call, Function, call_value
from orchestra.nodes.literals import Object
from orchestra.nodes.loop import rounds_of
from orchestra.nodes.names import Field, Reference, not_defined_stage
from orchestra.nodes.pipeline_run import Effect, PipelineRun, Step, piped_data
from orchestra.nodes.signals import Continue, Done, Retry
from orchestra.nodes.views import View
from orchestra.values import access
from orchestra.values.error_item import ErrorItem
from orchestra.values.executable import Executable
from orchestra.values.kinds import a_kind
from orchestra.values.scope import ABSENT, LoopFrame, Scope
from orchestra.values.tagged import MISSING, joined, tag, unwrap
from orchestra.values.text import compact_json

__all__ = [
    "Branches",
    "DataStage",
    "Piped",
    "StageBranches",
    "WhileStage",
    "run_branches",
    "run_stages",
    "stage_callee",
    "steps_of",
]


@node
class StageBranches(Node):
    """`@a || @b` after a bar: the same input for each, results in written order."""

    stages: list[Node]


@node
class Branches(Node):
    """The calls of a group that begins with `||`."""

    calls: list[Node]


@node
class Piped(Node):
    """The stages after a group that begins with `||`."""

    stages: list[Node]


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


def steps_of(stages: list[Node], scope: Scope) -> tuple[list[Effect], list[Step]]:
    """Effects before the first stage, and the steps; every name is looked up before anything runs."""
    leading: list[Effect] = []
    steps: list[Step] = []
    for stage in stages:
        if isinstance(stage, Effect):
            effect = PerBranch(stage.span, stage) if steps and steps[-1].group else stage
            (steps[-1].effects if steps else leading).append(effect)
        elif isinstance(stage, StageBranches):
            steps.append(_group_step(stage, scope))
        else:
            steps.append(Step(_runner(stage, scope), [], shown_name(stage), stage))
    return leading, steps


def shown_name(stage: Node) -> str:
    return stage.span.text.split("(")[0].strip()


def _runner(stage: Node, scope: Scope) -> Callable[[Any, Scope], Any]:
    """What runs one stage on a value."""
    if isinstance(stage, Call):
        callee = _callee_of(stage.callee, scope)
        return lambda value, inner: _staged(callee, value, stage.arguments(_shifted(callee), inner), inner, stage)
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
        inputs[0] = piped_data(value)
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
        if isinstance(data, Executable):
            value = scope.run.variant(data, name)
        else:
            value = data.field(name) if isinstance(data, View) else access.get_field(data, name)
    callee = unwrap(value)
    if not isinstance(callee, Executable):
        shown = ".".join(path)
        raise OrchError("E306", f"@{shown} is not a function, it is {a_kind(callee)}", place.span)
    return callee


def _group_step(group: StageBranches, scope: Scope) -> Step:
    effects: list[Effect] = [stage for stage in group.stages if isinstance(stage, Effect)]
    runners = [(_runner(stage, scope), stage) for stage in group.stages if not isinstance(stage, Effect)]
    step = Step(lambda value, inner: None, effects, shown_name(group), group, group=True)

    def run(value: Any, inner: Scope) -> Any:
        return run_branches(len(runners), lambda index: runners[index][0](value, inner), value, inner, group)

    step.run = run
    step.effects = [PerBranch(group.span, effect) for effect in effects]
    return step


class PerBranch(Effect):
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
            raise OrchError("E305", "retry is not possible inside a parallel group", signal.span, fatal=True) from None

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
    cap = rounds_of(stage.cap, scope, "the cap of while")
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
            raise OrchError("E305", "use 'continue' instead of 'retry' in while processors", signal.span) from None
    raise OrchError(
        "E303",
        f"while reached its cap of {cap} without done",
        stage.span,
        help="raise the cap or answer done",
    )


def run_stages(stages: list[Node], value: Any, scope: Scope, span: Any) -> Any:
    """Send a value that is already there through stages."""
    leading, steps = steps_of(stages, scope)
    source = Step(lambda _, inner: value, leading, "the source", _Place(span), repeats=False)
    return PipelineRun([source, *steps], scope, span).result()


class _Place(Node):
    """A node that only knows where it stands."""

    __slots__ = ()
