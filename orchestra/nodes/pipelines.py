"""Pipelines: a source and its stages, or a group of calls that begins one."""

from __future__ import annotations

from typing import Any

from orchestra.nodes.base import Node, node, walk
from orchestra.nodes.durations import duration_of
from orchestra.nodes.pipeline_run import PipelineRun, Step
from orchestra.nodes.stages import (
    Branches,
    PerBranch,
    Piped,
    run_branches,
    shown_name,
    steps_of,
)
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, tag

__all__ = ["Caps", "ParallelCalls", "Pipeline"]


@node
class Pipeline(Node):
    """`source | @stage …`."""

    source: Node
    stages: list[Node]

    def eval(self, scope: Scope) -> Any:
        leading, steps = steps_of(self.stages, scope)
        first = Step(
            lambda _, inner: self.source.whole(inner), leading, shown_name(self.source), self.source,
            repeats=_recomputes(self.source),
        )  # fmt: skip
        return PipelineRun([first, *steps], scope, self.span).result()


def _recomputes(source: Node) -> bool:
    """Whether a retry evaluates the source again: it calls, runs or loads something."""
    return any(
        type(part).__name__ in ("Call", "Command", "Code", "Load", "Foreach", "For", "Loop") for part in walk(source)
    )


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

        width = int(self.caps.width) if self.caps is not None else None
        pace = duration_of(self.caps.pace, scope, "pacing") if self.caps is not None and self.caps.pace else 0.0
        calls = self.branches.calls

        def group(_: Any, inner: Scope) -> Any:
            result = run_branches(len(calls), lambda index: calls[index].eval(inner), None, inner, self, width, pace)
            return tag(result, joined(result))

        if self.piped is None:
            return group(None, scope)
        leading, steps = steps_of(self.piped.stages, scope)
        source = Step(group, [PerBranch(effect.span, effect) for effect in leading], "the group", self)
        return PipelineRun([source, *steps], scope, self.span).result()
