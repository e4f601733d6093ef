"""How many turns one model may answer at the same time, learnt from how it takes them.

One gate stands before each pair of provider and model; what a failure means is decided in `retry`, how wide a server
on this machine can be used in `pace`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

import trio

from orchestra.runtime.pace import Pace

__all__ = ["Gate"]

SUCCESSES_PER_STEP = 10


class Gate:
    """A number of slots that halves when the server complains and grows again with its successes.

    declared: the width from the configuration, never exceeded
    local:    the server is on this machine; undeclared, it starts narrow and grows while that is of use

    Without either the loop that makes the calls sets the width, until the server complains.
    """

    def __init__(self, declared: int | None = None, local: bool = False) -> None:
        self._ceiling: float = declared or float("inf")
        self._pace = Pace() if local and declared is None else None
        self._slots = trio.CapacityLimiter(self._pace.width if self._pace is not None else self._ceiling)
        self._successes = 0
        self._not_before = self._slowed_at = -float("inf")
        self._doubtful = False  # the server complained, and has accepted nothing since
        self._scout: object | None = None  # who tries meanwhile whether it would
        self._others = trio.lowlevel.ParkingLot()

    @property
    def width(self) -> float:
        return self._slots.total_tokens

    @asynccontextmanager
    async def slot(
        self,
        bear: Callable[[float], None] = lambda seconds: None,
        in_line: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> AsyncIterator[float]:
        """Waits for the time all calls were told to wait for, then for a slot. Waiting holds no slot.

        bear:    is told of each such wait before it begins, and raises if it is too long
        in_line: is around standing in line for a slot

        After that time one call goes ahead, the others follow when the server has `accepted` it.
        Gives the time at which the slot was got, which the other methods want to know.
        """
        borrower, held = object(), False
        try:
            while not held:
                held = await self._got(borrower, bear, in_line)
            yield trio.current_time()
        finally:
            if held:
                self._slots.release_on_behalf_of(borrower)
            if self._scout is borrower:
                self._scout = None
                self._others.unpark()

    def accepted(self, since: float) -> None:
        """The server began to answer the turn begun at `since`."""
        if since > self._slowed_at:
            self._doubtful = False
            self._others.unpark_all()

    def succeeded(self, since: float) -> None:
        """The turn begun at `since` has been answered."""
        if self._pace is not None:
            self._slots.total_tokens = self._pace.after(since, trio.current_time())
            return
        self._successes += 1
        if self._successes >= SUCCESSES_PER_STEP:
            self._successes = 0
            self._slots.total_tokens = min(self._ceiling, self.width + 1)

    def slowed(self, since: float, wait: float) -> None:
        """The server complained of a turn begun at `since`: half as many at a time, none for `wait` seconds.

        Turns that were under way when it complained before say nothing new and change the waiting time only.
        """
        now = trio.current_time()
        self._not_before = max(self._not_before, now + wait)
        self._doubtful = self._doubtful or wait > 0
        if since <= self._slowed_at:
            return
        self._slowed_at = now
        self._pace = None
        self._successes = 0
        in_flight = min(self.width, self._slots.borrowed_tokens + 1)  # the failed turn has left already
        self._slots.total_tokens = max(1, int(in_flight) // 2)

    async def _got(
        self, borrower: object, bear: Callable[[float], None], in_line: Callable[[], AbstractContextManager[None]]
    ) -> bool:
        """Waits for whatever has to be waited for; whether the slot may be used, or all has changed meanwhile."""
        if (wait := self._not_before - trio.current_time()) > 0:
            bear(wait)
            await trio.sleep_until(self._not_before)
            return False
        if self._doubtful and self._scout not in (None, borrower):
            await self._others.park()
            return False
        if self._doubtful:
            self._scout = borrower
        try:  # without a pause where there is room: calls that end together would else start together for ever
            self._slots.acquire_on_behalf_of_nowait(borrower)
            return True
        except trio.WouldBlock:
            with in_line():
                await self._slots.acquire_on_behalf_of(borrower)
        if trio.current_time() >= self._not_before and not (self._doubtful and self._scout is not borrower):
            return True
        self._slots.release_on_behalf_of(borrower)
        return False
