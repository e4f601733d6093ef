"""Transformers of plain text. Data that is no text passes unchanged, except where an order has a meaning."""

from __future__ import annotations

from orchestra.regex import WHITESPACE
from orchestra.values.builtin import Builtin, table
from orchestra.values.kinds import type_name
from orchestra.values.tagged import Value, plain, unwrap
from orchestra.values.text import pretty_json, strict_json, template_text

__all__ = ["TEXTS"]


def _trim(value: Value) -> Value:
    return value.strip(WHITESPACE) if isinstance(value, str) else value


def _upper(value: Value) -> Value:
    return value.upper() if isinstance(value, str) else value


def _lower(value: Value) -> Value:
    return value.lower() if isinstance(value, str) else value


def _sort(value: Value) -> Value:
    if isinstance(value, str):
        return _sorted_lines(value)
    if isinstance(value, dict):
        return {key: value[key] for key in sorted(value)}
    if isinstance(value, list) and not any(isinstance(unwrap(item), (list, dict)) for item in value):
        return sorted(value, key=lambda item: template_text(plain(item)))
    return value


def _sorted_lines(text: str) -> str:
    end = "\n" if text.endswith("\n") else ""
    return "\n".join(sorted(text.removesuffix("\n").split("\n"))) + end


def _pretty(value: Value) -> Value:
    if isinstance(value, (list, dict)):
        return pretty_json(value)
    if not isinstance(value, str):
        return value
    try:
        return pretty_json(strict_json(value))
    except (ValueError, RecursionError):
        return value


TEXTS = table(
    Builtin("trim", "without blanks and line ends at both ends", '"  a b " | @trim', "a b", _trim),
    Builtin("upper", "in capital letters", '"Ada" | @upper', "ADA", _upper),
    Builtin("lower", "in small letters", '"Ada" | @lower', "ada", _lower),
    Builtin("sort", "lines, scalars or keys in the order of their texts", '["b", "a"] | @sort', '["a","b"]', _sort),
    Builtin("pretty", "JSON with two blanks per level", '"[1]" | @pretty', "[\n  1\n]", _pretty),
    Builtin("typeof", "the name of the type", "[1] | @typeof", "array", type_name),
)
