"""Reading parts of a value: fields, indexes, slices and filters of arrays.

The base is plain at the top; what stands in it keeps its tag. What is not there reads as MISSING. How the tag
of the base flows on is the business of the nodes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.values.error_item import ErrorItem
from orchestra.values.kinds import a_kind
from orchestra.values.operators import (
    equals,
    greater,
    greater_equal,
    less,
    less_equal,
    to_number,
    truthy,
)
from orchestra.values.tagged import MISSING, Value, meta_of, tag, unwrap
from orchestra.values.text import format_number, template_text

__all__ = ["each_field", "filter_of", "get_field", "get_index", "slice_of"]

# A field of this name on a string was most likely meant as the end of a file name.
_EXTENSION = re.compile(
    "att|bash|c|cpp|cs|css|csv|env|gif|go|h|html?|ini|java|jpe?g|jsx?|jsonl?|lock|log|md|mjs|mld|mtt|out|pdf|png|"
    "py|rb|rs|sh|sql|svg|toml|tsv?|tsx|txt|xml|ya?ml|zip"
)
_DIGITS = re.compile(r"[0-9]+")


def get_field(value: Value, name: str) -> Value:
    """`.name` of a value, MISSING where there is none. E205 on strings, numbers, booleans, executables."""
    if value.__class__ is dict:
        return value.get(name, MISSING)
    if isinstance(value, ErrorItem):
        return value.read(name, MISSING)
    if isinstance(value, list):
        return _field_of_array(value, name)
    if value is None or value is MISSING:
        return MISSING
    if isinstance(value, str) and name == "length":
        return len(value)
    raise OrchError("E205", f"cannot read .{name} of {a_kind(value)}", help=_advice(value, name))


def _field_of_array(items: list[Value], name: str) -> Value:
    if name == "length":
        return len(items)
    return get_index(items, int(name)) if _DIGITS.fullmatch(name) else MISSING


def _advice(value: Value, name: str) -> str | None:
    if not isinstance(value, str):
        return None
    if value.lstrip()[:1] in ("{", "["):
        return "the string looks like JSON, parse it first: `| @parse`"
    if _EXTENSION.fullmatch(name):
        return f"to end a file name here, write `\\.{name}`"
    return "did you mean .length?" if nearest(name, ["length"]) else None


def get_index(value: Value, index: Value) -> Value:
    """`[index]` of a value: position in an array, key of an object.

    Positions outside and negative ones are MISSING. E205 if the base has no elements, E206 for a bad index.
    """
    if value is None or value is MISSING:
        return MISSING
    if isinstance(index, str):
        return get_field(value, index) if not _DIGITS.fullmatch(index) else _element(value, int(index), index)
    if isinstance(index, bool) or not isinstance(index, (int, float)):
        raise OrchError("E206", f"an index is a number or a string, not {a_kind(index)}")
    return _element(value, index, format_number(index))


def _element(value: Value, position: float, key: str) -> Value:
    if isinstance(value, dict):
        return get_field(value, key)
    if not isinstance(value, list):
        raise OrchError("E205", f"cannot read [{key}] of {a_kind(value)}", help=_index_advice(value, key))
    inside = position == position and 0 <= position < len(value) and position == int(position)
    return value[int(position)] if inside else MISSING


def _index_advice(value: Value, key: str) -> str | None:
    if not isinstance(value, str):
        return None
    if value.lstrip()[:1] in ("{", "["):
        return "the string looks like JSON, parse it first: `| @parse`"
    return f"for one character write `.slice({key}, {format_number(to_number(key) + 1)})`"


# ── slices ───────────────────────────────────────────────────────────────────────────────────────


def slice_of(value: Value, start: Value, end: Value) -> Value:
    """`[start:end]` of an array or string; null bounds are open, negative ones count from the end."""
    if value is None or value is MISSING:
        return MISSING
    if not isinstance(value, (list, str)):
        raise OrchError("E205", f"cannot take a slice of {a_kind(value)}")
    return value[_bound(start) : _bound(end)]


def _bound(value: Value) -> int | None:
    if value is None or value is MISSING:
        return None
    number = to_number(value)
    if math.isnan(number):
        raise OrchError("E206", f"a slice bound is a number, not {a_kind(value)}")
    return int(max(-_FAR, min(_FAR, number)))


_FAR = 2**53  # farther than any array reaches, and still an integer when the bound is infinite


# ── every element ────────────────────────────────────────────────────────────────────────────────


def each_field(value: Value, name: str) -> Value:
    """`[*].name`: that field of every element, null where an element has none. E205 unless it is an array."""
    if value is None or value is MISSING:
        return MISSING
    return [_or_null(_inside(item, name)) for item in _array(value, "[*]")]


def _array(value: Value, what: str) -> list[Value]:
    if isinstance(value, list):
        return value
    raise OrchError("E205", f"{what} needs an array, not {a_kind(value)}")


def _inside(item: Value, name: str | int) -> Value:
    """A part of a value that may be tagged, carrying what the whole carries."""
    data = unwrap(item)
    found = get_index(data, name) if isinstance(name, int) else get_field(data, name)
    return tag(found, meta_of(item))


def _or_null(value: Value) -> Value:
    return None if value is MISSING else value


Comparison = Callable[[Any, Any], bool]


def _contains(field: Value, part: Value) -> bool:
    return template_text(part) in template_text(field)


_COMPARISONS: dict[str, Comparison] = {
    "=": equals,
    "==": equals,
    "!=": lambda a, b: not equals(a, b),
    "<": less,
    "<=": less_equal,
    ">": greater,
    ">=": greater_equal,
    "~": _contains,
}


def filter_of(value: Value, path: Sequence[str | int], op: str | None, literal: Value) -> Value:
    """`[?path op literal]`: the elements whose part at `path` compares so; without `op`, is true.

    A missing part fails every comparison except `!=`. E205 unless `value` is an array.
    """
    if value is None or value is MISSING:
        return MISSING
    holds = _test(op, unwrap(literal))
    return [item for item in _array(value, "[?…]") if holds(unwrap(_at_path(item, path)))]


def _test(op: str | None, literal: Value) -> Callable[[Value], bool]:
    if op is None:
        return truthy
    compare = _COMPARISONS[op]
    return lambda field: compare(field, literal) if field is not MISSING else op == "!="


def _at_path(item: Value, path: Sequence[str | int]) -> Value:
    for name in path:
        item = _inside(item, name)
    return item
