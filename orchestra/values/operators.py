"""What the operators compute: truth, numbers, comparison and the tolerant match.

Operands are plain at the top, their elements may be tagged. Which operands are evaluated at all (`&&`, `??`)
is decided by the nodes.
"""

from __future__ import annotations

import math
import re
from typing import Final

from orchestra.errors import OrchError
from orchestra.values.tagged import MISSING, Value, unwrap
from orchestra.values.unanswered import Unanswered

__all__ = [
    "EXACT",
    "add",
    "differs",
    "divide",
    "equals",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "multiply",
    "negate",
    "remainder",
    "subtract",
    "to_number",
    "tolerant_match",
    "tolerant_mismatch",
    "truthy",
]

Number = float  # int or float: a double, kept as int while it is integral and exact

EXACT: Final = 2**53  # integers up to here are exact in a double
_FALSE_WORDS = frozenset({"", "0", "false", "nan"})
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INFINITE = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


def truthy(value: Value) -> bool:
    """Whether a condition holds. Of the texts only "", "0", "false" and "nan" are false, in any case."""
    kind = value.__class__
    if kind is bool:
        return bool(value)
    if kind is str:
        return len(value) > 5 or value.lower() not in _FALSE_WORDS
    if kind is float:
        return value != 0 and not math.isnan(value)
    if value is None or value is MISSING:
        return False
    return value != 0 if kind is int else _has_content(value)


def _has_content(value: Value) -> bool:
    return len(value) > 0 if isinstance(value, (list, dict)) else True


# ── arithmetic ───────────────────────────────────────────────────────────────────────────────────


def to_number(value: Value) -> Number:
    """The number a value counts as: null is 0, true 1, a numeric text its value, everything else NaN."""
    kind = value.__class__
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return int(value)
    if kind is str:
        return _text_number(value)
    if kind is Unanswered:
        raise value.refusal("the number")
    return 0 if value is None else math.nan


def _text_number(text: str) -> Number:
    text = text.strip()
    if _DECIMAL.fullmatch(text):
        return _settled(float(text))
    if _RADIX.fullmatch(text):
        return _double(int(text, 0))
    if text in ("true", "false"):
        return int(text == "true")
    return _INFINITE.get(text, math.nan)


def _double(number: int) -> Number:
    """An integer as a double holds it."""
    if -EXACT <= number <= EXACT:
        return number
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _settled(number: float) -> Number:
    """Integral doubles are shown and indexed as integers; the sign of -0 stays for a later division."""
    if number.is_integer() and -EXACT <= number <= EXACT and (number or math.copysign(1, number) > 0):
        return int(number)
    return number


def _operand(value: Value) -> Number:
    number = to_number(value)
    return _double(number) if isinstance(number, int) else number


def add(a: Value, b: Value) -> Number:
    """The sum. Two texts that are no numbers raise E206: joining is the work of templates."""
    if a.__class__ is int and b.__class__ is int:
        total: int = a + b
        return total if -EXACT <= total <= EXACT else _double(total)
    x, y = _operand(a), _operand(b)
    if isinstance(a, str) and isinstance(b, str) and math.isnan(x) and math.isnan(y):
        raise OrchError(
            "E206",
            "+ adds numbers and does not join strings",
            help="use a template: `@first@second`",
            details={"reason": "STRING_CONCAT_WITH_PLUS"},
        )
    return _result(x + y)


def subtract(a: Value, b: Value) -> Number:
    if a.__class__ is int and b.__class__ is int:
        rest: int = a - b
        return rest if -EXACT <= rest <= EXACT else _double(rest)
    return _result(_operand(a) - _operand(b))


def multiply(a: Value, b: Value) -> Number:
    x, y = _operand(a), _operand(b)
    if not x or not y:
        return _settled(float(x) * float(y))  # a zero keeps the sign of the product
    return _result(x * y)


def divide(a: Value, b: Value) -> Number:
    """The quotient. Division by zero gives an infinity, 0 / 0 gives NaN."""
    if a.__class__ is int and b.__class__ is int and a and b and -EXACT <= a <= EXACT and -EXACT <= b <= EXACT:
        return a / b if a % b else a // b
    x, y = _operand(a), float(_operand(b))
    if y:
        return _settled(x / y)
    if not x or math.isnan(x):
        return math.nan
    return math.copysign(math.inf, x) * math.copysign(1, y)


