"""What models cost and which ids their short names mean, as data with dates.

Figures are those published in November 2026; a model that is not here has no known cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestra.providers.protocol import Usage

__all__ = ["ALIASES", "Price", "configured_price", "cost"]

ALIASES = {
    "haiku": "claude-haiku-5-5",
    "sonnet": "claude-sonnet-5-5",
    "opus": "claude-opus-5-5",
}

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, for prompts of at most `band` tokens. None where no figure is published."""

    input: float
    output: float
    write: float
    write_long: float | None
    read: float | None
    band: float = float("inf")

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


# Bands in rising order; the first that holds the prompt counts.
PRICES: dict[str, tuple[Price, ...]] = {
    "claude-opus-5-5": (Price(4, 20, 5, 8, 0.20),),
    "claude-sonnet-5-5": (Price(2, 10, 2.50, 4, 0.20),),
    "claude-haiku-5-5": (
        Price(0.10, 0.50, 0.125, 0.20, 0.01, band=100_000),
        Price(0.50, 2.50, 0.625, None, None),
    ),
}


def cost(model: str, usage: Usage, own: Price | None = None) -> float | None:
    """Dollars of one turn, or None if the price is not known. `own` is a price from the configuration."""
    if own is not None:
        return own.of(usage)
    for price in PRICES.get(model, ()):
        if usage.prompt <= price.band:
            return price.of(usage)
    return None


def configured_price(value: Any) -> Price | None:
    """The `price` of a provider's table: one number for every token, or `{input, output}`."""
    if isinstance(value, Mapping):
        incoming, outgoing = float(value.get("input", 0)), float(value.get("output", 0))
        return Price(incoming, outgoing, incoming, incoming, incoming)
    if value is None:
        return None
    each = float(value)
    return Price(each, each, each, each, each)
