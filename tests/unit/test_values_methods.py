"""Built-in methods: corners, wrong types, and what becomes of tags."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.errors import OrchError
from orchestra.regex import Regex
from orchestra.values.error_item import ErrorItem
from orchestra.values.executable import Executable
from orchestra.values.methods import METHODS, call_method
from orchestra.values.tagged import MISSING, Meta, Tagged, labels_of, plain

SMALL = settings(max_examples=50, deadline=None)
SECRET = Meta(labels=("secret",))


@pytest.mark.parametrize(
    ("value", "name", "args", "result"),
    [
        ("planet", "includes", ["net"], True),
        ("a5", "includes", [5], True),
        ("planet", "indexOf", ["x"], -1),
        ("planet", "slice", [2], "anet"),
        ("planet", "slice", [-3, -1], "ne"),
        ("planet", "slice", [4, 2], ""),
        ("planet", "slice", [], "planet"),
        ("planet", "slice", ["1", None], "lanet"),
        ("planet", "substring", [-2, 3], "pla"),
        ("planet", "substring", [5, 1], "lane"),
        ("planet", "substring", [3], "net"),
        ("planet", "substr", [-3, 2], "ne"),
        ("planet", "substr", [-30, 2], "pl"),
        ("planet", "substr", [2], "anet"),
        ("planet", "substr", [2, -1], ""),
        ("\ufeff a\u00a0", "trim", [], "a"),
        ("a,b,,c", "split", [","], ["a", "b", "", "c"]),
        ("abc", "split", [""], ["a", "b", "c"]),
        ("abc", "split", [], ["a", "b", "c"]),
        ("", "split", [","], [""]),
        ("", "split", [], []),
        ("a1b22c", "split", [Regex.of(r"\d+")], ["a", "b", "c"]),
        ("a1b", "split", [Regex.of(r"(\d)")], ["a", "1", "b"]),
        ("abc", "split", [Regex.of("")], ["a", "b", "c"]),
        ("abc", "split", [Regex.of("x*")], ["a", "b", "c"]),
        (",a,", "split", [Regex.of(",")], ["", "a", ""]),
        ("", "split", [Regex.of("x")], [""]),
        ("", "split", [Regex.of("x*")], []),
        ("a.b.c", "replace", [".", "-"], "a-b.c"),
        ("aXbX", "replace", [Regex.of("x", "i"), "-"], "a-bX"),
        ("aXbX", "replace", [Regex.of("x", "gi"), "-"], "a-b-"),
        ("id=7; name=Ada", "replace", [Regex.of(r"(\w+)=(\d+)"), "$1:$2"], "id:7; name=Ada"),
        ("abc", "replace", ["b", "[$&$$$`$']"], "a[b$ac]c"),
        ("abc", "replace", ["b", None], "anullc"),
        ("abc", "replace", [Regex.of("x*", "g"), "-"], "-a-b-c-"),
        ("aXa", "replace", [Regex.of("^|a", "g"), "-"], "-aX-"),
        ("aaa", "split", [Regex.of("^|a")], ["a", "", ""]),
        ("aa", "match", [Regex.of("^|a", "g")], ["", "a"]),
        ("abc", "replaceAll", ["", "-"], "-a-b-c-"),
        ("a.b.c", "replaceAll", [".", "$&$&"], "a..b..c"),
        ("a1b2", "replaceAll", [Regex.of(r"\d"), "#"], "a#b#"),
        ("one two", "replaceAll", [{"one": "two", "two": "three"}], "three three"),
        ("v1.20", "match", [r"(\d+)\.(\d+)(x)?"], ["1.20", "1", "20", None]),
        ("a1b2", "match", [Regex.of(r"\d", "g")], ["1", "2"]),
        ("abc", "match", [Regex.of(r"\d", "g")], None),
        ("abc", "match", [r"\d"], None),
        ("7", "padStart", [3, "ab"], "ab7"),
        ("7", "padStart", [4], "   7"),
        ("7", "padEnd", [4, "xyz"], "7xyz"),
        ("789", "padEnd", [2], "789"),
        ("7", "padEnd", [5, ""], "7"),
        ("ab", "repeat", [0], ""),
        ("ab", "repeat", [2.9], "abab"),
    ],
)
def test_strings(value: str, name: str, args: list[Any], result: Any) -> None:
    assert call_method(value, name, args) == result


@pytest.mark.parametrize(
    ("value", "name", "args", "result"),
    [
        ([10, "10"], "indexOf", ["10"], 1),
        ([1, 2], "includes", [True], False),
        ([None], "includes", [None], True),
        ([{"a": 1}], "includes", [{"a": 1}], True),
        ([1.0], "includes", [1], True),
        ([1, None, "x", [2], True], "join", [], "1,,x,[2],true"),
        ([1, 2], "join", [""], "12"),
        ([], "join", ["-"], ""),
        ([1, 2, 3], "slice", [-2], [2, 3]),
        ([1, 2, 3], "slice", [1, 2], [2]),
        ([1], "concat", [], [1]),
        ([1], "concat", [[2, [3]], 4], [1, 2, [3], 4]),
        ([1, [2, [3, [4]]]], "flat", [], [1, 2, [3, [4]]]),
        ([1, [2, [3, [4]]]], "flat", [float("inf")], [1, 2, 3, 4]),
        ([1, [2]], "flat", [0], [1, [2]]),
        ([1, 10, 2, None, "a"], "sort", [], [1, 10, 2, "a", None]),
        ([1, 2], "at", [-1], 2),
        ([1, 2], "at", [2], None),
        ([1, 2], "at", [-3], None),
        ([], "at", [0], None),
        ([1, 2, 3], "reverse", [], [3, 2, 1]),
    ],
)
def test_arrays(value: list[Any], name: str, args: list[Any], result: Any) -> None:
    before = list(value)
    assert call_method(value, name, args) == result
    assert value == before


@SMALL
@given(st.text(max_size=8), st.none() | st.integers(-9, 9), st.none() | st.integers(-9, 9))
def test_strings_and_arrays_slice_alike(text: str, start: int | None, end: int | None) -> None:
    characters = call_method(list(text), "slice", [start, end])
    assert call_method(text, "slice", [start, end]) == "".join(characters)


@SMALL
@given(st.text(max_size=12), st.text(min_size=1, max_size=2))
def test_split_and_join_are_inverse(text: str, separator: str) -> None:
    assert call_method(call_method(text, "split", [separator]), "join", [separator]) == text


@pytest.mark.parametrize(
    ("value", "true"),
    [
        ([], {"isArray", "isDefined"}),
        ({}, {"isObject", "isDefined"}),
        (ErrorItem(0, 0, "m", 1), {"isObject", "isDefined"}),
        (Tagged({}, SECRET), {"isObject", "isDefined"}),
        ("", {"isString", "isDefined"}),
        (1.5, {"isNumber", "isDefined"}),
        (False, {"isBoolean", "isDefined"}),
        (None, {"isNull", "isDefined"}),
        (MISSING, set()),
        (Executable("f"), {"isDefined"}),
    ],
)
def test_type_checks(value: Any, true: set[str]) -> None:
    assert {name for name in METHODS["any value"] if call_method(value, name, [])} == true


def test_elements_keep_their_tags() -> None:
    items = [Tagged("b", SECRET), "a", [Tagged("c", SECRET)]]
    assert [labels_of(item) for item in call_method(items, "slice", [0, 2])] == [("secret",), ()]
    assert [labels_of(item) for item in call_method(items[:2], "sort", [])] == [(), ("secret",)]
    assert labels_of(call_method(items, "at", [1])) == ()
    assert labels_of(call_method([Tagged(["x"], SECRET)], "flat", [])[0]) == ("secret",)


@pytest.mark.parametrize(
    ("value", "name", "args", "result"),
    [
        ([Tagged("b", SECRET), 1], "join", ["+"], "b+1"),
        ([Tagged("b", SECRET), 1], "includes", ["b"], True),
        ([Tagged("b", SECRET), 1], "indexOf", [1], 1),
        ("xy", "replaceAll", [{"x": Tagged("b", SECRET)}], "by"),
    ],
)
def test_a_result_made_of_elements_carries_their_labels(value: Any, name: str, args: list[Any], result: Any) -> None:
    found = call_method(value, name, args)
    assert plain(found) == result
    assert labels_of(found) == ("secret",)


@pytest.mark.parametrize(
    ("value", "name", "code", "message", "help"),
    [
        ("x", "toUppercase", "E202", "a string has no method .toUppercase()", "did you mean .toUpperCase()?"),
        ("x", "at", "E206", "a string has no method .at()", 'arrays have it, as in `["a", "b"].at(-1)`'),
        (5, "trim", "E206", "a number has no method .trim()", 'strings have it, as in `"  a b ".trim()`'),
        (5, "foo", "E202", "a number has no method .foo()", None),
        (None, "length", "E206", "null has no method .length()", 'strings have it, as in `"née".length()`'),
        (MISSING, "isdefined", "E202", "null has no method .isdefined()", "did you mean .isDefined()?"),
        ([1], "map", "E202", "an array has no method .map()", "`for @x in @xs => …` makes a new array"),
        (
            {"a": 1},
            "keys",
            "E202",
            "an object has no method .keys()",
            "`.mx.keys` lists the keys of an object",
        ),
        ([1], "isArrray", "E202", "an array has no method .isArrray()", "did you mean .isArray()?"),
    ],
)
def test_methods_that_are_not_there(value: Any, name: str, code: str, message: str, help: str | None) -> None:
    with pytest.raises(OrchError) as caught:
        call_method(value, name, [])
    assert (caught.value.code, caught.value.message, caught.value.help) == (code, message, help)


@pytest.mark.parametrize(
    ("value", "name", "args", "code", "message"),
    [
        ("x", "includes", [], "E207", ".includes() needs an argument"),
        ("x", "replace", ["a"], "E207", ".replace() needs 2 arguments"),
        ("x", "replaceAll", ["a"], "E207", ".replaceAll(a string) needs a second argument"),
        ("x", "slice", ["y"], "E206", "a number is needed here, not a string"),
        (
            "x",
            "includes",
            [Regex.of("a", "g")],
            "E206",
            "a regular expression is not allowed here, use .match(/a/g)",
        ),
        ("x", "repeat", [-1], "E206", "a string cannot be repeated -1 times"),
        ("x", "repeat", [2**40], "E206", f"a string of {2**40} characters is too long"),
        ("x", "padEnd", [2**40], "E206", f"a string of {2**40 - 1} characters is too long"),
        ("x", "match", ["("], "E101", "malformed regular expression: a group is not closed"),
    ],
)
def test_wrong_arguments(value: Any, name: str, args: list[Any], code: str, message: str) -> None:
    with pytest.raises(OrchError) as caught:
        call_method(value, name, args)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_more_arguments_than_needed_are_ignored() -> None:
    assert call_method("Ab", "toLowerCase", [1, 2]) == "ab"
    assert call_method([1, 2], "join", ["-", "x"]) == "1-2"
    assert call_method(None, "isNull", [1]) is True