def remainder(a: Value, b: Value) -> Number:
    """The rest of a division, with the sign of the dividend; NaN for divisor 0 or an infinite dividend."""
    x, y = float(_operand(a)), float(_operand(b))
    if not y or math.isinf(x):
        return math.nan
    return _settled(math.fmod(x, y))


def negate(a: Value) -> Number:
    number = _operand(a)
    return -number if number else _settled(-float(number))


def _result(number: Number) -> Number:
    return _double(number) if isinstance(number, int) else _settled(number)


# ── comparison ───────────────────────────────────────────────────────────────────────────────────


def less(a: Value, b: Value) -> bool:
    kind, other = a.__class__, b.__class__
    if (kind is int or kind is float) and (other is int or other is float):
        return a < b  # type: ignore[no-any-return]
    return to_number(a) < to_number(b)


def less_equal(a: Value, b: Value) -> bool:
    kind, other = a.__class__, b.__class__
    if (kind is int or kind is float) and (other is int or other is float):
        return a <= b  # type: ignore[no-any-return]
    return to_number(a) <= to_number(b)


def greater(a: Value, b: Value) -> bool:
    kind, other = a.__class__, b.__class__
    if (kind is int or kind is float) and (other is int or other is float):
        return a > b  # type: ignore[no-any-return]
    return to_number(a) > to_number(b)


def greater_equal(a: Value, b: Value) -> bool:
    kind, other = a.__class__, b.__class__
    if (kind is int or kind is float) and (other is int or other is float):
        return a >= b  # type: ignore[no-any-return]
    return to_number(a) >= to_number(b)


def equals(a: Value, b: Value) -> bool:
    """`==`: null equals null and missing, a text the number or boolean it spells, a container its like."""
    if a.__class__ is b.__class__:
        return _equals_alike(a, b)
    if a.__class__ is Unanswered or b.__class__ is Unanswered:
        raise Unanswered.refusal("a comparison")
    if a is None or a is MISSING:
        return b is None or b is MISSING
    if isinstance(b, str):
        a, b = b, a
    if isinstance(a, str):
        return _spells(a, b)
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    return _equals_alike(a, b)


def differs(a: Value, b: Value) -> bool:
    return not equals(a, b)


def _equals_alike(a: Value, b: Value) -> bool:
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(_equal_items, a, b))
    if isinstance(a, dict):
        if a.__class__ is Unanswered:
            raise a.refusal("a comparison")
        return isinstance(b, dict) and a.keys() == b.keys() and all(_equal_items(a[key], b[key]) for key in a)
    return bool(a == b)


def _equal_items(a: Value, b: Value) -> bool:
    return equals(unwrap(a), unwrap(b))


def _spells(text: str, value: Value) -> bool:
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    return isinstance(value, (int, float)) and to_number(text) == _operand(value)


# ── tolerant match ───────────────────────────────────────────────────────────────────────────────


def tolerant_match(a: Value, b: Value) -> bool:
    """`~=`, for what models write: every item of `a` is among those of `b`, in any order.

    A text is the list of its parts between commas. Null, `[]`, "null" and "" match each other and nothing else.
    """
    if _is_nothing(a) or _is_nothing(b):
        return _is_nothing(a) and _is_nothing(b)
    allowed = _items(b)
    return all(any(equals(item, other) for other in allowed) for item in _items(a))


def tolerant_mismatch(a: Value, b: Value) -> bool:
    return not tolerant_match(a, b)


def _is_nothing(value: Value) -> bool:
    return value is None or value is MISSING or value == [] or value in ("null", "")


def _items(value: Value) -> list[Value]:
    if isinstance(value, list):
        return [_trimmed(unwrap(item)) for item in value]
    if isinstance(value, str) and "," in value:
        return [part.strip() for part in value.split(",") if part.strip()]
    return [_trimmed(value)]


def _trimmed(value: Value) -> Value:
    return value.strip() if isinstance(value, str) else value
