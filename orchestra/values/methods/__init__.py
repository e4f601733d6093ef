"""Calls of built-in methods, `@value.method(args)`. Fields that hold functions are for the caller."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra.errors import OrchError, nearest
from orchestra.values.builtin import Builtin
from orchestra.values.kinds import a_kind, type_name
from orchestra.values.methods.arrays import ARRAYS
from orchestra.values.methods.checks import CHECKS
from orchestra.values.methods.strings import STRINGS
from orchestra.values.tagged import Tagged, Value, unwrap

__all__ = ["METHODS", "call_method"]

# What a value has methods of its own by; the checks answer for every value.
METHODS: dict[str, dict[str, Builtin]] = {"string": STRINGS, "array": ARRAYS, "any value": CHECKS}

_BY_CLASS: dict[type, dict[str, Builtin]] = {str: {**CHECKS, **STRINGS}, list: {**CHECKS, **ARRAYS}}

# Habits from other languages, and what does the work here.
_INSTEAD = {
    "filter": "`for @x in @xs when … => @x` keeps some elements",
    "forEach": "`for @x in @xs [ … ]` visits every element",
    "keys": "`.mx.keys` lists the keys of an object",
    "map": "`for @x in @xs => …` makes a new array",
    "reduce": "`reduce @sum = 0 for @x in @xs => @sum + @x` makes one value of all",
    "push": "`@xs += @x` appends to a variable, `.concat([@x])` makes a new array",
    "toString": "a template, `@x`, gives the text",
    "values": "`.mx.values` lists the values of an object",
    "entries": "`.mx.entries` lists the pairs of an object",
    "toLower": "did you mean .toLowerCase()?",
    "toUpper": "did you mean .toUpperCase()?",
}


def call_method(value: Value, name: str, args: Sequence[Value]) -> Value:
    """The result of `value.name(args)`; nothing is modified, elements keep their tags.

    A result made out of elements carries what they carry; the tags of `value` and `args` themselves are for
    the caller. Raises E202 for an unknown method, E206 for one of another type, E207 for too few arguments.
    """
    data = value.data if value.__class__ is Tagged else value
    method = _BY_CLASS.get(data.__class__, CHECKS).get(name)
    if method is None:
        raise _unknown(data, name)
    if len(args) < method.needs:
        raise OrchError("E207", f".{name}() needs {_count(method.needs)}", help=f"as in `{method.example}`")
    return method.function(data, *map(unwrap, args)) if args else method.function(data)


def _count(number: int) -> str:
    return "an argument" if number == 1 else f"{number} arguments"


def _unknown(data: Value, name: str) -> OrchError:
    owners = [kind for kind in METHODS if name in METHODS[kind]]
    if owners:
        return OrchError("E206", f"{a_kind(data)} has no method .{name}()", help=_owned(owners[0], name))
    return OrchError("E202", f"{a_kind(data)} has no method .{name}()", help=_suggestion(data, name))


def _owned(kind: str, name: str) -> str:
    return f"{kind}s have it, as in `{METHODS[kind][name].example}`"


def _suggestion(data: Value, name: str) -> str | None:
    if name in _INSTEAD:
        return _INSTEAD[name]
    near = nearest(name, [*METHODS.get(type_name(data), ()), *CHECKS])
    return f"did you mean .{near}()?" if near else None
