"""JSON as people write it: with comments, single quotes, bare keys and trailing commas."""

from __future__ import annotations

import re

from orchestra.values.tagged import Value
from orchestra.values.text import strict_json

__all__ = ["tolerant_json"]

_PLACE = re.compile(r"<string>:(\d+) (.*) at column (\d+)", re.DOTALL)


def tolerant_json(text: str) -> Value:
    """The value of a JSON or JSON5 text. ValueError with line, column and what is wrong for anything else."""
    try:
        return strict_json(text)
    except (ValueError, RecursionError):
        return _json5(text)


def _json5(text: str) -> Value:
    import json5  # slow to load and to parse, and rarely needed

    try:
        return json5.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(_reason(str(error))) from None


def _reason(message: str) -> str:
    found = _PLACE.match(message)
    if found is None:
        return message
    wrong = found[2].replace("\n", "\\n")
    return f"{wrong[0].lower()}{wrong[1:]} at line {found[1]}, column {found[3]}"
