"""A run that strikes itself: with `ORCH_CHAOS=KILL@17` the process kills itself at its 17th event.

`KILL@17+2.5` lets 2.5 milliseconds pass first; `INT`, `TERM` and `HUP` are sent instead; several are separated by
commas. Which strikes are worth a try is decided in `blows`; the run itself knows nothing of it.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestra.cli.flag_values import usage
from orchestra.events import Event, Subscriber

__all__ = ["VARIABLE", "Strike", "fuses", "read_strikes"]

VARIABLE = "ORCH_CHAOS"
PATTERN = re.compile(r"(KILL|INT|TERM|HUP)@(\d+)(?:\+(\d+(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Strike:
    """A signal that the process sends itself. event: counted from 1; delay: milliseconds, only before a KILL."""

    signal: str
    event: int
    delay: float = 0.0

    def __str__(self) -> str:
        return f"{self.signal}@{self.event}" + (f"+{self.delay:g}" if self.delay else "")

    def fall(self) -> None:
        if self.delay:
            # An alarm that nobody waits for ends the process as surely as SIGKILL, and needs no thread.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, self.delay / 1000)
        else:
            os.kill(os.getpid(), getattr(signal, f"SIG{self.signal}"))


class Fuse:
    """Counts the events of a run and lets strikes fall."""

    def __init__(self, strikes: Sequence[Strike]) -> None:
        self._strikes = strikes
        self._count = 0

    def __call__(self, event: Event) -> None:
        self._count += 1
        for strike in self._strikes:
            if strike.event == self._count:
                strike.fall()


def fuses(environ: Mapping[str, str]) -> list[Subscriber]:
    """What the environment asks for: nothing, as a rule. Raises E810."""
    text = environ.get(VARIABLE)
    return [Fuse(read_strikes(text))] if text else []


def read_strikes(text: str) -> list[Strike]:
    """Raises E810, exit 2, for what is none."""
    return [_read(part) for part in text.split(",")]


def _read(text: str) -> Strike:
    found = PATTERN.fullmatch(text)
    if found is None or (found[3] and found[1] != "KILL"):
        raise usage(f'"{text}" is no strike', "KILL@17, KILL@17+2.5, INT@17, TERM@17 or HUP@17")
    return Strike(found[1], int(found[2]), float(found[3] or 0))
