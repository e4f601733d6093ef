"""The budgets of a run: no turn of a model begins that could exceed one of them.

Sums and what is set aside lie in the store, so that executions and processes share them; how big a turn may become
is guessed from `habits`. Each call has a `Meter`, which comes here before its turns and after them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from orchestra.errors import OrchError
from orchestra.nodes.budgets import Limit
from orchestra.providers.prices import MILLION, Price
from orchestra.runtime.habits import Habits
from orchestra.store import Amount, Standing

if TYPE_CHECKING:
    from orchestra.store import Spending

__all__ = ["Budget", "Turning", "exhausted"]

SHARE = 4  # a turn that would take all that is left gets this part of it, so that others can go on beside it
EPSILON = 1e-12  # dollars: sums of prices are not exact
LOOK = 1.0  # seconds between two looks at what other processes have set aside


@dataclass(frozen=True, slots=True)
class Turning:
    """A turn that wants to begin.

    prompt: its tokens; longest: those that its answer may have; least: those without which it is of no use
    price:  None if nobody knows it
    caches: whether the provider may keep the prompt, which is dearer
    call:   1 if the call it belongs to has not been counted yet
    """

    model: str
    fn: str
    prompt: int
    longest: int
    least: int
    price: Price | None
    caches: bool
    call: int

    def amount(self, answer: int) -> Amount:
        """What it comes to if the answer has so many tokens."""
        return Amount(self.cost(answer), self.prompt + answer, self.call)

    def cost(self, answer: int) -> float:
        if self.price is None:
            return 0.0
        each = max(self.price.input, self.price.write) if self.caches else self.price.input
        return (self.prompt * each + answer * self.price.output) / MILLION

    def room(self, bounds: Limit, standing: Standing) -> float:
        """The tokens of an answer that can still be paid; below 0 if not even the prompt can."""
        spent, held = standing.spent, standing.held
        limit = bounds.bounds
        room = math.inf
        if "calls" in limit and limit["calls"] - spent.calls - held.calls < self.call:
            return -1
        if "tokens" in limit:
            room = limit["tokens"] - spent.tokens - held.tokens - self.prompt
        if "usd" in limit:
            left = limit["usd"] - spent.cost - held.cost - self.cost(0)
            each = self.cost(1) - self.cost(0)
            room = min(room, (left + EPSILON) / each if each else math.copysign(math.inf, left))
        return room


class Budget:
    """What one run has to keep to.

    spending: the sums in the store
    lengths:  tokens of the longest turn of earlier calls of a function with a model
    """

    def __init__(self, spending: Callable[[], Spending], lengths: Callable[[str, str], list[int]]) -> None:
        self._spending = spending
        self._lengths = lengths
        self._habits: dict[tuple[str, str], Habits] = {}
        self._first: dict[tuple[str, str], str] = {}  # who finds out what turns of a function are like
        self._changed = trio.Event()

    def habits(self, fn: str, model: str) -> Habits:
        key = (fn, model)
        if key not in self._habits:
            self._habits[key] = Habits(self._lengths(fn, model))
        return self._habits[key]

    async def reserve(
        self, call: str, parts: Sequence[str], limits: Sequence[Limit], ask: Callable[[], Turning]
    ) -> int:
        """Sets aside what a turn needs; the tokens that its answer may have. Raises E712.

        Waits while others have set aside what it lacks, for they rarely use all of it. `ask` is asked anew each time.
        """
        while True:
            turning = ask()
            refuse_unpriced(turning, limits)
            key = (turning.fn, turning.model)
            if self.habits(*key).known or self._first.setdefault(key, call) == call:
                granted, tight = self._granted(call, parts, limits, turning)
                if tight is None:
                    return granted
                if tight[1].held == Amount() and not self._spending().end_dead():
                    self._first.pop(key, None)
                    raise exhausted(*tight, turning)
                self._spending().end_dead()
            with trio.move_on_after(LOOK):
                await self._changed.wait()

    def settle(self, call: str, parts: Sequence[str], amount: Amount) -> None:
        """The turn is over, and came to `amount`."""
        self._spending().settle(call, parts, amount)
        self._first = {key: other for key, other in self._first.items() if other != call}
        self._changed.set()
        self._changed = trio.Event()

    def _granted(
        self, call: str, parts: Sequence[str], limits: Sequence[Limit], turning: Turning
    ) -> tuple[int, tuple[Limit, Standing] | None]:
        """The tokens of the answer that were set aside; or the bound that is too tight, and what it came to."""
        granted, tight = turning.longest, None

        def grant(standings: list[Standing]) -> Amount | None:
            nonlocal granted, tight
            seen = dict(zip(parts, standings, strict=True))
            rooms = [(turning.room(limit, seen[limit.part]), limit) for limit in limits]
            room, limit = min(rooms, key=lambda pair: pair[0])
            if room < turning.least:
                tight = limit, seen[limit.part]
                return None
            share = room / SHARE if self.habits(turning.fn, turning.model).known else room
            granted = int(min(turning.longest, max(turning.least, share)))
            return turning.amount(granted)

        self._spending().reserve(call, parts, grant)
        return granted, tight


def refuse_unpriced(turning: Turning, limits: Sequence[Limit]) -> None:
    for limit in limits:
        if turning.price is None and "usd" in limit.bounds:
            raise OrchError(
                "E712",
                f"{limit.name} cannot be kept: the price of {turning.model} is not known",
                help="give its provider a price in orch.toml: price = { input = 2, output = 10 },\n"
                "or bound tokens or calls instead of usd",
                exit=2,
                fatal=True,
            )


def exhausted(limit: Limit, standing: Standing, turning: Turning) -> OrchError:
    """What ends the run, or fails the item, with what was spent and what is missing."""
    needs = turning.amount(turning.least)
    unit, spent, need = next(
        (unit, spent, need)
        for unit, spent, need in (
            ("calls", standing.spent.calls, needs.calls),
            ("tokens", standing.spent.tokens, needs.tokens),
            ("usd", standing.spent.cost, needs.cost),
        )
        if unit in limit.bounds and limit.bounds[unit] - spent < need
    )
    bound = limit.bounds[unit]
    missing = need - (bound - spent)
    turn = f"the next turn of @{turning.fn}"
    said = {
        "calls": f"{spent:.0f} of {bound:.0f} calls are made",
        "tokens": f"{spent:,.0f} of {bound:,.0f} tokens are used; {turn} may take {need:,.0f}, "
        f"{missing:,.0f} are missing",
        "usd": f"${spent:.4f} of ${bound:.4f} are spent; {turn} may cost ${need:.4f}, ${missing:.4f} are missing",
    }
    return OrchError(
        "E712",
        f"{limit.name} does not suffice: {said[unit]}",
        help="raise it with --budget" if limit.part == "" else "raise it where it stands, and run again",
        exit=4,
        details={"part": limit.part, "unit": unit, "limit": bound, "spent": spent, "missing": missing},
        fatal=limit.ends_run,
    )
