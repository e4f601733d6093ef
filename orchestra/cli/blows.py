"""What `orch chaos` does to a run: strikes at an event, limits, and damage to what the run left behind.

A blow is a text, so that one that hurt can be dealt again. How a run took it is judged in `ordeal`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from orchestra.cli.fuse import Strike, read_strikes
from orchestra.errors import OrchError

__all__ = ["BETWEEN", "FAULTS", "Blow", "faults", "kill_points", "read_blow"]

PAGE = 4096  # bytes
BOUNDARIES = 2  # of three kills at an event, one falls between two of them
TRIES = 2  # of each fault


@dataclass(frozen=True, slots=True)
class Blow:
    """One mishap.

    kind:    kill, the name of a signal, or a fault
    strikes: what the run sends itself
    limit:   bytes beyond which it cannot write a file
    """

    kind: str
    strikes: tuple[Strike, ...] = ()
    limit: int | None = None

    def __str__(self) -> str:
        shown = ",".join(map(str, self.strikes)) if self.limit is None else str(self.limit)
        return f"{self.kind}:{shown}" if self.kind in BETWEEN or self.limit is not None else shown

    def damage(self, store: Path) -> None:
        """What happens to the store file between the struck run and the next."""
        if store.is_file():
            BETWEEN.get(self.kind, _nothing)(store, Random(str(self)))


def _nothing(store: Path, chance: Random) -> None: ...


def _lose_journal(store: Path, chance: Random) -> None:
    for suffix in ("-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)


def _spoil_page(store: Path, chance: Random) -> None:
    pages = store.stat().st_size // PAGE
    if pages:
        with store.open("r+b") as file:
            file.seek(PAGE * chance.randrange(pages))
            file.write(chance.randbytes(PAGE))


# Fault → what it does to the store; the clock goes back in the next run.
BETWEEN: dict[str, Callable[[Path, Random], None]] = {"page": _spoil_page, "wal": _lose_journal, "clock": _nothing}
SIGNALS = {"term": "TERM", "hup": "HUP", "int": "INT", "int-twice": "INT"}
FAULTS = ("disk", *BETWEEN, *SIGNALS)


def kill_points(events: int, milliseconds: float, number: int | None, chance: Random) -> list[Blow]:
    """Kills at events and between them; without a number, one at each event and half as many between.

    milliseconds: the time of an undisturbed run
    """
    boundaries = list(range(1, events + 1))
    between = events // 2
    if number is not None:
        at_events = min(-(-number * BOUNDARIES // 3), events)
        boundaries, between = sorted(chance.sample(boundaries, at_events)), number - at_events
    gap = 2 * milliseconds / events
    instants = [Strike("KILL", chance.randint(1, events), round(chance.uniform(0.01, gap), 2)) for _ in range(between)]
    strikes = [*(Strike("KILL", event) for event in boundaries), *sorted(instants, key=lambda one: one.event)]
    return [Blow("kill", (strike,)) for strike in strikes]


def faults(kinds: Iterable[str], events: int, largest: int, chance: Random) -> list[Blow]:
    """Some of each kind. largest: bytes of the largest file that an undisturbed run writes."""
    return [_fault(kind, events, largest, chance) for kind in kinds for _ in range(TRIES)]


def _fault(kind: str, events: int, largest: int, chance: Random) -> Blow:
    event = chance.randint(1, events)
    if kind == "disk":
        return Blow(kind, limit=chance.randrange(largest))
    if kind in BETWEEN:
        # Only a run that ends in order leaves its pages in the store itself and not in the journal.
        return Blow(kind, (Strike("INT" if kind == "page" else "KILL", event),))
    twice = [event, event + 1] if kind == "int-twice" else [event]
    return Blow(kind, tuple(Strike(SIGNALS[kind], number) for number in twice))


def read_blow(text: str) -> Blow:
    """A blow from its text. Raises E810, exit 2."""
    kind, colon, rest = text.rpartition(":")
    if kind == "disk" and rest.isdigit():
        return Blow(kind, limit=int(rest))
    if colon and kind not in BETWEEN:
        raise OrchError("E810", f'"{text}" is no blow', help="KILL@17, disk:20000, page:INT@17 …", exit=2)
    strikes = tuple(read_strikes(rest))
    return Blow(kind or ("kill" if strikes[0].signal == "KILL" else "signal"), strikes)
