"""A run done again: calls get the answers that they got then, or there is an error; nothing is asked unbidden.

Where those answers are found is left to `store.past`.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestra.errors import OrchError
from orchestra.nodes.op import Op
from orchestra.store import Hit, Key
from orchestra.store.past import Past
from orchestra.store.places import Places

__all__ = ["PastRun", "Replaying"]


@dataclass(frozen=True, slots=True)
class PastRun:
    """Which run is done again. until: when it ended; live: the function that is asked anew, None for none.

    places: the folders of this machine, if the run is one of another
    """

    id: str
    until: str
    live: str | None = None
    places: Places | None = None


class Replaying:
    """In place of the look-up of a usual run."""

    def __init__(self, past: Past, run: PastRun) -> None:
        self._past = past
        self._run = run
        self._begun = False  # the function was asked anew: what follows from that may be asked too

    def found(self, op: Op, key: Key | None) -> Hit | None:
        """The answer of then, or None if the call is to be made. E808 if it may not be made.

        key: None for a call that is never stored
        """
        if self._run.live == op.name:
            self._begun = True
            return None
        found = None if key is None else self._past.find(self._then(key))
        if found is None and not self._begun:
            raise self._missing(op)
        return found

    def _then(self, key: Key) -> Key:
        """The key under which the run knew the call."""
        return key if self._run.places is None else key.with_texts(self._run.places.hide)

    def _missing(self, op: Op) -> OrchError:
        from orchestra.nodes.functions import shown_arguments

        shown = f"@{op.name}"
        if op.function is not None:
            shown += f"({shown_arguments(op.function, op.inputs)})"
        return OrchError(
            "E808", f"run {self._run.id} has no answer for {shown}", op.span,
            help=f"its code or data changed since, or it was not stored; --from @{op.name} asks it", fatal=True,
        )  # fmt: skip
