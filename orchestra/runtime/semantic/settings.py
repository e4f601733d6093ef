"""What a script says about a question or a summary: the keys of the last argument, or behind `with`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.values.tagged import MISSING, plain

__all__ = ["Asked", "Shortened", "read_asked", "read_shortened", "wrong"]


@dataclass(slots=True)
class Asked:
    """How a question is decided.

    explicit:     fields of the result that answer it
    declared:     how a line begins that answers it
    yes, no:      words that mean so, in such a field or line
    on_uncertain: the answer when the judge is not sure
    threshold:    confidence below which it is not
    context:      `result`, or `program` to show the judge the script as well
    """

    explicit: tuple[str, ...] = ()
    declared: str = "DECISION"
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    on_uncertain: Any = None
    threshold: float = 0.5
    context: str = "result"
    model: str | None = None
    provider: str | None = None


@dataclass(slots=True)
class Shortened:
    """most: tokens; keep: what must stay; goal: what the summary is for."""

    most: int
    keep: tuple[str, ...] = ()
    goal: str | None = None
    model: str | None = None
    provider: str | None = None


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"{key} must be text")
    return value


def _texts(key: str, value: Any) -> tuple[str, ...]:
    return tuple(_text(key, item) for item in (value if isinstance(value, list) else [value]))


def _part(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise wrong(f"{key} must be a number from 0 to 1")
    return float(value)


def _count(key: str, value: Any) -> int:
    whole = isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
    if not whole or value < 1:
        raise wrong(f"{key} must be a whole number from 1")
    return int(value)


def _context(key: str, value: Any) -> str:
    if value not in ("result", "program"):
        raise wrong(f'{key} is "result" or "program"')
    return str(value)


Reader = Callable[[str, Any], Any]
_WHO: Mapping[str, Reader] = {"model": _text, "provider": _text}
_ASKED: Mapping[str, Reader] = {
    "explicit": _texts, "declared": _text, "yes": _texts, "no": _texts, "onUncertain": lambda key, value: value,
    "threshold": _part, "context": _context, **_WHO,
}  # fmt: skip
_SHORTENED: Mapping[str, Reader] = {"maxTokens": _count, "keep": _texts, "goal": _text, **_WHO}


def read_asked(name: str, settings: Any) -> Asked:
    """Raises E207 for what is unknown or wrong."""
    return Asked(**_read(name, settings, _ASKED))


def read_shortened(name: str, settings: Any) -> Shortened:
    found = _read(name, settings, _SHORTENED)
    if "max_tokens" not in found:
        raise wrong(f"{name} needs maxTokens", f"{name}(@content, {{ maxTokens: 500 }})")
    return Shortened(most=found.pop("max_tokens"), **found)


def _read(name: str, settings: Any, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The settings under the names of attributes. Keys may be written `onUncertain` or `on_uncertain`."""
    given = plain(settings)
    if given is None or given is MISSING:
        return {}
    if not isinstance(given, dict):
        raise wrong(f"the settings of {name} are an object")
    found = {}
    for written, value in given.items():
        key = re.sub(r"_([a-z])", lambda match: match[1].upper(), str(written))
        if key not in readers:
            meant = nearest(key, readers)
            raise wrong(f"{name} has no setting {written}", f"did you mean {meant}?" if meant else None)
        if value is not None:
            found[re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", key)] = readers[key](key, value)
    return found


def wrong(message: str, help: str | None = None) -> OrchError:
    return OrchError("E207", message, help=help)
