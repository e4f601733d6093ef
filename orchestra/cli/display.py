"""The live display: what a run is doing, at the bottom of the terminal while it goes on.

Counting is done in `tally`, drawing on the terminal in `render`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from orchestra.cli.render import LiveArea
from orchestra.cli.tally import LoopTally, Tally, amount, clock
from orchestra.events import Event

__all__ = ["Above", "Display", "picture"]

MOST_LOOPS = 6
BAR = 20  # columns
REST = 0.2  # seconds without output before the lines come back: busy scripts are not to flicker
SIGNS_OF_WORK = ("call:start", "llm:start", "loop:start")


class Display:
    """A subscriber that shows the tally of a run on a terminal from the first sign of longer work."""

    def __init__(self, tally: Tally, stream: TextIO, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._area = LiveArea(stream, lambda width: [] if self._resting() else picture(tally, width))
        self._wanted = False
        self._midline = False
        self._written_at = float("-inf")

    def __call__(self, event: Event) -> None:
        if event.kind == "run:end":
            self.close()
        elif event.kind in SIGNS_OF_WORK:
            self._wanted = True
            self._come_back()

    @contextmanager
    def room(self, text: str) -> Iterator[None]:
        """Keep out of the way while `text` is written, and after half a line until the rest has come."""
        seen = not self._resting()
        self._written_at = self._monotonic()
        self._midline = not text.endswith("\n")
        if self._midline:
            self._area.hide()
        elif seen:
            self._area.redraw()
        yield
        self._come_back()

    def close(self) -> None:
        self._wanted = False
        self._area.hide()

    def _resting(self) -> bool:
        return self._monotonic() - self._written_at < REST

    def _come_back(self) -> None:
        if self._wanted and not self._midline:
            self._area.show()


class Above(io.TextIOBase):
    """A terminal stream whose text goes above the display."""

    def __init__(self, stream: TextIO, display: Display) -> None:
        self._stream = stream
        self._display = display

    def write(self, text: str) -> int:
        if not text:
            return 0
        with self._display.room(text):
            written = self._stream.write(text)
            self._stream.flush()  # before the display draws again
        return written

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True


def picture(tally: Tally, width: int) -> list[str]:
    """The lines of the display: phase and time, one line for each loop, what the calls came to."""
    loops = list(tally.loops.values())
    lines = [f"{tally.phase or 'running'} · {clock(tally.elapsed)}"]
    lines += [_loop_line(loop, width) for loop in loops[:MOST_LOOPS]]
    if len(loops) > MOST_LOOPS:
        lines.append(f"  … and {len(loops) - MOST_LOOPS} more loops")
    return [*lines, _calls_line(tally)]


def _loop_line(loop: LoopTally, width: int) -> str:
    parts = [f"{loop.done}/{loop.total}" if loop.total is not None else str(loop.done)]
    parts += [f"{loop.cached} cached"] * bool(loop.cached)
    parts += [f"{loop.failed} failed"] * bool(loop.failed)
    parts += [f"{len(loop.started)} in flight"] * bool(loop.started)
    if (left := loop.left()) is not None:
        parts.append(f"{clock(left)} left")
    label = loop.label if len(loop.label) <= width // 3 else loop.label[: width // 3 - 1] + "…"
    return f"  {label} {_bar(loop)}{' · '.join(parts)}"


def _bar(loop: LoopTally) -> str:
    if not loop.total:
        return ""
    full = min(BAR, BAR * loop.done // loop.total)
    return "█" * full + "░" * (BAR - full) + " "


def _calls_line(tally: Tally) -> str:
    parts = [f"{tally.running} running", f"{tally.calls} calls", f"{tally.cached} cached"]
    if tally.input or tally.output:
        parts.append(f"{amount(tally.input)} tokens in, {amount(tally.output)} out")
    if tally.cost is not None or tally.unpriced:
        parts.append(tally.price())
    return "  " + " · ".join(parts)
