"""Arguments of methods as the numbers and texts that they are meant as."""

from __future__ import annotations

import math

from orchestra.errors import OrchError
from orchestra.regex import Regex
from orchestra.values.kinds import a_kind
from orchestra.values.operators import to_number
from orchestra.values.tagged import MISSING, Value
from orchestra.values.text import template_text

__all__ = ["integer", "text"]

FAR = 2**53  # stands for infinity where an integer is wanted


def integer(value: Value, default: int) -> int:
    """A whole number, cut towards zero; null and missing are `default`. E206 for what is no number."""
    if value is None or value is MISSING:
        return default
    number = to_number(value)
    if math.isnan(number):
        raise OrchError("E206", f"a number is needed here, not {a_kind(value)}")
    return int(max(-FAR, min(FAR, number)))


def text(value: Value) -> str:
    """The text form. E206 for a regular expression: the few methods that take one ask before."""
    if isinstance(value, Regex):
        raise OrchError("E206", f"a regular expression is not allowed here, use .match({value})")
    return template_text(value)
