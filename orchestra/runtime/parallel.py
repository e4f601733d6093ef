"""N workers on one iterator: starts in source order, results in source order, errors kept per item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import greenback
import trio

from orchestra.errors import OrchError
from orchestra.nodes.items import PASSED_OVER, STOPPED
from orchestra.nodes.signals import Done
from orchestra.runtime.gates.keeper import waits
from orchestra.runtime.lanes import lane, next_position
from orchestra.runtime.signals import Interrupted

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Fanout"]

RATE_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further try of an item that was told to slow down


@dataclass
class Fanout:
    """One parallel loop. `work(index)` runs synchronously inside a trio task.

    canary:  the first item that a filter does not pass over runs alone before the others start
    patient: a failing first item does not end the loop
    enough:  so many successes end it, the rest is cancelled
    fail_fast: the first failure ends it, the rest is cancelled
    again:   whether a failure calls for a pause, in which nothing starts, and another try of its item
    """

    run: Run
    count: int
    width: int
    pace: float
    work: Callable[[int], Any]
    label: str
    canary: bool = False
    patient: bool = False
    enough: int | None = None
    fail_fast: bool = False
    again: Callable[[OrchError], bool] | None = None
    next: int = 0
    succeeded: int = 0
    stopped: bool = False
    cut: bool = False  # what is still running is cancelled
    raised: BaseException | None = None
    first_error: OrchError | None = None
    waiting: OrchError | None = None  # the first item that stands at a gate: the others go on
    results: list[Any] = field(default_factory=list)
    earliest: float = 0.0
    position: tuple[int, ...] = ()

    def outcomes(self) -> list[Any]:
        """For each item its value, its OrchError, or STOPPED if it did not run. Raises what ended the loop."""
        self.results = [STOPPED] * self.count
        self.position = next_position()
        loop = self.run.begin_loop(self.count, self.width, self.label)
        try:
            self.run.wait(self._all, loop)
        finally:
            self.run.event("loop:end", id=loop)
        if self.raised is not None:
            raise self.raised
        if self.first_error is not None:
            raise self.first_error
        if self.waiting is not None and not self._has_enough():
            raise self.waiting
        if self.run.interrupted and self.next < self.count:
            raise Interrupted
        return self.results

    def _has_enough(self) -> bool:
        return self.enough is not None and self.succeeded >= self.enough

    async def _all(self, loop: int) -> None:
        while self.canary and self.next < self.count and not self.stopped:
            await self._item(loop)
            if self.results[self.next - 1] is not PASSED_OVER:
                break
        async with trio.open_nursery() as nursery:
            for _ in range(min(self.width, self.count - self.next)):
                nursery.start_soon(self._worker, loop, nursery.cancel_scope)

    async def _worker(self, loop: int, scope: trio.CancelScope) -> None:
        await greenback.ensure_portal()
        while self.next < self.count and not self.stopped and not self.run.interrupted:
            waited = self.run.waits
            await self._item(loop)
            if self.cut or not lets_finish(self.raised):
                scope.cancel()
                return
            if self.run.waits == waited:  # an item that waited for something has let the others work
                await trio.lowlevel.checkpoint()

    async def _item(self, loop: int) -> None:
        index, self.next = self.next, self.next + 1
        await self._pause()
        self.run.event("item:start", loop=loop, index=index)
        status = "ok"
        try:
            with lane((*self.position, index)):
                self.results[index] = await self._tried(index)
            self.succeeded += self.results[index] is not PASSED_OVER
            if self.succeeded == self.enough:
                self.stopped = self.cut = True
        except OrchError as error:
            status = "failed"
            self._failed(index, error)
        except Done:
            status, self.stopped = "skipped", True
        except trio.Cancelled:
            raise
        except BaseException as error:  # after Interrupted the others finish their calls
            self.stopped, self.raised = True, self.raised or error
        self.run.event("item:end", loop=loop, index=index, status=status)

    def _failed(self, index: int, error: OrchError) -> None:
        self.results[index] = error
        if waits(error):
            self.waiting = self.waiting or error
        elif error.fatal:
            self.stopped, self.raised = True, self.raised or error
        elif self.fail_fast:
            self.stopped, self.cut, self.first_error = True, True, error
        elif not (self.patient or self.succeeded or self.raised or self.first_error) and self._is_first(index):
            self.stopped, self.first_error = True, error

    def _is_first(self, index: int) -> bool:
        """Whether all items before this one have been passed over."""
        return all(self.results[before] is PASSED_OVER for before in range(index))

    async def _pause(self) -> None:
        """Keep the minimum time between two starts."""
        if not self.earliest and not self.pace:
            return
        start = max(self.earliest, trio.current_time())
        self.earliest = start + self.pace
        await trio.sleep_until(start)

    async def _tried(self, index: int) -> Any:
        """The value of an item; one that is told to slow down is tried again."""
        for wait in RATE_WAITS:
            try:
                return self.work(index)
            except OrchError as error:
                if self.again is None or not self.again(error):
                    raise
            self.earliest = max(self.earliest, trio.current_time() + wait)
            with trio.move_on_after(wait):
                await self.run.interruption.wait()
            if self.run.interrupted:
                raise Interrupted
        return self.work(index)


def lets_finish(reason: BaseException | None) -> bool:
    """Whether items under way come to their end, although for this reason none is begun any more."""
    return reason is None or isinstance(reason, Interrupted) or (isinstance(reason, OrchError) and reason.resumable)
