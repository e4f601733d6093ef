"""How long to wait before a turn that failed is tried again.

A pure function: the caller sleeps, and says how much time and which random number there is.
"""

from __future__ import annotations

from orchestra.providers.faults import Kind, ProviderError

__all__ = ["SLOWING", "WAITED_FOR", "next_delay"]

TRANSIENT_RETRIES = 4
LONGEST_STEP = 60.0

WAITED_FOR: frozenset[Kind] = frozenset({"rate", "overload"})
PASSING: frozenset[Kind] = frozenset({"transient", "timeout"})

# After these the other calls of the same model are slowed as well.
SLOWING: frozenset[Kind] = frozenset({"rate", "overload", "timeout"})


def next_delay(attempt: int, error: ProviderError, *, retries: float, chance: float) -> float | None:
    """Seconds to wait after failed attempt number `attempt` (from 1), None to give up.

    chance: a random number from 0 to 1, which spreads parallel calls
    """
    if error.final or error.kind not in WAITED_FOR | PASSING:
        return None
    allowed = retries if error.kind in WAITED_FOR else min(retries, TRANSIENT_RETRIES)
    if attempt > allowed:
        return None
    return chance * min(LONGEST_STEP, 2.0**attempt) + (error.retry_after or 0.0)
