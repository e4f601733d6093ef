"""Stages of pipelines: what each kind does with the value that flows past, and parallel groups of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node
from orchestra.nodes.branches import UNLIMITED, Limits, PerBranch, StageBranches, run_branches
from orchestra.nodes.callees import callee_of, is_path
from orchestra.nodes.commands import Code, piped_text, runs_shell
from orchestra.nodes.durations import duration_of
from orchestra.nodes.functions import Call, Function, Stream, call_value
from orchestra.nodes.literals import Object
from orchestra.nodes.loop import rounds_of
from orchestra.nodes.patience import patiently
from orchestra.nodes.pipeline_run import Effect, Step, piped_data
from orchestra.nodes.signals import Continue, Done, Retry
from orchestra.values.executable import Executable
from orchestra.values.kinds import a_kind
from orchestra.values.scope import LoopFrame, Scope
from orchestra.values.tagged import MISSING, unwrap

__all__ = [
    "DataStage",
    "Piped",
    "WhileStage",
    "steps_of",
]


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


def steps_of(stages: list[Node], scope: Scope, limits: Limits = UNLIMITED) -> tuple[list[Effect], list[Step]]:
    """Effects before the first stage, and the steps; every name is looked up before anything runs."""
    leading: list[Effect] = []
    steps: list[Step] = []
    for stage in stages:
        if isinstance(stage, Effect):
            effect = PerBranch(stage.span, stage) if steps and steps[-1].group else stage
            (steps[-1].effects if steps else leading).append(effect)
        elif isinstance(stage, StageBranches):
            steps.append(_group_step(stage, scope, limits))
        else:
            steps.append(Step(_runner(stage, scope), [], shown_name(stage), stage))
    return leading, steps


def shown_name(stage: Node) -> str:
    return stage.span.text.split("(")[0].strip()


def _runner(stage: Node, scope: Scope) -> Callable[[Any, Scope], Any]:
    """What runs one stage on a value."""
    if isinstance(stage, Stream):
        target = _runner(stage.target, scope)
        return lambda value, inner: target(value, stage.live(inner))
    if isinstance(stage, Call) and is_path(stage.callee):
        callee = callee_of(stage.callee, scope)
        return lambda value, inner: _staged(callee, value, stage.arguments(_shifted(callee), inner), inner, stage)
    if is_path(stage):
        callee = callee_of(stage, scope)
        return lambda value, inner: _staged(callee, value, [], inner, stage)
    if isinstance(stage, WhileStage):
        processor = callee_of(stage.processor, scope)
        return lambda value, inner: _while(stage, processor, value, inner)
    if isinstance(stage, DataStage):
        return lambda value, inner: stage.value.eval(inner)
    piped = getattr(stage, "piped", None)
    if piped is not None:
        return lambda value, inner: patiently(lambda: piped(value, inner), inner)
    return lambda value, inner: _computed(stage, value, inner)


def _computed(stage: Node, value: Any, scope: Scope) -> Any:
    """A stage that is an expression: a function that it gives is called, any other value replaces the one before."""
    written = stage if isinstance(stage, Call) else None
    made = (written.callee if written is not None else stage).eval(scope)
    callee = unwrap(made)
    if isinstance(callee, Executable):
        more = written.arguments(_shifted(callee), scope) if written is not None else []
        return _staged(callee, value, more, scope, stage)
    if written is not None:
        shown = written.callee.span.text
        raise OrchError("E306", f"{shown} is not a function, it is {a_kind(callee)}", written.callee.span)
    return made


def _staged(callee: Executable, value: Any, more: list[Any], scope: Scope, stage: Node) -> Any:
    """Call a stage: the piped value first; parameters that get nothing are empty; shells read structures as JSON."""
    body = getattr(callee, "body", None)
    shell = runs_shell(body)
    inputs = [piped_text(given) for given in (value, *more)] if shell else [value, *more]
    if isinstance(callee, Function):
        if not shell:
            inputs[0] = piped_data(value)
        params = callee.definition.params or []
        inputs += ["" if param.default is None else MISSING for param in params[len(inputs) :]]
    result = _called(callee, inputs, scope, stage)
    if isinstance(body, Code):
        _ask_again(result, stage)
    return result


def _called(callee: Executable, inputs: list[Any], scope: Scope, stage: Node) -> Any:
    """Call a stage; models have limits of their own, any other code is given time when it runs into one."""
    if "llm" in callee.labels:
        return call_value(callee, inputs, scope, stage)
    return patiently(lambda: call_value(callee, inputs, scope, stage), scope)


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


def _group_step(group: StageBranches, scope: Scope, limits: Limits) -> Step:
    effects: list[Effect] = [stage for stage in group.stages if isinstance(stage, Effect)]
    runners = [(_runner(stage, scope), stage) for stage in group.stages if not isinstance(stage, Effect)]
    step = Step(lambda value, inner: None, effects, shown_name(group), group, group=True)

    def run(value: Any, inner: Scope) -> Any:
        return run_branches(len(runners), lambda index: runners[index][0](value, inner), value, inner, group, limits)

    step.run = run
    step.effects = [PerBranch(group.span, effect) for effect in effects]
    return step


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
