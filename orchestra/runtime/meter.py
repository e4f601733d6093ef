"""The account of one model call: its turns and attempts, what they used, and what is set aside for the next of them.

What may be spent is decided in `budget`; a call without one is only counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import trio

from orchestra.errors import OrchError
from orchestra.nodes.budgets import Limit
from orchestra.providers.prices import MILLION, Price, cost, price_of
from orchestra.providers.protocol import Usage
from orchestra.runtime.budget import Budget, Turning
from orchestra.runtime.habits import Habits
from orchestra.store import Amount

__all__ = ["Meter"]


class Meter:
    """Counts for one call.

    fn:       the function as the ledger names it
    now:      the time as ISO-8601, which decides which prices hold
    budget:   of the run; None if nothing is kept of it
    call:     the id of the call
    parts:    what the call counts for, "" being the run as a whole
    limits:   the bounds of those parts that have any
    max_cost: dollars of the call itself
    written:  told after each turn
    """

    def __init__(
        self,
        fn: str = "",
        now: Callable[[], str] = str,
        budget: Budget | None = None,
        call: str = "",
        parts: Sequence[str] = ("",),
        limits: Sequence[Limit] = (),
        max_cost: float | None = None,
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self._fn = fn
        self.now = now
        self._budget = budget
        self._call = call
        self._parts = tuple(dict.fromkeys([*parts, *(limit.part for limit in limits)]))
        self._limits = limits
        self._max_cost = max_cost
        self._written = written
        self._own = Habits()
        self._size = 0
        self._counted = False
        self.held = Amount()  # set aside for the turn under way
        self.money: float | None = None  # dollars that the turn may cost, if dollars are bounded
        self._scarce = False  # whether budgets leave the turn less than the call itself allows
        self.usage = Usage()
        self.cost: float | None = 0.0
        self.turns = 0
        self.attempts = 0
        self.longest = 0  # tokens of the longest answer
        self.archive: str | None = None  # where the prompt is kept
        self.started: tuple[str, float] | None = None  # when its turn came: the time, and the same on the run's clock

    def begin(self) -> None:
        """An attempt begins. Before the first the call only stood in line."""
        self.attempts += 1
        self.started = self.started or (self.now(), trio.current_time())

    async def reserve(
        self, model: str, own: Price | None, size: int, longest: int, *, least: int = 0, caches: bool = False
    ) -> int:
        """The tokens that the answer of the next turn may have, at most `longest`. Raises E712.

        size:  bytes of the prompt
        own:   the price from the configuration
        least: tokens without which the turn is of no use
        caches: whether the provider may keep the prompt for the next turn, which is dearer
        """
        self._size = size
        if not self._limits and self._max_cost is None:
            return longest

        def ask() -> Turning:
            habits = self._habits(model)
            prompt = habits.prompt(size)
            price = price_of(model, prompt, self.now(), own)
            wanted = min(longest, max(least, habits.answer(longest)))
            return Turning(model, self._fn, prompt, longest, wanted, price, caches, int(not self._counted))

        longest = self._within_max_cost(ask())
        if self._budget is not None and self._limits:
            longest = await self._budget.reserve(self._call, self._parts, self._limits, ask)
            self.held = ask().amount(longest)
        self.money, self._scarce = self._money()
        return longest

    def settle(self, model: str, own: Price | None, usage: Usage, told: float | None = None) -> float | None:
        """A turn used `usage`. Returns its dollars, None if nobody knows; `told` are those that the provider says."""
        spent = cost(model, usage, self.now(), own) if told is None else told
        self.usage += usage
        self.longest = max(self.longest, usage.output)
        self.cost = None if self.cost is None or spent is None else self.cost + spent
        self._habits(model).learn(self._size, usage)
        # A turn whose price turns out to be unknown counts as what was set aside for it.
        self._close(Amount(self.held.cost if spent is None else spent, usage.prompt + usage.output, self._first()))
        self._written()
        return spent

    def release(self) -> None:
        """The turn failed and used nothing."""
        self._close(Amount())

    def give_up(self) -> None:
        """The turn was broken off by us: what it used is not known, and counts as what was set aside for it."""
        if self.held.calls:
            self._counted = True
        self._close(self.held)

    def _money(self) -> tuple[float | None, bool]:
        """Dollars that the turn may cost, None if nothing bounds them; and whether budgets bound them most."""
        own = math.inf if self._max_cost is None else self._max_cost - (self.cost or 0.0)
        shared = self.held.cost if any("usd" in limit.bounds for limit in self._limits) else math.inf
        money = min(own, shared)
        return (None if money == math.inf else money), shared < own

    def stopped(self) -> OrchError:
        """What an agent means that ended at the dollars it was given."""
        if not self._scarce:
            return OrchError("E712", f"the agent stopped at the maxCost of the call, ${self._max_cost or 0:.4f}")
        what = f"the agent stopped at ${self.money:.4f}, which was all that the budgets had for it"
        return OrchError("E712", what, exit=4, fatal=True)

    def _first(self) -> int:
        first, self._counted = not self._counted, True
        return int(first)

    def _close(self, amount: Amount) -> None:
        self.held = Amount()
        if self._budget is not None:
            self._budget.settle(self._call, self._parts, amount)

    def _habits(self, model: str) -> Habits:
        return self._own if self._budget is None else self._budget.habits(self._fn, model)

    def _within_max_cost(self, turning: Turning) -> int:
        limit = self._max_cost
        if limit is None:
            return turning.longest
        if turning.price is None or self.cost is None:
            raise OrchError("E712", f"maxCost cannot be kept: the price of {turning.model} is not known")
        each = turning.price.output / MILLION
        room = (limit - self.cost - turning.cost(0)) / each if each else turning.longest
        if room < turning.least:
            may = turning.cost(turning.least)
            what = f"the call has cost ${self.cost:.4f}, the next turn may cost ${may:.4f}, its maxCost is ${limit:.4f}"
            raise OrchError("E712", what, help="raise maxCost, or lower maxTokens")
        return int(min(turning.longest, room))
