"""How many turns a server on this machine answers side by side before the others only stand in line.

Such a server seldom refuses anything: whoever comes too many waits, and all answers take longer. So a width is kept
only if more turns end per second than at the width below it. The slots themselves are the gate's.
"""

from __future__ import annotations

from statistics import fmean, median

__all__ = ["Pace"]

START = 2
ROUND = 8  # turns by which a width is judged; with fewer, one slow answer would decide
SHORT = 0.25  # seconds; of shorter turns too much is our own work, done side by side with the server's
REST = 100  # turns after which a width that was of no use is tried again


class Pace:
    """A width that grows by one after each round that was of use.

    The first turns at a new width are not counted: they began beside turns of the old one, or found a cold server.
    """

    def __init__(self) -> None:
        self.width = START
        self._narrower: float | None = None  # seconds of a turn at the width below, if that is known
        self._needed = ROUND
        self._begin(-float("inf"))

    def after(self, since: float, now: float) -> int:
        """The width after a turn that lasted from `since` to `now`."""
        if since < self._began:
            return self.width
        if self._unsettled:
            self._unsettled -= 1
        else:
            self._seconds.append(now - since)
        if len(self._seconds) >= max(self._needed, 3 * self.width):
            self._judge(now)
        return self.width

    def _judge(self, now: float) -> None:
        if self._of_use():
            # A median, because a start that was slow for other reasons would make every wider round look good.
            self._narrower, self._needed = median(self._seconds), ROUND
            self.width += 1
        else:
            self._narrower, self._needed = None, REST
            self.width -= 1
        self._begin(now)

    def _of_use(self) -> bool:
        """Whether at least half of the turns that the last slot promised have come of it."""
        if self._narrower is None:
            return True
        mean, below = fmean(self._seconds), self.width - 1
        return mean >= SHORT and self.width / mean >= (below + 0.5) / self._narrower

    def _begin(self, now: float) -> None:
        self._began = now
        self._unsettled = self.width
        self._seconds: list[float] = []
