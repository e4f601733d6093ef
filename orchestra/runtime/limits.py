"""How many turns one model may answer at the same time, learnt from how it takes them.

One gate stands before each pair of provider and model; what a failure means is decided in `retry`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

__all__ = ["Gate"]

LOCAL_START = 2
SUCCESSES_PER_STEP = 10


class Gate:
    """A number of slots that halves when the server complains and grows again with its successes.

    declared: the width from the configuration, never exceeded
    local:    the server is on this machine; undeclared, it starts narrow and grows after each full round

    Without either the loop that makes the calls sets the width, until the server complains.
    """

    def __init__(self, declared: int | None = None, local: bool = False) -> None:
        self._ceiling: float = declared or float("inf")
        self._probing = local and declared is None
        self._slots = trio.CapacityLimiter(LOCAL_START if self._probing else self._ceiling)
        self._successes = 0
        self._not_before = self._slowed_at = -float("inf")

    @property
    def width(self) -> float:
        return self._slots.total_tokens

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Waits for the time all calls were told to wait for, then for a slot. Waiting holds no slot.

        Gives the time at which the slot was got, which `slowed` wants to know.
        """
        borrower = object()
        while True:
            if self._not_before > trio.current_time():
                await trio.sleep_until(self._not_before)
            try:  # without a pause where there is room: calls that end together would else start together for ever
                self._slots.acquire_on_behalf_of_nowait(borrower)
            except trio.WouldBlock:
                await self._slots.acquire_on_behalf_of(borrower)
            if trio.current_time() >= self._not_before:
                break
            self._slots.release_on_behalf_of(borrower)
        try:
            yield trio.current_time()
        finally:
            self._slots.release_on_behalf_of(borrower)

    def succeeded(self) -> None:
        self._successes += 1
        if self._successes >= (self.width if self._probing else SUCCESSES_PER_STEP):
            self._successes = 0
            self._slots.total_tokens = min(self._ceiling, self.width + 1)

    def slowed(self, since: float, wait: float) -> None:
        """The server complained of a turn begun at `since`: half as many at a time, none for `wait` seconds.

        Turns that were under way when it complained before say nothing new and change the waiting time only.
        """
        now = trio.current_time()
        self._not_before = max(self._not_before, now + wait)
        if since <= self._slowed_at:
            return
        self._slowed_at = now
        self._probing = False
        self._successes = 0
        in_flight = min(self.width, self._slots.borrowed_tokens + 1)  # the failed turn has left already
        self._slots.total_tokens = max(1, int(in_flight) // 2)
