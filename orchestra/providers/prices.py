"""What models cost and which ids their short names mean, as data with dates.

Figures are those published in November 2026; a model that is not here has no known cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra.providers.protocol import Usage

__all__ = ["ALIASES", "DEAREST", "Price", "configured_price", "cost", "price_of"]

ALIASES = {
    "haiku": "claude-haiku-5-5",
    "sonnet": "claude-sonnet-5-5",
    "opus": "claude-opus-5-5",
}

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, for prompts of at most `band` tokens. None where no figure is published.

    since: the day from which it holds, as ISO-8601
    """

    input: float
    output: float
    write: float
    write_long: float | None
    read: float | None
    band: float = float("inf")
    since: str = ""

    def of(self, usage: Usage) -> float | None:
        """Dollars, or None if tokens were used whose price is not known."""
        parts = (
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_write - usage.cache_write_long, self.write),
            (usage.cache_write_long, self.write_long),
            (usage.cache_read, self.read),
        )
        if any(tokens and price is None for tokens, price in parts):
            return None
        return sum(tokens * (price or 0) for tokens, price in parts) / MILLION


# Later dates first, then bands in rising order; the first that has begun and holds the prompt counts.
PRICES: dict[str, tuple[Price, ...]] = {
    "claude-opus-5-5": (Price(4, 20, 5, 8, 0.20),),
    "claude-sonnet-5-5": (
        Price(2, 10, 2.50, 4, 0.10, since="2026-10-07"),
        Price(2, 10, 2.50, 4, 0.20),
    ),
    "claude-haiku-5-5": (
        Price(0.10, 0.50, 0.125, 0.20, 0.01, band=100_000),
        Price(0.50, 2.50, 0.625, None, None),
    ),
}

DEAREST = PRICES["claude-opus-5-5"][0]


def price_of(model: str, prompt: int, day: str, own: Price | None = None) -> Price | None:
    """What holds for a prompt of so many tokens, or None if nobody knows.

    day: ISO-8601; a time behind it does no harm
    own: a price from the configuration, which stands above the list
    """
    if own is not None:
        return own
    for price in PRICES.get(model, ()):
        if price.since <= day and prompt <= price.band:
            return price
    return None


def cost(model: str, usage: Usage, day: str, own: Price | None = None) -> float | None:
    """Dollars of one turn, or None if the price is not known."""
    price = price_of(model, usage.prompt, day, own)
    return None if price is None else price.of(usage)


def configured_price(value: Any) -> Price | None:
    """The `price` of a provider's table: one number for every token, or a table with `input` and `output`.

    In the table `write` and `read` may stand for what goes into, and comes out of, a cache of prompts. Raises
    ValueError for anything else: a price that is forgotten must not count as 0.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping):
        each = _dollars(value)
        return Price(each, each, each, each, each)
    if not {"input", "output"} <= value.keys() <= {"input", "output", "write", "read"}:
        raise ValueError("a price is one number, or { input, output } with write and read if they differ from input")
    given = {name: _dollars(part) for name, part in value.items()}
    write = given.get("write", given["input"])
    return Price(given["input"], given["output"], write, write, given.get("read", given["input"]))


def _dollars(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError("a price is a number of dollars per million tokens")
    return float(value)
