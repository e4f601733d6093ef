"""`with { retry: n, backoff: "exponential" }`: further attempts at one call, as many as the script declares.

A stage that asks for another attempt with `retry` is the business of pipelines, a busy server that of the providers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.tails import With
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

__all__ = ["Retrying", "retrying"]

MOST: Final = 20  # further attempts

# Seconds before each further attempt, by its number from 1.
BACKOFFS: Final[dict[str, Callable[[int], float]]] = {
    "none": lambda number: 0.0,
    "linear": lambda number: float(number),
    "exponential": lambda number: 2.0 ** (number - 1),
}

# What would fail in the same way again: mistakes in the program, its calls or its settings, denials, `bail`.
HOPELESS: Final = ("E1", "E2", "E399", "E41", "E6", "E701", "E702", "E703", "E704", "E713", "E73", "E8", "E9")


@dataclass(frozen=True, slots=True)
class Retrying:
    """`more` attempts after the first; `wait` gives the seconds before each, by its number from 1."""

    more: int
    wait: Callable[[int], float]

    def tried(self, work: Callable[[int], Any], scope: Scope, what: str) -> Any:
        """What `work` gives; it gets the number of the attempt, from 1. Raises the error of the last one."""
        for number in range(1, self.more + 1):
            try:
                return work(number)
            except OrchError as error:
                if error.fatal or error.code.startswith(HOPELESS) or scope.run.guesses:
                    raise
                seconds = self.wait(number)
                scope.run.trying_again(what, error, number + 1, self.more + 1, seconds)
            if seconds:
                scope.run.sleep(seconds)
        return work(self.more + 1)


def retrying(options: With, scope: Scope) -> Retrying | None:
    """What the options say of further attempts; None if nothing. Raises E305."""
    wish, way = options.part("retry"), options.part("backoff")
    if wish is None:
        if way is not None:
            raise OrchError("E305", "backoff needs retry", way.span, help='retry: 3, backoff: "exponential"')
        return None
    return Retrying(_number(wish, scope), _backoff(way, scope))


def _number(part: Node, scope: Scope) -> int:
    value = unwrap(part.eval(scope))
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    if not whole or not 0 <= value <= MOST:
        message = f"retry is how often to try again, a whole number from 0 to {MOST}"
        raise OrchError("E305", message, part.span, help="retry: 3")
    return int(value)


def _backoff(part: Node | None, scope: Scope) -> Callable[[int], float]:
    name = unwrap(part.eval(scope)) if part is not None else "none"
    if name not in BACKOFFS:
        assert part is not None
        raise OrchError("E305", "backoff is none, linear or exponential", part.span, help='backoff: "exponential"')
    return BACKOFFS[name]
