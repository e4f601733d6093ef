"""What the calls of a run came to, and what is set aside for turns under way, so that no budget is exceeded.

Sums are kept for the run as a whole and for each part of it that may have a budget; how much a turn needs is
decided by the caller. All processes that work on the run see the same sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestra.store.claims import Owner
from orchestra.store.connection import Connection

__all__ = ["Amount", "Spending", "Standing"]


@dataclass(frozen=True, slots=True)
class Amount:
    """Dollars, tokens, calls. Of turns whose price is not known the dollars are 0."""

    cost: float = 0.0
    tokens: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The sums of one part: what is gone, and what is set aside."""

    spent: Amount
    held: Amount


class Spending:
    """The sums of one run, changed in the name of one execution.

    A part is a text; "" is the run as a whole.
    """

    def __init__(self, connection: Connection, owner: Owner, *, run: str, execution: str) -> None:
        self._connection = connection
        self._owner = owner
        self._run = run
        self._execution = execution

    def standing(self, part: str) -> Standing:
        spent = self._connection.one(
            "SELECT cost, tokens, calls FROM spending WHERE run = ? AND part = ?", (self._run, part)
        )
        held = self._connection.one(
            "SELECT total(r.cost), coalesce(sum(r.tokens), 0), coalesce(sum(r.calls), 0) FROM reservations r"
            " JOIN executions x ON x.id = execution WHERE x.run = ? AND part = ?",
            (self._run, part),
        )
        return Standing(Amount(*spent) if spent else Amount(), Amount(*held) if held else Amount())

    def reserve(
        self, call: str, parts: Sequence[str], grant: Callable[[list[Standing]], Amount | None]
    ) -> Amount | None:
        """Set aside what `grant` makes of the standing of the parts; None if it does not fit into one of them."""
        with self._connection.transaction():
            amount = grant([self.standing(part) for part in parts])
            if amount is not None:
                rows = [(self._execution, call, part, amount.cost, amount.tokens, amount.calls) for part in parts]
                self._connection.change_many(
                    "INSERT OR REPLACE INTO reservations (execution, call, part, cost, tokens, calls)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    rows,
                )
            return amount

    def settle(self, call: str, parts: Sequence[str], amount: Amount) -> None:
        """A turn of the call is over and came to `amount`; what was set aside for it is free again."""
        with self._connection.transaction():
            self._free(self._execution, call)
            if amount != Amount():
                self._add(parts, amount)

    def end_dead(self) -> bool:
        """What killed processes had set aside counts as spent: their turns were most likely paid for.

        Returns whether there were any.
        """
        rows = self._connection.all(
            "SELECT DISTINCT x.id, x.ended, x.host, x.boot, x.pid, x.born FROM reservations r JOIN executions x"
            " ON x.id = r.execution WHERE x.run = ? AND x.id <> ?",
            (self._run, self._execution),
        )
        dead = [id for id, ended, *owner in rows if ended is not None or self._owner.sees_end_of(Owner(*owner))]
        for execution in dead:
            self._count(execution)
        return bool(dead)

    def _count(self, execution: str) -> None:
        with self._connection.transaction():
            for part, *amount in self._connection.all(
                "SELECT part, sum(cost), sum(tokens), sum(calls) FROM reservations WHERE execution = ? GROUP BY part",
                (execution,),
            ):
                self._add([part], Amount(*amount))
            self._connection.change("DELETE FROM reservations WHERE execution = ?", (execution,))

    def _free(self, execution: str, call: str) -> None:
        self._connection.change("DELETE FROM reservations WHERE execution = ? AND call = ?", (execution, call))

    def _add(self, parts: Sequence[str], amount: Amount) -> None:
        self._connection.change_many(
            "INSERT INTO spending (run, part, cost, tokens, calls) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET cost = cost + excluded.cost, tokens = tokens + excluded.tokens,"
            " calls = calls + excluded.calls",
            [(self._run, part, amount.cost, amount.tokens, amount.calls) for part in parts],
        )
