"""Methods of arrays. Elements keep their tags; a result made out of elements carries what they carry."""

from __future__ import annotations

from collections.abc import Iterator

from orchestra.values.builtin import Builtin, table
from orchestra.values.kinds import type_name
from orchestra.values.methods.arguments import integer, text
from orchestra.values.operators import equals
from orchestra.values.tagged import MISSING, Value, joined, meta_of, plain, tag, unwrap
from orchestra.values.text import template_text

__all__ = ["ARRAYS"]

Items = list[Value]


def _length(items: Items, *_: Value) -> int:
    return len(items)


def _position(items: Items, wanted: Value, start: Value) -> int:
    """Strict: 10 is not "10". A negative start counts from the end."""
    kind, first = type_name(wanted), integer(start, 0)
    for index in range(max(0, first + len(items) if first < 0 else first), len(items)):
        data = unwrap(items[index])
        if type_name(data) == kind and equals(data, wanted):
            return index
    return -1


def _includes(items: Items, wanted: Value, start: Value = None, *_: Value) -> Value:
    return tag(_position(items, wanted, start) >= 0, joined(items, deep=True))


def _index_of(items: Items, wanted: Value, start: Value = None, *_: Value) -> Value:
    return tag(_position(items, wanted, start), joined(items, deep=True))


def _join(items: Items, separator: Value = ",", *_: Value) -> Value:
    return tag(text(separator).join(map(_joinable, items)), joined(items, deep=True))


def _joinable(item: Value) -> str:
    data = unwrap(item)
    return "" if data is None or data is MISSING else template_text(item)


def _slice(items: Items, start: Value = None, end: Value = None, *_: Value) -> Items:
    return items[integer(start, 0) : integer(end, len(items))]


def _concat(items: Items, *others: Value) -> Items:
    result = list(items)
    for other in others:
        if isinstance(other, list):
            result += other
        else:
            result.append(other)
    return result


def _reverse(items: Items, *_: Value) -> Items:
    return items[::-1]


def _flat(items: Items, depth: Value = 1, *_: Value) -> Items:
    return list(_flattened(items, integer(depth, 1)))


def _flattened(items: Items, depth: int) -> Iterator[Value]:
    for item in items:
        data = unwrap(item)
        if depth > 0 and isinstance(data, list):
            yield from (tag(inner, meta_of(item)) for inner in _flattened(data, depth - 1))
        else:
            yield item


def _sort(items: Items, *_: Value) -> Items:
    return sorted(items, key=lambda item: template_text(plain(item)))


def _at(items: Items, index: Value = 0, *_: Value) -> Value:
    position = integer(index, 0)
    return items[position] if -len(items) <= position < len(items) else None


ARRAYS = table(
    Builtin("length", "how many elements there are", '["a", "b"].length()', "2", _length),
    Builtin(
        "includes",
        'whether an element is there; 10 is not "10"',
        '[10, 20].includes("10")',
        "false",
        _includes,
        1,
    ),
    Builtin("indexOf", "position of the first such element, or -1", '["a", "b"].indexOf("b")', "1", _index_of, 1),
    Builtin(
        "join",
        "the elements as one string, `,` between them unless told",
        '[1, 2, 3].join(" + ")',
        "1 + 2 + 3",
        _join,
    ),
    Builtin(
        "slice",
        "the elements from a position up to another; negative counts from the end",
        "[1, 2, 3, 4].slice(1, -1)",
        "[2,3]",
        _slice,
    ),
    Builtin(
        "concat",
        "a new array with more elements; those of an array are added one by one",
        "[1].concat([2, 3], 4)",
        "[1,2,3,4]",
        _concat,
    ),
    Builtin("reverse", "a new array from last to first", "[1, 2, 3].reverse()", "[3,2,1]", _reverse),
    Builtin(
        "flat",
        "a new array with inner arrays opened, one level unless told",
        "[1, [2, [3]]].flat()",
        "[1,2,[3]]",
        _flat,
    ),
    Builtin("sort", "a new array in the order of the texts", "[4, 12, 3].sort()", "[12,3,4]", _sort),
    Builtin("at", "one element; negative counts from the end, null outside", '["a", "b"].at(-1)', "b", _at, 1),
)
