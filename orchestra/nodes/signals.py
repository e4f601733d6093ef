"""Control that leaves a construct early. Never a value: a model that answers `done` must not end a loop.

`BaseException`, so that code which handles errors lets them pass; each construct catches those that it owns.
"""

from __future__ import annotations

from typing import Any

from orchestra.source import Span

__all__ = ["Continue", "Done", "Retry", "Return", "Signal", "Skip"]


class Signal(BaseException):
    """`value` is what the signal carries, `span` where it was given, for messages about misplaced ones."""

    word = ""

    def __init__(self, value: Any = None, span: Span | None = None) -> None:
        self.value = value
        self.span = span


class Return(Signal):
    """`=> value`: ends the function, iteration or script.

    Statements hand it to the block around them; it is raised only where an expression lies between.
    """

    word = "=>"


class Done(Signal):
    """`done value`: ends the loop."""

    word = "done"


class Continue(Signal):
    """`continue value`: ends the iteration."""

    word = "continue"


class Skip(Signal):
    """`skip`: drops the item."""

    word = "skip"


class Retry(Signal):
    """`retry hint`: asks the pipeline to run the stage before again; `value` is the hint."""

    word = "retry"
