"""The part of a run that keeps to budgets and limits: which bounds hold where, and how a run ends that must pause.

The bounds themselves are kept by `budget`, rows of calls are written by `ledger`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.budgets import Limit
from orchestra.values.scope import Scope

if TYPE_CHECKING:
    from orchestra.runtime.budget import Budget

__all__ = ["Accounting"]


class Accounting:
    """Mixed into `Run`.

    parked_until: when a provider's limit ends that the run does not wait for
    """

    options: Any
    config: Any
    phase: str | None
    execution: Any
    now: Any
    _phases: Any
    end_with: Any
    parked_until: str | None = None

    @cached_property
    def budget(self) -> Budget:
        from orchestra.runtime.budget import Budget

        return Budget(
            lambda: self.execution.spending,
            lambda fn, model: self.execution.calls.longest(fn, model),
        )

    @cached_property
    def _own_limit(self) -> Limit | None:
        """The budget of the run as a whole: the command line's, and the project's for what that does not bound."""
        bounds = {**self.config.llm.budget, **self.options.budget}
        return Limit("", "the budget of the run", bounds) if bounds else None

    def limits(self, scope: Scope) -> list[Limit]:
        """The bounds that hold for a model call in this scope."""
        found = [self._own_limit, self._phases.limit, *scope.context.limits]
        return [limit for limit in found if limit is not None]

    def parts_of(self, fn: str) -> list[str]:
        """What a model call for the function `fn` counts for, whether that has a budget or not."""
        phase = [f"checkpoint {self.phase}"] if self.phase is not None else []
        return ["", f"@{fn}", *phase]

    def ended_by(self, error: OrchError) -> None:
        """A model call failed. If that ends the run for now, what is under way is finished, and nothing begun."""
        if not error.resumable:
            return
        seconds = error.details.get("retryAfter")
        if error.code == "E711" and seconds is not None:
            until = datetime.fromisoformat(self.now()) + timedelta(seconds=seconds)
            self.parked_until = error.details["until"] = until.isoformat(timespec="seconds").replace("+00:00", "Z")
            error.help = f"run it again after {until:%H:%M:%S} UTC ({until:%Y-%m-%d}); with --wait orch waits itself"
        self.end_with(error)
