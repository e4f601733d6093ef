"""Types of settings: what may stand in the file and in an environment variable, and how messages call it.

Which setting is of which type is told in `config`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

__all__ = [
    "BUDGET",
    "COUNT",
    "DURATION",
    "SIZE",
    "SWITCH",
    "TABLE",
    "TEXT",
    "TEXTS",
    "Kind",
    "bounds",
    "duration",
    "one_of",
    "size",
]

T = TypeVar("T")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
SIZES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
BOUNDED = ("usd", "tokens", "calls")
SWITCHES = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def duration(text: str, bare: str | None = None) -> float:
    """Seconds meant by `90s` or `1.5h`; `bare` is the unit of a number without one. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", text.strip())
    unit = match and (match[2] or bare)
    if match is None or not unit:
        raise ValueError(f'"{text}" is not a duration like 90s or 5m')
    return float(match[1]) * UNITS[unit]


def size(text: str) -> int:
    """Bytes meant by `500MB` or `2GB`, units of a thousand. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?", text.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f'"{text}" is not a size like 500MB or 2GB')
    return round(float(match[1]) * SIZES[match[2].lower()])


def bounds(value: object) -> dict[str, float]:
    """The bounds of a budget by `usd`, `tokens` and `calls`. Raises ValueError for anything else."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError("usd, tokens or calls with a number are expected")
    for unit, number in value.items():
        if unit not in BOUNDED:
            raise ValueError(f'usd, tokens or calls is expected, not "{unit}"')
        if isinstance(number, bool) or not isinstance(number, int | float) or not number >= 0:
            raise ValueError(f"{unit} must be a number from 0")
    return {str(unit): float(number) for unit, number in value.items()}


class Kind(Generic[T]):
    """A type of setting: how messages call it, what it is in TOML, how an environment variable holds it.

    `read` and `from_text` raise ValueError for what does not fit.
    """

    def __init__(
        self,
        name: str,
        accepts: type | tuple[type, ...],
        read: Callable[[Any], T],
        from_text: Callable[[str], T],
    ) -> None:
        self.name = name
        self.accepts = accepts
        self.read = read
        self.from_text = from_text

    def check(self, value: object) -> T:
        if not isinstance(value, self.accepts) or (isinstance(value, bool) and self.accepts is not bool):
            raise ValueError(f"{self.name} is expected")
        return self.read(value)


def _seconds(value: str | float) -> float:
    return duration(value) if isinstance(value, str) else float(value)


def _size(value: str | int) -> int:
    return size(value) if isinstance(value, str) else _count(value)


def _count(number: int) -> int:
    if number < 1:
        raise ValueError("a whole number from 1 is expected")
    return number


def _count_text(text: str) -> int:
    if not text.strip().isdecimal():
        raise ValueError("a whole number is expected")
    return _count(int(text))


def _texts(items: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(item, str) for item in items):
        raise ValueError("a list of texts is expected")
    return tuple(items)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in (item.strip() for item in text.split(",")) if part)


def _switch(text: str) -> bool:
    if text.strip().lower() not in SWITCHES:
        raise ValueError("true or false is expected")
    return SWITCHES[text.strip().lower()]


def _no_text(text: str) -> dict[str, Any]:
    raise ValueError("a table can only be given in orch.toml")


def one_of(*words: str) -> Kind[str]:
    def pick(word: str) -> str:
        if word not in words:
            raise ValueError(f"one of {', '.join(words)} is expected")
        return word

    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", str, pick, pick)


TEXT = Kind("a text", str, str, str)
SWITCH = Kind("true or false", bool, bool, _switch)
COUNT = Kind("a whole number", int, _count, _count_text)
TEXTS = Kind("a list of texts", list, _texts, _split)
DURATION = Kind('a duration like "90s" or a number of seconds', (str, int, float), _seconds, duration)
SIZE = Kind('a size like "500MB" or a number of bytes', (str, int), _size, size)
TABLE: Kind[dict[str, Any]] = Kind("a table", dict, dict, _no_text)
BUDGET: Kind[dict[str, float]] = Kind("a table of usd, tokens and calls", dict, bounds, _no_text)
