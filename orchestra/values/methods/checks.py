"""Methods that every value has, null and missing included: they ask for its type."""

from __future__ import annotations

from collections.abc import Callable

from orchestra.values.builtin import Builtin, table
from orchestra.values.kinds import type_name
from orchestra.values.tagged import MISSING, Value

__all__ = ["CHECKS"]


def _is(kind: str) -> Callable[..., bool]:
    def check(value: Value, *_: Value) -> bool:
        return value is not MISSING and type_name(value) == kind

    return check


def _is_defined(value: Value, *_: Value) -> bool:
    return value is not MISSING


CHECKS = table(
    Builtin("isArray", "whether it is an array", "[1, 2].isArray()", "true", _is("array")),
    Builtin("isObject", "whether it is an object", '{"a": 1}.isObject()', "true", _is("object")),
    Builtin("isString", "whether it is a string", '"7".isString()', "true", _is("string")),
    Builtin("isNumber", "whether it is a number", '"7".isNumber()', "false", _is("number")),
    Builtin("isBoolean", "whether it is true or false", "false.isBoolean()", "true", _is("boolean")),
    Builtin("isNull", "whether it is null; what is missing is not", "null.isNull()", "true", _is("null")),
    Builtin("isDefined", "whether it is there; null is", "null.isDefined()", "true", _is_defined),
)
