"""Numbers, templates, display and JSON as text, and JSON text as values."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.values.error_item import ErrorItem
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged, meta_of, unwrap, with_facts
from orchestra.values.text import (
    auto_parse,
    compact_json,
    display,
    format_number,
    pretty_json,
    strict_json,
    structured,
    template_text,
)

SMALL = settings(max_examples=50, deadline=None)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
F = Executable("f", ("a", "b"))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (2.0, "2"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e15, "1000000000000000"),
        (123456789012345680.0, "123456789012345680"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.25e24, "1.25e+24"),
        (-1e21, "-1e+21"),
        (1e-6, "0.000001"),
        (-0.0000015, "-0.0000015"),
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
        (2**53 + 1, "9007199254740993"),
    ],
)
def test_numbers_look_as_in_javascript(number: float, text: str) -> None:
    assert format_number(number) == text


@SMALL
@given(st.floats(allow_nan=False))
def test_a_number_reads_back_as_itself(number: float) -> None:
    assert float(format_number(number)) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (MISSING, "null"),
        (1.0, "1"),
        ({"b": 1, "a": ["é", None]}, '{"b":1,"a":["é",null]}'),
        ([], "[]"),
        ([math.nan, math.inf, 1.0], "[null,null,1]"),
        (F, "[executable: f]"),
        ([F], '["<function(a, b)>"]'),
        (Tagged([Tagged("x", Meta(("secret",)))], Meta(("l",))), '["x"]'),
        (with_facts(1.5, text="1.50"), "1.50"),
        ([with_facts(1.5, text="1.50")], "[1.5]"),
        (ErrorItem(0, "0", "boom", "v"), '{"index":0,"key":"0","message":"boom","error":"boom","value":"v"}'),
    ],
)
def test_template_text(value: Any, text: str) -> None:
    assert template_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (MISSING, ""),
        (7, "7"),
        (F, "[executable: f]"),
        ([], "[]"),
        ({}, "{}"),
        ({"ok": True}, '{"ok": true}'),
        ({"ok": [1]}, '{\n  "ok": [\n    1\n  ]\n}'),
        ({"a": 1, "b": {}}, '{\n  "a": 1,\n  "b": {}\n}'),
        (["private"], '["private"]'),
        (["x" * 56], f'["{"x" * 56}"]'),
        (["x" * 57], f'[\n  "{"x" * 57}"\n]'),
        ([[1]], "[\n  [\n    1\n  ]\n]"),
        (["Ida", "Bo"], '[\n  "Ida",\n  "Bo"\n]'),
        ('{"a":1,"b":2}', '{\n  "a": 1,\n  "b": 2\n}'),
        (" [1, 2.0] ", "[\n  1,\n  2\n]"),
        ("[not json]", "[not json]"),
        ("[NaN]", "[NaN]"),
        ("{}x", "{}x"),
        ("42.0", "42.0"),
        (with_facts([1, 2], text="a\n\nb"), "a\n\nb"),
        (with_facts({"a": 1}, text='{"a":1}'), '{"a": 1}'),
        (Tagged(None, Meta(("l",))), ""),
    ],
)
def test_display(value: Any, text: str) -> None:
    assert display(value) == text


@SMALL
@given(JSON_VALUES)
def test_compact_json_reads_back(value: Any) -> None:
    assert json.loads(compact_json(value), parse_int=double) == value


def double(digits: str) -> float:
    """An integer as JavaScript reads it: its shortest text may end in zeros that the exact value has not."""
    return int(digits) if abs(int(digits)) <= 2**53 else float(digits)


@SMALL
@given(JSON_VALUES)
def test_pretty_json_differs_only_in_layout(value: Any) -> None:
    assert compact_json(json.loads(pretty_json(value), parse_int=double)) == compact_json(value)


def test_json_escapes_what_utf8_cannot_hold() -> None:
    assert compact_json("\ud800\n\x01é\u2028") == '"\\ud800\\n\\u0001é\u2028"'
    assert compact_json({'a"b': "\\"}) == '{"a\\"b":"\\\\"}'


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{a: 1}", "", "[1,]"])
def test_strict_json_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        strict_json(text)


@pytest.mark.parametrize(
    ("text", "data", "kept"),
    [
        ('{"id": 7}', {"id": 7}, '{"id": 7}'),
        (" [1]", [1], " [1]"),
        ("[9007199254740993]", [9007199254740993], "[9007199254740993]"),
        ("41", 41, None),
        ("-2.5", -2.5, None),
        ("1.50", 1.5, "1.50"),
        ('"hi"', "hi", '"hi"'),
        ("true", True, None),
        ("null", None, "null"),
        ("9007199254740993", "9007199254740993", None),
        ("1e400", "1e400", None),
        ("007", "007", None),
        ("NaN", "NaN", None),
        ("{broken", "{broken", None),
        ("done", "done", None),
        ("", "", None),
        ("[" * 100_000, "[" * 100_000, None),
    ],
)
def test_auto_parse(text: str, data: Any, kept: str | None) -> None:
    value = auto_parse(text)
    assert unwrap(value) == data
    assert type(unwrap(value)) is type(data)
    assert meta_of(value).text == kept


@pytest.mark.parametrize("text", ["42", "true", "null", '"x"', "plain"])
def test_auto_parse_of_templates_leaves_scalars(text: str) -> None:
    assert auto_parse(text, objects_only=True) is text


def test_auto_parse_of_templates_takes_objects() -> None:
    assert unwrap(auto_parse('{"k":1}', objects_only=True)) == {"k": 1}


def test_structured_passes_everything_but_containers() -> None:
    assert structured("[1]") == [1]
    assert structured("1") == "1"
    assert structured("{x}") == "{x}"
    assert structured(3) == 3
