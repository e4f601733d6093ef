"""The items of a collection, and what an iteration over them leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.views import View
from orchestra.values.error_item import ErrorItem
from orchestra.values.kinds import a_kind
from orchestra.values.tagged import MISSING, joined, tag_each, unwrap
from orchestra.values.text import auto_parse, display

__all__ = ["DROPPED", "PASSED_OVER", "STOPPED", "Items", "Stopped", "as_data", "items_of"]


DROPPED: Final = object()  # an iteration that leaves nothing in the result
PASSED_OVER: Final = object()  # an item that the filter left out


class Stopped:
    """The outcome of an item that never ran or ended the loop."""


STOPPED: Final = Stopped()


@dataclass(frozen=True, slots=True)
class Items:
    """Keys and items of a collection: positions as text for arrays, field names for objects, which are `keyed`."""

    pairs: list[tuple[str, Any]]
    keyed: bool


def items_of(value: Any, place: Node) -> Items:
    """What a `for` goes through. Raises E304 for anything but an array or object."""
    data = unwrap(value)
    if isinstance(data, View):
        data = data.items()
    if isinstance(data, list):
        keys: Iterable[str] = map(str, range(len(data)))
        items = data
    elif isinstance(data, dict) and not isinstance(data, ErrorItem):
        keys, items = data, list(data.values())
    else:
        raise OrchError(
            "E304", f"for needs an array or object, this is {a_kind(data)}: {shortened(data)}", place.span
        )  # fmt: skip
    pairs = list(zip(keys, tag_each(items, joined((value,))), strict=True))
    return Items(pairs, isinstance(data, dict))


def shortened(data: Any) -> str:
    text = display(None if data is MISSING else data) or "null"
    return text if len(text) <= 40 else text[:39] + "…"


def as_data(value: Any) -> Any:
    """A text that is a JSON object or array becomes that data."""
    if value.__class__ is str and value[:1] in ("{", "["):
        return auto_parse(value, objects_only=True)
    return None if value is MISSING else value
