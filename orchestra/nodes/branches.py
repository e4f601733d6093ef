"""Parallel groups of a pipeline: the branches, how wide and how fast they run, and what becomes of those that fail.

What a branch does with the value that flows past is said in `stages`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.durations import duration_of
from orchestra.nodes.pipeline_run import Effect
from orchestra.nodes.signals import Retry
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

__all__ = ["UNLIMITED", "Branches", "Limits", "PerBranch", "StageBranches", "limits_of", "run_branches"]


@node
class StageBranches(Node):
    """`@a || @b` after a bar: the same input for each, results in written order."""

    stages: list[Node]


@node
class Branches(Node):
    """The calls of a group that begins with `||`."""

    calls: list[Node]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many branches of a group run at once (None: as the run allows), and the seconds between two starts."""

    width: int | None = None
    pace: float = 0.0


UNLIMITED: Final = Limits()


def limits_of(width: Node | None, pace: Node | None, scope: Scope) -> Limits:
    """The limits that a script writes, in the braces after `with`."""
    count = unwrap(width.eval(scope)) if width is not None else None
    if width is not None and (not isinstance(count, (int, float)) or isinstance(count, bool) or count < 1):
        raise OrchError("E206", "parallel must be a number from 1 on", width.span, help="parallel: 4")
    return Limits(
        int(count) if count is not None else None, duration_of(pace, scope, "pacing") if pace is not None else 0.0
    )


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
    limits: Limits = UNLIMITED,
) -> list[Any]:
    """Results of the branches in written order; a branch that fails leaves an error item."""

    def guarded(index: int) -> Any:
        try:
            return present(work(index))
        except Retry as signal:
            raise OrchError("E305", "retry is not possible inside a parallel group", signal.span, fatal=True) from None

    outcomes = scope.run.parallel(
        count, limits.width or scope.run.parallel_limit, limits.pace, guarded, scope, label="branches", patient=True
    )
    made = []
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, OrchError):
            item = ErrorItem(index, index, outcome.message, value)
            made.append(scope.run.failed_item(item, outcome, scope))
        else:
            made.append(outcome)
    return made
