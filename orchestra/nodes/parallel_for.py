"""The head of `for parallel`: how wide and how fast it runs, and the windows that its hooks see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestra.errors import OrchError, Warned
from orchestra.nodes.base import Node, node
from orchestra.nodes.durations import duration_of
from orchestra.values.operators import to_number
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

__all__ = ["OldParallel", "Parallel", "ParallelLimits", "Windows"]

WIDEST = 2**31  # more than any loop has items


@node
class ParallelLimits(Node):
    """`(cap, pace)`."""

    cap: Node | None
    pace: Node | None


@node
class Parallel(Node):
    """`parallel(cap, pace)`."""

    limits: Any

    @property
    def given(self) -> ParallelLimits | None:
        return self.limits if isinstance(self.limits, ParallelLimits) else None

    def width(self, scope: Scope) -> int:
        """How many items may run at once, at least 1."""
        cap = self.given.cap if self.given is not None else None
        if cap is None:
            return int(scope.run.parallel_limit)
        value = unwrap(cap.peek(scope))
        counts = isinstance(value, (int, float, str)) and not isinstance(value, bool) and value != ""
        number = to_number(value) if counts else float("nan")
        if number != number:
            raise OrchError("E304", "the cap of for parallel must be a number", cap.span)
        return int(min(max(1, number), WIDEST))

    def pause(self, scope: Scope) -> float:
        """Seconds between two starts, at least."""
        if self.given is None or self.given.pace is None:
            return 0.0
        return duration_of(self.given.pace, scope, "for parallel pacing")


@node
class OldParallel(Parallel):
    """`3 parallel`, `(3, 1s) parallel`: works, and says what to write today."""

    limits: Any

    @property
    def given(self) -> ParallelLimits:
        limits = self.limits
        return limits if isinstance(limits, ParallelLimits) else ParallelLimits(limits.span, limits, None)

    def width(self, scope: Scope) -> int:
        shown = self.span.text.removesuffix("parallel").strip()
        help = f"for parallel({shown.strip('()')}) @item in …"
        scope.run.warn(Warned("E109", f"{shown} parallel is an old spelling", self.span, help))
        return Parallel.width(self, scope)


class Windows:
    """The windows of a parallel loop for hooks on `for:batch`: labels only, scheduling does not depend on them."""

    def __init__(self, loop: Node, total: int, width: int) -> None:
        self.loop = loop
        self.total = total
        self.width = width
        self.left: dict[int, int] = {}

    @contextmanager
    def item(self, index: int, scope: Scope) -> Iterator[None]:
        """Around one item: the first of a window begins it, the last to end ends it."""
        if not scope.run.watches("for:batch"):
            yield
            return
        window = index // self.width
        if window not in self.left:
            self.left[window] = min(self.width, self.total - window * self.width)
            scope.run.fire("before", "for:batch", self.loop, scope)
        try:
            yield
        finally:
            self.left[window] -= 1
            if not self.left[window]:
                scope.run.fire("after", "for:batch", self.loop, scope)
