"""Where in a run something happens, told so that it is the same however fast parallel items are.

A position is a row of numbers: step, item, step, item, …, step. The items of a parallel loop each count their own
steps. Sorted, positions are in the order of a run without parallel loops. What they are used for is left to
others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Lane", "Position", "lane", "next_position", "parallel_items"]

Position = tuple[int, ...]


class Lane:
    """A row of steps that follow one another: the script, or one item of a parallel loop."""

    __slots__ = ("_path", "_steps")

    def __init__(self, path: Position = ()) -> None:
        self._path = path
        self._steps = 0

    @property
    def items(self) -> Position:
        """The numbers of the parallel items around, outermost first."""
        return self._path[1::2]

    def next(self) -> Position:
        self._steps += 1
        return (*self._path, self._steps)


LANE: ContextVar[Lane | None] = ContextVar("lane", default=None)


@contextmanager
def lane(path: Position = ()) -> Iterator[None]:
    """What is done inside belongs to a new lane; `path` ends with the number of its item."""
    token = LANE.set(Lane(path))
    try:
        yield
    finally:
        LANE.reset(token)


def next_position() -> Position:
    """The position of the next step in the lane of the running task; empty outside of a run."""
    running = LANE.get()
    return () if running is None else running.next()


def parallel_items() -> Position:
    """The numbers of the parallel items that the running task is part of, outermost first."""
    running = LANE.get()
    return () if running is None else running.items
