"""What kind of value something is, in the words of the language. What a kind can do is left to others."""

from __future__ import annotations

from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Value, unwrap

__all__ = ["a_kind", "type_name"]

_NAMES: dict[type, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
    type(MISSING): "null",
    list: "array",
    dict: "object",
}


def type_name(value: Value) -> str:
    """One of string, number, boolean, null, array, object, executable. An absent value is null here."""
    data = unwrap(value)
    name = _NAMES.get(data.__class__)
    if name is not None:
        return name
    return "executable" if isinstance(data, Executable) else "object"


def a_kind(value: Value) -> str:
    """The kind with its article, as messages say it: `a string`, `an array`, `null`."""
    name = type_name(value)
    if name == "null":
        return name
    return f"an {name}" if name[0] in "aeo" else f"a {name}"
