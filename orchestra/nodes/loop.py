"""`loop(limit, pace) until condition [ … ]`: rounds with a state that goes from one to the next."""

from __future__ import annotations

import math
from dataclasses import field
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, execute, node, present, walk
from orchestra.nodes.blocks import Block
from orchestra.nodes.durations import duration_of
from orchestra.nodes.predicates import Predicate, Progress
from orchestra.nodes.signals import Continue, Done, Retry, Skip
from orchestra.values.scope import LoopFrame, Scope
from orchestra.values.tagged import MISSING, unwrap

__all__ = ["Endless", "Loop", "LoopHeader", "rounds_of"]


@node
class LoopHeader(Node):
    """`(limit, pace)`."""

    limit: Node | None
    pace: Node | None


@node
class Endless(Node):
    token: str


@node
class Loop(Node):
    """`loop(limit, pace) until condition [ … ]`.

    A condition in words is about what the last round came to. So it is looked at after the last round that the limit
    allows too, and where it holds the value of the loop is what that round handed on.
    """

    header: LoopHeader | None
    until: Node | None
    body: Block
    statement: bool = field(init=False, default=False)
    judged: bool = field(init=False, default=False)  # the condition has words in it
    stall: Node | None = field(init=False, default=None)  # rounds with one result after which a predicate gives up

    def __post_init__(self) -> None:
        for part in walk(self.until) if self.until is not None else ():
            if isinstance(part, Predicate):
                part.role = "until"
                self.judged = True
                self.stall = self.stall or part.option("stall")

    def eval(self, scope: Scope) -> Any:
        frame = LoopFrame("loop", self._limit(scope))
        pace = duration_of(self.header.pace, scope, "loop pacing") if self.header and self.header.pace else 0.0
        context = scope.context.with_(loop=frame, for_=None)
        progress = Progress(self.stall, scope)
        state: Any = None
        while frame.limit is None or frame.iteration < frame.limit + self.judged:
            frame.iteration += 1
            inner = scope.within(context, "loop", {"input": state})
            if self.until is not None and self.until.test(inner):
                return state if self.judged else None
            if frame.iteration - 1 == frame.limit:
                break
            progress.look(inner)
            if pace and frame.iteration > 1:
                scope.run.sleep(pace)
            scope.run.breathe()
            try:
                scope.run.round(self, inner)
                self._round(inner)
            except Done as signal:
                return present(signal.value)
            except Continue as signal:
                state = state if signal.value is MISSING else signal.value
        return None

    def _round(self, scope: Scope) -> None:
        try:
            execute(self.body, scope)
        except Skip as signal:
            raise OrchError("E303", "skip has no for to drop an item from", signal.span, help="use continue") from None
        except Retry as signal:
            help = "use 'continue' instead of 'retry' in loop bodies"
            raise OrchError("E305", "retry has no pipeline to run again here", signal.span, help=help) from None

    def exec_statement(self, scope: Scope) -> None:
        self.eval(scope)

    def _limit(self, scope: Scope) -> int | None:
        if self.header is None or isinstance(self.header.limit, Endless):
            return None
        if self.header.limit is None:
            raise OrchError(
                "E303", "loop() needs a limit or endless", self.header.span, help="loop(10) or loop(endless)"
            )
        return rounds_of(self.header.limit, scope, "the limit of loop", " or endless")


def rounds_of(part: Node, scope: Scope, what: str, instead: str = "") -> int:
    """A number of rounds. Raises E303 for what is no whole number, texts included."""
    value = unwrap(part.eval(scope))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise OrchError("E303", f"{what} must be a number{instead}", part.span)
    if not (math.isfinite(value) and value >= 0 and value == int(value)):
        raise OrchError("E303", f"{what} must be a non-negative whole number", part.span)
    return int(value)
