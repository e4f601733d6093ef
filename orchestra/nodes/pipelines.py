"""Pipelines: a source and its stages, or a group of calls that begins one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from orchestra.nodes.base import Node, node, walk
from orchestra.nodes.branches import UNLIMITED, Branches, Limits, PerBranch, run_branches
from orchestra.nodes.durations import duration_of
from orchestra.nodes.pipeline_run import PipelineRun, Step
from orchestra.nodes.stages import Piped, shown_name, steps_of
from orchestra.source import Span
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, tag

__all__ = ["Caps", "ParallelCalls", "Pipeline", "run_pipeline", "run_stages"]


# Nodes that call, run or load something, by name: most of their modules need this one.
RECOMPUTED: Final = frozenset(
    "Call Command OldCommand QuotedCommand Code Load Foreach For Loop New Prose CondensedStage".split()
)


@node
class Pipeline(Node):
    """`source | @stage …`."""

    source: Node
    stages: list[Node]

    def eval(self, scope: Scope) -> Any:
        return self.run(scope, UNLIMITED)

    def run(self, scope: Scope, limits: Limits) -> Any:
        return run_pipeline(self.source, self.source.whole, self.stages, scope, self.span, limits)


def run_pipeline(
    source: Node, evaluate: Callable[[Scope], Any], stages: list[Node], scope: Scope, span: Span, limits: Limits
) -> Any:
    """Evaluate the source and send it through the stages; a retry asked by the first one evaluates it again."""
    leading, steps = steps_of(stages, scope, limits)
    first = Step(
        lambda _, inner: evaluate(inner), leading, shown_name(source), source,
        repeats=_recomputes(source),
    )  # fmt: skip
    return PipelineRun([first, *steps], scope, span).result()


def _recomputes(source: Node) -> bool:
    """Whether a retry evaluates the source again: it calls, runs or loads something."""
    return any(type(part).__name__ in RECOMPUTED for part in walk(source))


def run_stages(stages: list[Node], value: Any, scope: Scope, span: Span) -> Any:
    """Send a value that is already there through stages."""
    leading, steps = steps_of(stages, scope)
    source = Step(lambda _, inner: value, leading, "the source", _Place(span), repeats=False)
    return PipelineRun([source, *steps], scope, span).result()


class _Place(Node):
    """A node that only knows where it stands."""

    __slots__ = ()


@node
class Caps(Node):
    """`(width, pace)` after a group."""

    width: str
    pace: Node | None

    def limits(self, scope: Scope) -> Limits:
        pace = duration_of(self.pace, scope, "pacing") if self.pace is not None else 0.0
        return Limits(int(self.width), pace)


@node
class ParallelCalls(Node):
    """`|| @a() || @b() | @join`."""

    branches: Branches
    piped: Piped | None
    caps: Caps | None

    def eval(self, scope: Scope) -> Any:
        return self.run(scope, UNLIMITED)

    def run(self, scope: Scope, limits: Limits) -> Any:
        """The results of the calls, or what the stages made of them; limits written at the group go first."""
        bounds = self.caps.limits(scope) if self.caps is not None else limits
        calls = self.branches.calls

        def group(_: Any, inner: Scope) -> Any:
            result = run_branches(len(calls), lambda index: calls[index].eval(inner), None, inner, self, bounds)
            return tag(result, joined(result))

        if self.piped is None:
            return group(None, scope)
        leading, steps = steps_of(self.piped.stages, scope, limits)
        source = Step(group, [PerBranch(effect.span, effect) for effect in leading], "the group", self)
        return PipelineRun([source, *steps], scope, self.span).result()
