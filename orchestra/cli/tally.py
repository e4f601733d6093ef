"""The state of a run as its events tell it: phase, loops, calls, tokens, dollars, time.

How it is drawn while the run goes on is the business of `display`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestra.events import Event

__all__ = ["LoopTally", "Tally", "amount", "clock", "dollars", "price"]

# Items that end sooner were not waited for (they came from the store) and say nothing about the others.
INSTANT = 0.05


@dataclass(slots=True)
class LoopTally:
    """One loop. `total` is None if nobody knows it, `started` maps items in flight to their start time."""

    label: str
    total: int | None
    width: int
    done: int = 0
    cached: int = 0
    failed: int = 0
    started: dict[Any, float] = field(default_factory=dict)
    waited: list[float] = field(default_factory=list)

    def left(self) -> float | None:
        """Seconds until the end if the rest goes as it went, or None if nothing can be said."""
        if self.total is None or self.done >= self.total or not self.waited:
            return None
        rounds = math.ceil((self.total - self.done) / self.width)
        return rounds * sum(self.waited) / len(self.waited)


class Tally:
    """A subscriber that counts. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._ended: float | None = None
        self.phase: str | None = None
        self.loops: dict[Any, LoopTally] = {}
        self._labelled = 0
        self._answered = 0
        self.cached = 0
        self.reused = 0
        self.failed = 0
        self.running = 0
        self.input = 0
        self.output = 0
        self.cost: float | None = None
        self.unpriced = False

    def __call__(self, event: Event) -> None:
        handler = HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, event.data)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return (self._monotonic() if self._ended is None else self._ended) - self._began

    @property
    def calls(self) -> int:
        """Calls made: a labelled function need not ask a model, and a model may be asked without one.

        One whose model requests all had an answer does not count.
        """
        return max(self._labelled, self._answered)

    def summary(self) -> str | None:
        """The line at the end, or None if no model call was made or served."""
        if not (self.calls or self.cached or self.reused):
            return None
        parts = [f"{self.calls} call{'' if self.calls == 1 else 's'}"]
        parts += [f"{self.failed} failed"] * bool(self.failed)
        parts += [f"{self.cached} cached"] * bool(self.cached)
        parts += [f"{self.reused} reused"] * bool(self.reused)
        if self.input or self.output:
            parts += [f"{amount(self.input)} tokens in", f"{amount(self.output)} out"]
        parts += [self.price()] * (self.cost is not None or self.unpriced)
        return ", ".join([*parts, clock(self.elapsed)])

    def price(self) -> str:
        """What the calls cost."""
        return "cost unknown" if self.cost is None else price(self.cost, self.unpriced)

    def _run_end(self, data: dict[str, Any]) -> None:
        self._ended = self._monotonic()

    def _phase(self, data: dict[str, Any]) -> None:
        self.phase = data["name"]

    def _loop_start(self, data: dict[str, Any]) -> None:
        self.loops[data["id"]] = LoopTally(data.get("label") or "", data["total"], max(1, data["width"] or 1))

    def _loop_end(self, data: dict[str, Any]) -> None:
        self.loops.pop(data["id"], None)

    def _item_start(self, data: dict[str, Any]) -> None:
        if loop := self.loops.get(data["loop"]):
            loop.started[data["index"]] = self._monotonic()

    def _item_end(self, data: dict[str, Any]) -> None:
        if (loop := self.loops.get(data["loop"])) is None:
            return
        now = self._monotonic()
        seconds = now - loop.started.pop(data["index"], now)
        if seconds >= INSTANT:
            loop.waited.append(seconds)
        loop.done += 1
        loop.failed += data["status"] == "failed"

    def _call_start(self, data: dict[str, Any]) -> None:
        self.running += 1

    def _call_hit(self, data: dict[str, Any]) -> None:
        self.cached += 1
        if self.loops:  # loops are told in the order of their start: the innermost is the last
            next(reversed(self.loops.values())).cached += 1

    def _call_end(self, data: dict[str, Any]) -> None:
        self.running -= 1
        if data["status"] != "stopped":  # for the next run to make
            self._labelled += not data.get("reused") or data["asked"] > 0
            self.failed += data["status"] != "ok"

    def _reused(self, data: dict[str, Any]) -> None:
        self.reused += 1

    def _llm_end(self, data: dict[str, Any]) -> None:
        self._answered += data["status"] != "stopped"

    def _usage(self, data: dict[str, Any]) -> None:
        self.input += data["input"]
        self.output += data["output"]
        if data["cost"] is None:
            self.unpriced = True
        else:
            self.cost = (self.cost or 0.0) + data["cost"]


HANDLERS: dict[str, Callable[[Tally, dict[str, Any]], None]] = {
    "run:end": Tally._run_end,
    "phase": Tally._phase,
    "loop:start": Tally._loop_start,
    "loop:end": Tally._loop_end,
    "item:start": Tally._item_start,
    "item:end": Tally._item_end,
    "call:start": Tally._call_start,
    "call:hit": Tally._call_hit,
    "call:end": Tally._call_end,
    "llm:reused": Tally._reused,
    "llm:end": Tally._llm_end,
    "llm:usage": Tally._usage,
}


def amount(number: int) -> str:
    """A count as people say it: 300, 1.2k, 3.4M."""
    for size, suffix in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + suffix
    return str(number)


def dollars(cost: float | None) -> str:
    """A price, with more places the smaller it is; "" if it is not known."""
    if cost is None:
        return ""
    return f"${cost:.2f}" if cost >= 0.01 or cost == 0 else f"${cost:.4f}"


def price(known: float | None, more: bool) -> str:
    """What calls cost of which some, with `more`, have no known price; `known` is the sum of the others."""
    if known is None:
        return "unknown" if more else ""
    return f"at least {dollars(known)}" if more else dollars(known)


def clock(seconds: float) -> str:
    """A length of time: 0.4 s, 14.2 s, 3 min 05 s, 1 h 02 min."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
