"""The row of one model call in the ledger, written after each of its turns and when it is over.

What a call used is counted by its meter; the ledger as people see it is the business of the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import trio

from orchestra.errors import OrchError
from orchestra.providers.choice import ResolvedModel
from orchestra.runtime.meter import Meter
from orchestra.store import CallRow, NotStored
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
        self._made = (run.now(), trio.current_time())
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
        self._audit(error, cached=False)
        self._write(stop, error)

    def answered(self, stop: str, request: str, answer: Any) -> None:
        """The same for an answer that is kept, in the same moment, under the name of its request."""
        self._audit(None, cached=False)
        with self._store_in_use():
            calls = self._run.execution.calls
            try:
                calls.put_answered(replace(self._row(stop, None), request=request), answer)
            except NotStored:
                calls.put(self._row(stop, None))

    def reused(self, call: CallRow) -> None:
        """Nothing was asked: the answer is that of the earlier `call`."""
        self.meter.archive = call.archive
        self._audit(None, cached=True)
        with self._store_in_use():
            self._run.execution.calls.put(replace(self._row(call.stop, None), cached=True, request=call.request))

    def _audit(self, error: str | None, *, cached: bool) -> None:
        meter, usage = self.meter, self.meter.usage
        self._run.audit(
            "llmCall", fn=self._fn, call=self._id, cached=cached, provider=self._resolved.provider,
            model=self._resolved.id, input=usage.input, output=usage.output, cost=meter.cost, archive=meter.archive,
            error=error,
        )  # fmt: skip

    def _unfinished(self) -> None:
        self._write(None, UNFINISHED)

    def _write(self, stop: str | None, error: str | None) -> None:
        with self._store_in_use():
            self._run.execution.calls.put(self._row(stop, error))

    @contextmanager
    def _store_in_use(self) -> Iterator[None]:
        try:
            yield
        except OrchError as fault:
            if fault.code != "E806":
                raise
            self._run.end_with(fault)

    def _row(self, stop: str | None, error: str | None) -> CallRow:
        meter, usage = self.meter, self.meter.usage
        started, clock = meter.started or self._made
        return CallRow(
            id=self._id, fn=self._fn, provider=self._resolved.provider, model=self._resolved.id,
            started=started, ms=round((trio.current_time() - clock) * 1000), turns=meter.turns,
            input=usage.input, output=usage.output, cache_write=usage.cache_write, cache_read=usage.cache_read,
            cost=meter.cost, stop=stop, attempts=meter.attempts, cached=False, archive=meter.archive,
            phase=self._phase, error=error, longest=meter.longest, estimated=usage.estimated, key=self._key,
        )  # fmt: skip
