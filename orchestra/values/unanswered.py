"""What stands for a value that nobody knows yet, because the call that gives it has not been made.

It can be handed on; operators and fields that look into it raise, so that no branch is guessed. Where it comes from is
left to whoever plans a run.
"""

from __future__ import annotations

from orchestra.errors import OrchError
from orchestra.values.error_item import ErrorItem
from orchestra.values.tagged import Value

__all__ = ["Unanswered"]


class Unanswered(ErrorItem):
    """As a failed item it is neither true nor false."""

    __slots__ = ()

    @staticmethod
    def refusal(what: str) -> OrchError:
        return OrchError("E301", f"{what} of an answer that is not there yet")

    def read(self, name: str, default: Value) -> Value:
        raise self.refusal(f"field {name}")
