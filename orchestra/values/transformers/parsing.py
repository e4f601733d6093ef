"""Transformers from text to data: `@parse` in its variants, and `@json`, its old name."""

from __future__ import annotations

from collections.abc import Callable

from orchestra.errors import OrchError
from orchestra.values.builtin import Builtin, table
from orchestra.values.kinds import a_kind
from orchestra.values.tagged import MISSING, Value, with_facts
from orchestra.values.text import compact_json, strict_json
from orchestra.values.tolerant_json import tolerant_json
from orchestra.values.transformers.answers import find_json

__all__ = ["PARSING"]


def _parse(value: Value) -> Value:
    return _read(value, "parse", tolerant_json, "for an answer with prose or code fences use `| @parse.llm`")


def _parse_strict(value: Value) -> Value:
    return _read(value, "parse.strict", strict_json, "`| @parse.loose` allows comments, single quotes, bare keys")


def _read(value: Value, name: str, reader: Callable[[str], Value], help: str) -> Value:
    text = _text_of(value, name)
    if text is None:
        return value
    try:
        return keep_text(reader(text), text)
    except (ValueError, RecursionError) as error:
        raise OrchError("E307", f"@{name} found no JSON: {_in_words(error)}", help=help) from None


def _in_words(error: Exception) -> str:
    """Python's own message names line and column in its own order."""
    message, _, place = str(error).partition(": line ")
    line, _, rest = place.partition(" column ")
    return f"{message[:1].lower()}{message[1:]} at line {line}, column {rest.split(' ')[0]}" if place else message


def _text_of(value: Value, name: str) -> str | None:
    """The text to parse; None for a value that is data already."""
    if value is None or value is MISSING:
        raise OrchError("E307", f"@{name} needs a text, not {a_kind(value)}")
    return value if isinstance(value, str) else None


def keep_text(data: Value, text: str) -> Value:
    """Data with the text it was read from, if that text is JSON and so may stand for the data everywhere."""
    if not isinstance(data, (list, dict)):
        return data
    try:
        strict_json(text)
    except (ValueError, RecursionError):
        return data
    return with_facts(data, text=text)


def _parse_llm(value: Value) -> Value:
    text = _text_of(value, "parse.llm")
    if text is None:
        return value
    found = find_json(text)
    return None if found is None else found[0]


def _parse_list(value: Value) -> Value:
    text = _text_of(value, "parse.fromlist")
    if text is None:
        return value
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _or_json(parse: Callable[[Value], Value]) -> Callable[[Value], Value]:
    def convert(value: Value) -> Value:
        return parse(value) if isinstance(value, str) else compact_json(value)

    return convert


_LOOSE = "the data of a JSON text; comments, single quotes, bare keys and trailing commas are allowed"
_STRICT = "the data of a JSON text, nothing but the standard allowed"
_LLM = "the JSON in an answer, alone, in a code fence or in prose; null if there is none"
_LIST = "the non-empty lines of a text"

PARSING = table(
    Builtin("parse", _LOOSE, "'{id: 7}' | @parse", '{"id":7}', _parse),
    Builtin("parse.loose", _LOOSE, "'[1, 2,]' | @parse.loose", "[1,2]", _parse),
    Builtin("parse.strict", _STRICT, "'[1,2]' | @parse.strict", "[1,2]", _parse_strict),
    Builtin("parse.llm", _LLM, """'Sure: {"ok":true}.' | @parse.llm""", '{"ok":true}', _parse_llm),
    Builtin("parse.fromlist", _LIST, '"one\\n\\ntwo" | @parse.fromlist', '["one","two"]', _parse_list),
    Builtin("json", "old name of @parse; data becomes JSON text", "[1] | @json", "[1]", _or_json(_parse)),
    Builtin("json.loose", "old name of @parse.loose", "'[1,]' | @json.loose", "[1]", _or_json(_parse)),
    Builtin("json.strict", "old name of @parse.strict", "'[1]' | @json.strict", "[1]", _or_json(_parse_strict)),
    Builtin("json.llm", "old name of @parse.llm", "'none' | @json.llm", "null", _or_json(_parse_llm)),
    Builtin("json.fromlist", "old name of @parse.fromlist", "'a' | @json.fromlist", '["a"]', _or_json(_parse_list)),
)
