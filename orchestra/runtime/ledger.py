"""The row of one model call in the ledger, written after each of its turns and when it is over.

What a call used is counted by its meter; the ledger as people see it is the business of the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from orchestra.errors import OrchError
from orchestra.providers.choice import ResolvedModel
from orchestra.runtime.meter import Meter
from orchestra.store import CallRow
from orchestra.values.scope import Scope

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Ledgered"]

UNFINISHED = "not finished"  # what stands in the row of a call whose process was killed


class Ledgered:
    """A call and its meter. The functions around it are `fn` and those that have budgets of their own."""

    def __init__(
        self, run: Run, scope: Scope, id: str, fn: str, resolved: ResolvedModel, max_cost: float | None
    ) -> None:
        self._run = run
        self._id = id
        self._fn = fn
        self._resolved = resolved
        self._phase = run.phase
        memo = scope.context.memo
        self._key = memo.key.digest if memo is not None and memo.key is not None else None
        self._started = run.now()
        self._clock = trio.current_time()
        self.meter = Meter(
            fn,
            now=run.now,
            budget=run.budget,
            call=id,
            parts=run.parts_of(fn),
            limits=run.limits(scope),
            max_cost=max_cost,
            written=self._unfinished,
        )

    def over(self, stop: str | None, error: str | None) -> None:
        """The call came to its end. If the store fails here, an answer that was paid for is still passed on."""
        meter, usage = self.meter, self.meter.usage
        self._run.audit(
            "llmCall", fn=self._fn, call=self._id, cached=False, provider=self._resolved.provider,
            model=self._resolved.id, input=usage.input, output=usage.output, cost=meter.cost, archive=meter.archive,
            error=error,
        )  # fmt: skip
        self._write(stop, error)

    def _unfinished(self) -> None:
        self._write(None, UNFINISHED)

    def _write(self, stop: str | None, error: str | None) -> None:
        try:
            self._put(stop, error)
        except OrchError as fault:
            if fault.code != "E806":
                raise
            self._run.end_with(fault)

    def _put(self, stop: str | None, error: str | None) -> None:
        meter, usage = self.meter, self.meter.usage
        row = CallRow(
            id=self._id, fn=self._fn, provider=self._resolved.provider, model=self._resolved.id,
            started=self._started, ms=round((trio.current_time() - self._clock) * 1000), turns=meter.turns,
            input=usage.input, output=usage.output, cache_write=usage.cache_write, cache_read=usage.cache_read,
            cost=meter.cost, stop=stop, attempts=meter.attempts, cached=False, archive=meter.archive,
            phase=self._phase, error=error, longest=meter.longest, estimated=usage.estimated, key=self._key,
        )  # fmt: skip
        self._run.execution.calls.put(row)
