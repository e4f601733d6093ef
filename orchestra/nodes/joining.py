"""`join` and `onFail`: when several things at once are enough, and what becomes of those that failed.

Running and cancelling them is the business of the run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra.errors import Note, OrchError, nearest
from orchestra.nodes.base import Node
from orchestra.nodes.items import STOPPED
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

if TYPE_CHECKING:
    from orchestra.nodes.tails import With

__all__ = ["Joiner", "Joining", "joining"]

POLICIES = ("fail-fast", "continue", "ignore")
ANY = re.compile(r"any\((\d+)\)")


class Joiner(Node):
    """A construct that does several things at once and takes the options behind it for itself."""

    __slots__ = ("options",)
    options: With | None


@dataclass(frozen=True, slots=True)
class Joining:
    """`enough`: so many successes end it, None for all. `policy`: one of `POLICIES`, or None if none was asked for."""

    join: str
    enough: int | None
    policy: str | None

    def check(self, outcomes: list[Any], what: str, place: Node) -> None:
        """E304 if there are fewer successes than were asked for, with the first failure as its reason."""
        failures = [outcome for outcome in outcomes if isinstance(outcome, OrchError)]
        good = sum(outcome is not STOPPED for outcome in outcomes) - len(failures)
        if self.enough is None or good >= self.enough:
            return
        notes = [Note(f"the first failure: {failures[0].message}", failures[0].span)] if failures else []
        raise OrchError(
            "E304", f"join {self.join!r} needs {self.enough} successful {what}, there were {good}", place.span,
            notes=notes,
        )  # fmt: skip


def joining(options: With | None, scope: Scope, total: int, what: str, place: Node) -> Joining:
    """What the options ask for. Raises E304 for words that mean nothing and numbers that do not fit."""
    if options is None:
        return Joining("all", None, None)
    join = str(unwrap(options.value("join", scope, "all")))
    return Joining(join, _enough(join, total, what, place), _policy(options, scope, place))


def _enough(join: str, total: int, what: str, place: Node) -> int | None:
    if join == "all":
        return None
    count = 1 if join == "first" else int(match.group(1)) if (match := ANY.fullmatch(join)) else 0
    if not 0 < count <= total:
        raise OrchError("E304", f"join {join!r} does not fit {total} {what}", place.span, help="all, first or any(n)")
    return count


def _policy(options: With, scope: Scope, place: Node) -> str | None:
    if options.part("onFail") is None:
        return None
    policy = str(unwrap(options.value("onFail", scope)))
    if policy not in POLICIES:
        meant = nearest(policy, POLICIES)
        help = f"did you mean {meant}?" if meant else "one of " + ", ".join(POLICIES)
        raise OrchError("E304", f"there is no failure policy {policy!r}", place.span, help=help)
    return policy
