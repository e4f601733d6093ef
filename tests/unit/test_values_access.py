"""Fields, indexes, slices and filters, and items that failed."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.errors import OrchError
from orchestra.values.access import each_field, filter_of, get_field, get_index, slice_of
from orchestra.values.error_item import ErrorItem, check_condition, find_error_item
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged, labels_of

SMALL = settings(max_examples=50, deadline=None)
CREW = [{"name": "Ida", "kg": 61}, {"name": "Bo", "kg": 80}, {"name": "Cy"}]
PRIVATE = Meta(labels=("private",))


@pytest.mark.parametrize(
    ("value", "name", "found"),
    [
        ({"a": 1}, "a", 1),
        ({"a": None}, "a", None),
        ({"a": 1}, "b", MISSING),
        ({"length": 9}, "length", 9),
        ({}, "length", MISSING),
        ([1, 2], "length", 2),
        ([1, 2], "1", 2),
        ([1, 2], "5", MISSING),
        ([1, 2], "name", MISSING),
        ("née", "length", 3),
        (None, "a", MISSING),
        (MISSING, "a", MISSING),
    ],
)
def test_fields(value: Any, name: str, found: Any) -> None:
    assert get_field(value, name) is found or get_field(value, name) == found


@pytest.mark.parametrize(
    ("value", "name", "message", "help"),
    [
        ("plan", "json", "cannot read .json of a string", "to end a file name here, write `\\.json`"),
        (
            ' {"a":1}',
            "a",
            "cannot read .a of a string",
            "the string looks like JSON, parse it first: `| @parse`",
        ),
        ("abc", "lenght", "cannot read .lenght of a string", "did you mean .length?"),
        ("abc", "zzz", "cannot read .zzz of a string", None),
        (3, "x", "cannot read .x of a number", None),
        (True, "x", "cannot read .x of a boolean", None),
        (Executable("f"), "x", "cannot read .x of an executable", None),
    ],
)
def test_fields_of_scalars(value: Any, name: str, message: str, help: str | None) -> None:
    with pytest.raises(OrchError) as caught:
        get_field(value, name)
    assert (caught.value.code, caught.value.message, caught.value.help) == ("E205", message, help)


@pytest.mark.parametrize(
    ("value", "index", "found"),
    [
        ([4, 5], 1, 5),
        ([4, 5], 1.0, 5),
        ([4, 5], "1", 5),
        ([4, 5], "length", 2),
        ([4, 5], 2, MISSING),
        ([4, 5], -1, MISSING),
        ([4, 5], 0.5, MISSING),
        ([4, 5], float("nan"), MISSING),
        ([4, 5], float("inf"), MISSING),
        ({"2": "x"}, 2, "x"),
        ({"2": "x"}, "2", "x"),
        ({"02": "x"}, "02", "x"),
        ({"k": "x"}, "k", "x"),
        (None, 0, MISSING),
    ],
)
def test_indexes(value: Any, index: Any, found: Any) -> None:
    assert get_index(value, index) is found or get_index(value, index) == found


@pytest.mark.parametrize(
    ("value", "index", "code", "message", "help"),
    [
        ("abc", 0, "E205", "cannot read [0] of a string", "for one character write `.slice(0, 1)`"),
        (
            "[1]",
            0,
            "E205",
            "cannot read [0] of a string",
            "the string looks like JSON, parse it first: `| @parse`",
        ),
        (5, 0, "E205", "cannot read [0] of a number", None),
        ([1], None, "E206", "an index is a number or a string, not null", None),
        ([1], [0], "E206", "an index is a number or a string, not an array", None),
        ([1], True, "E206", "an index is a number or a string, not a boolean", None),
    ],
)
def test_bad_indexes(value: Any, index: Any, code: str, message: str, help: str | None) -> None:
    with pytest.raises(OrchError) as caught:
        get_index(value, index)
    assert (caught.value.code, caught.value.message, caught.value.help) == (code, message, help)


def javascript_slice(items: list[int], start: int | None, end: int | None) -> list[int]:
    """The words of the standard: clip, count negatives from the end, take what lies between."""
    size = len(items)
    first = 0 if start is None else max(size + start, 0) if start < 0 else min(start, size)
    last = size if end is None else max(size + end, 0) if end < 0 else min(end, size)
    return [items[i] for i in range(first, last)]


BOUNDS = st.none() | st.integers(-12, 12)


@SMALL
@given(st.lists(st.integers(), max_size=8), BOUNDS, BOUNDS)
def test_slices_are_those_of_javascript(items: list[int], start: int | None, end: int | None) -> None:
    assert slice_of(items, start, end) == javascript_slice(items, start, end)


def test_slices_of_other_values() -> None:
    assert slice_of("planet", -3, None) == "net"
    assert slice_of(MISSING, 0, 1) is MISSING
    assert slice_of([1, 2, 3], "1", float("inf")) == [2, 3]
    assert slice_of([1, 2, 3], MISSING, 2.9) == [1, 2]
    with pytest.raises(OrchError, match=r"^cannot take a slice of an object$"):
        slice_of({}, 0, 1)
    with pytest.raises(OrchError, match=r"^a slice bound is a number, not a string$"):
        slice_of([1], "x", None)


def test_a_field_of_every_element() -> None:
    assert each_field(CREW, "kg") == [61, 80, None]
    assert each_field(None, "kg") is MISSING
    with pytest.raises(OrchError, match=r"^\[\*\] needs an array, not a string$"):
        each_field("x", "kg")
    with pytest.raises(OrchError, match=r"^cannot read \.kg of a number$"):
        each_field([1], "kg")


def test_parts_of_elements_keep_their_tags() -> None:
    secret = Tagged({"name": "Di", "kg": 90}, PRIVATE)
    assert [labels_of(item) for item in each_field([CREW[0], secret], "name")] == [(), ("private",)]
    assert filter_of([CREW[0], secret], ["kg"], ">", 70) == [secret]


@pytest.mark.parametrize(
    ("op", "literal", "names"),
    [
        (">", 70, ["Bo"]),
        (">=", 61, ["Ida", "Bo"]),
        ("<", 70, ["Ida"]),
        ("<=", "61", ["Ida"]),
        ("=", 61, ["Ida"]),
        ("==", "80", ["Bo"]),
        ("==", None, []),
        ("!=", 61, ["Bo", "Cy"]),
        ("~", 6, ["Ida"]),
        (None, None, ["Ida", "Bo"]),
        ("==", Tagged(61, PRIVATE), ["Ida"]),
    ],
)
def test_filters(op: str | None, literal: Any, names: list[str]) -> None:
    assert each_field(filter_of(CREW, ["kg"], op, literal), "name") == names


def test_filters_walk_a_path() -> None:
    rows = [{"tags": ["x", "y"]}, {"tags": ["z"]}, {}]
    assert filter_of(rows, ["tags", 0], "~", "z") == [{"tags": ["z"]}]
    assert filter_of(rows, ["tags", 1], None, None) == [rows[0]]
    assert filter_of(None, ["a"], None, None) is MISSING
    with pytest.raises(OrchError, match=r"^\[\?…\] needs an array, not an object$"):
        filter_of({}, ["a"], None, None)


# ── items that failed ────────────────────────────────────────────────────────────────────────────


def failed() -> ErrorItem:
    return ErrorItem(1, "1", "no route", "db2")


def test_an_error_item_reads_as_an_object() -> None:
    item = failed()
    assert get_field(item, "index") == 1
    assert get_index(item, "value") == "db2"
    assert get_field(item, "host") is MISSING
    assert not item.seen


@pytest.mark.parametrize("name", ["error", "message"])
def test_reading_the_error_counts_as_looking(name: str) -> None:
    item = failed()
    assert get_field(item, name) == "no route"
    assert item.seen


def test_a_filter_on_the_error_counts_as_looking() -> None:
    item = failed()
    assert filter_of([{"host": "db1"}, item], ["error"], None, None) == [item]
    assert item.seen


@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda item: item, "value"),
        (lambda item: [1, item], "value[1]"),
        (lambda item: {"rows": [{"a": 1}, Tagged(item, PRIVATE)]}, "value.rows[1]"),
        (lambda item: Tagged([[item]], PRIVATE), "value[0][0]"),
    ],
)
def test_conditions_refuse_error_items(wrap: Any, path: str) -> None:
    item = failed()
    assert find_error_item(wrap(item)) == path
    assert item.seen
    with pytest.raises(OrchError) as caught:
        check_condition(wrap(failed()))
    assert caught.value.code == "E301"
    assert caught.value.message == f"a condition met a failed item at {path}: no route"


@pytest.mark.parametrize("value", [None, 1, "x", [], [{"error": "data"}], {"message": "m", "value": 1}])
def test_data_that_looks_like_an_error_is_a_condition(value: Any) -> None:
    assert find_error_item(value) is None
    check_condition(value)


def test_an_error_item_survives_pickling() -> None:
    item = failed()
    item.seen = True
    copy = pickle.loads(pickle.dumps(item))
    assert copy == item
    assert copy.seen
