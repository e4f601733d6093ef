"""How values look as text, in templates, on display and as JSON, and how text becomes a value again.

When a text is parsed on its own accord is decided by whoever received it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring as quote
from typing import Any, Final, NoReturn

from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Tagged, Value, unwrap, with_facts

__all__ = [
    "auto_parse",
    "compact_json",
    "display",
    "format_number",
    "pretty_json",
    "strict_json",
    "structured",
    "template_text",
]

SAFE_INTEGER: Final = 2**53 - 1  # beyond it a double skips integers
ONE_LINE: Final = 60  # a one-element array up to this many characters is shown in one line
_SURROGATE = re.compile("[\ud800-\udfff]")


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────


def format_number(number: float) -> str:
    """The shortest text that reads back as the same double, as in JavaScript. Integers keep all digits."""
    if number.__class__ is int:
        return str(number)
    text = repr(float(number))
    if "e" in text:
        return _scientific(text)
    if text.endswith(".0"):
        return text[:-2] if text != "-0.0" else "0"
    return _UNUSUAL.get(text, text)


_UNUSUAL = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def _scientific(text: str) -> str:
    """Python's `d.ddde±xx` in JavaScript's words, which keep plain digits from 1e-6 up to 1e21."""
    mantissa, _, tail = text.partition("e")
    exponent = int(tail)
    sign, mantissa = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
    digits = mantissa.replace(".", "")
    if 0 < exponent < 21:
        return sign + digits + "0" * (exponent + 1 - len(digits))
    if -7 < exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    return f"{sign}{mantissa}e{exponent:+d}"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def compact_json(value: Value) -> str:
    """JSON without blanks. NaN and infinities become null, an executable the string `<function(a, b)>`."""
    return _without_surrogates(_compact(value))


def pretty_json(value: Value) -> str:
    """JSON indented by two blanks per level; `[]` and `{}` stay on their line."""
    out: list[str] = []
    _pretty(value, "\n", out)
    return _without_surrogates("".join(out))


def _without_surrogates(text: str) -> str:
    """Half a surrogate pair cannot be written as UTF-8, so JSON escapes it."""
    return text if text.isascii() else _SURROGATE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def _compact(value: Value) -> str:
    write = _JSON.get(value.__class__)
    if write is not None:
        return write(value)
    if isinstance(value, dict):
        return _compact_object(value)
    if isinstance(value, Executable):
        return quote(f"<function({', '.join(value.params)})>")
    return quote(str(value))


def _compact_array(items: list[Value]) -> str:
    return f"[{','.join([_compact(item) for item in items])}]"


def _compact_object(fields: dict[str, Value]) -> str:
    return "{" + ",".join([f"{quote(key)}:{_compact(item)}" for key, item in fields.items()]) + "}"


def _json_float(number: float) -> str:
    return format_number(number) if number - number == 0 else "null"


_JSON: dict[type, Callable[[Any], str]] = {
    str: quote,
    int: str,
    float: _json_float,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    type(MISSING): lambda _: "null",
    list: _compact_array,
    dict: _compact_object,
    Tagged: lambda value: _compact(value.data),
}


def _pretty(value: Value, newline: str, out: list[str]) -> None:
    """Appends the pieces; `newline` is a line end with the indentation where the value stands."""
    data = unwrap(value)
    if not isinstance(data, (list, dict)) or not data:
        out.append(_compact(data))
        return
    deeper = newline + "  "
    opening, closing = "[]" if isinstance(data, list) else "{}"
    out.append(opening)
    for label, item in _labelled(data):
        out.append(deeper + label)
        _pretty(item, deeper, out)
        out.append(",")
    out[-1] = newline + closing


def _labelled(data: list[Value] | dict[str, Value]) -> Iterable[tuple[str, Value]]:
    if isinstance(data, list):
        return (("", item) for item in data)
    return ((f"{quote(key)}: ", item) for key, item in data.items())


# ── templates and display ────────────────────────────────────────────────────────────────────────


def template_text(value: Value) -> str:
    """The text of a value inside a string or template: null is a word, containers are compact JSON.

    A value that was read from text shows that text.
    """
    if value.__class__ is str:
        return value
    write = _TEXT.get(value.__class__)
    if write is not None:
        return write(value)
    return f"[executable: {value.name}]" if isinstance(value, Executable) else compact_json(value)


def _tagged_text(value: Tagged) -> str:
    text = value.meta.text
    return template_text(value.data) if text is None else text


_TEXT: dict[type, Callable[[Any], str]] = {
    int: str,
    float: format_number,
    bool: _JSON[bool],
    type(None): _JSON[type(None)],
    type(MISSING): _JSON[type(MISSING)],
    Tagged: _tagged_text,
}


def display(value: Value) -> str:
    """The text of a value on standard output: null is empty, JSON is laid out, also that held in a string."""
    if value.__class__ is Tagged:
        shown = value.meta.text is not None and value.data != []  # no files are an empty array, not an empty text
        value = value.meta.text if shown else value.data
    if value is None or value is MISSING:
        return ""
    if isinstance(value, str):
        return _display_string(value)
    return _lay_out(value) if isinstance(value, (list, dict)) else template_text(value)


def _display_string(text: str) -> str:
    data = structured(text)
    try:
        return text if data is text else _lay_out(data)
    except RecursionError:  # thousands of brackets are a model gone astray, and shown as they came
        return text


def structured(value: Value) -> Value:
    """The array or object that a text spells in JSON, else `value` itself."""
    if not isinstance(value, str) or not _looks_structured(value):
        return value
    try:
        return strict_json(value)
    except (ValueError, RecursionError):
        return value


def _looks_structured(text: str) -> bool:
    ends = text.strip()
    return ends[:1] + ends[-1:] in ("{}", "[]")


def _lay_out(value: list[Value] | dict[str, Value]) -> str:
    """A single scalar in one line, everything else indented."""
    if len(value) != 1:
        return pretty_json(value)
    return _lay_out_array(value) if isinstance(value, list) else _lay_out_object(value)


def _lay_out_array(items: list[Value]) -> str:
    line = compact_json(items)
    short = _is_scalar(unwrap(items[0])) and len(line) <= ONE_LINE
    return line if short else pretty_json(items)


def _lay_out_object(fields: dict[str, Value]) -> str:
    ((key, value),) = fields.items()
    short = _is_scalar(unwrap(value))
    return f"{{{compact_json(key)}: {compact_json(value)}}}" if short else pretty_json(fields)


# ── from text to value ───────────────────────────────────────────────────────────────────────────


def strict_json(text: str) -> Value:
    """The value of a JSON text. Integers keep all digits. ValueError for anything else, NaN included."""
    return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def auto_parse(text: str, objects_only: bool = False) -> Value:
    """The value that an answer in JSON stands for, else the text itself.

    An array or object keeps its text beside it, a scalar only where it would be shown otherwise (`1.50`, `null`).
    Integers that a double cannot hold stay text. With `objects_only` scalars stay text too.
    """
    first = text.lstrip()[:1]
    if not first or first not in ("{[" if objects_only else '{["-0123456789tfn'):
        return text
    try:
        data = strict_json(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(data, (int, float)) and abs(data) > SAFE_INTEGER:
        return text
    return data if _is_scalar(data) and display(data) == text else with_facts(data, text=text)


def _is_scalar(data: Value) -> bool:
    return not isinstance(data, (list, dict))
