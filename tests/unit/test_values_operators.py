"""Truth, arithmetic, comparison and the tolerant match."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.errors import OrchError
from orchestra.values import operators as op
from orchestra.values.error_item import ErrorItem
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged

SMALL = settings(max_examples=50, deadline=None)
SCALARS = st.none() | st.just(MISSING) | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
VALUES = SCALARS | st.sampled_from(["1", "1.0", "true", "null", "0"]) | st.lists(SCALARS, max_size=3)
NAN = math.nan


@pytest.mark.parametrize(
    "value",
    [None, MISSING, False, 0, 0.0, -0.0, NAN, "", "0", "false", "FALSE", "nan", "NaN", [], {}],
)
def test_false_values(value: Any) -> None:
    assert op.truthy(value) is False


@pytest.mark.parametrize(
    "value",
    [True, 1, -0.5, math.inf, " ", "null", "0.0", "[]", "{}", "falsey", [0], {"a": None}, Executable("f")],
)
def test_true_values(value: Any) -> None:
    assert op.truthy(value) is True


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (True, 1),
        (None, 0),
        (" 7 ", 7),
        ("-.5", -0.5),
        ("1e3", 1000),
        ("0x1F", 31),
        ("0b11", 3),
        ("true", 1),
        ("false", 0),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
    ],
)
def test_to_number(value: Any, number: float) -> None:
    assert op.to_number(value) == number


@pytest.mark.parametrize("value", ["", " ", "x", "1_000", "١", "1,5", "True", MISSING, [], [1], {}, "inf", "nan"])
def test_what_is_no_number(value: Any) -> None:
    assert math.isnan(op.to_number(value))


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (op.add(2, 3), 5),
        (op.add("5", "3"), 8),
        (op.add("5", 3), 8),
        (op.add(0.5, 0.5), 1),
        (op.add(None, True), 1),
        (op.add(2**53, 2**53), 2.0**54),
        (op.subtract("7", 2), 5),
        (op.subtract(1, 0.5), 0.5),
        (op.multiply(3, 4), 12),
        (op.multiply(2**53, 3), 3 * 2.0**53),
        (op.multiply(1e308, 10), math.inf),
        (op.multiply(10**400, -1), -math.inf),
        (op.divide(10, 5), 2),
        (op.divide(1, 3), 1 / 3),
        (op.divide(1, 0), math.inf),
        (op.divide(-1, 0), -math.inf),
        (op.divide(1, -0.0), -math.inf),
        (op.remainder(7, 3), 1),
        (op.remainder(-7, 3), -1),
        (op.remainder(7, -3), 1),
        (op.remainder(5.5, 2), 1.5),
        (op.remainder(5, math.inf), 5),
        (op.negate("4"), -4),
        (op.negate(True), -1),
    ],
)
def test_arithmetic(result: float, expected: float) -> None:
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "result",
    [
        op.add("a", 1),
        op.add("a", "1"),
        op.add(MISSING, 1),
        op.divide(0, 0),
        op.divide("x", 0),
        op.remainder(1, 0),
        op.remainder(math.inf, 2),
        op.multiply(0, math.inf),
        op.subtract([1], 1),
    ],
)
def test_arithmetic_without_result(result: float) -> None:
    assert math.isnan(result)


def test_signed_zero_is_kept_for_division() -> None:
    assert op.divide(1, op.negate(0)) == -math.inf
    assert op.divide(1, op.multiply(-1, 0)) == -math.inf


def test_strings_are_not_added() -> None:
    with pytest.raises(OrchError) as caught:
        op.add("Ada", "Lovelace")
    assert caught.value.code == "E206"
    assert caught.value.message == "+ adds numbers and does not join strings"
    assert caught.value.help == "use a template: `@first@second`"


def test_order_compares_numbers_only() -> None:
    assert op.less("9", 10) and not op.less("10", "9")
    assert op.less_equal(2, "2") and op.greater_equal("2", 2)
    assert op.greater(2**60 + 1, 2**60)
    assert not op.less("a", "b") and not op.greater_equal("a", "a")
    assert not op.less(MISSING, 1) and op.less(None, 1)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (None, MISSING),
        (MISSING, MISSING),
        ("7.0", 7),
        ("true", True),
        ("true", 1),
        (1, 1.0),
        ([1, "2"], [1, 2]),
        ([Tagged(1, Meta(("l",)))], [1]),
        ({"a": [1], "b": 2}, {"b": 2, "a": ["1"]}),
        (ErrorItem(0, 0, "m", 1), {"index": 0, "key": 0, "message": "m", "error": "m", "value": 1}),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_equal(a: Any, b: Any) -> None:
    assert op.equals(a, b) and op.equals(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, True),
        (0, False),
        (0, None),
        (False, None),
        ("", None),
        ("null", None),
        ("", 0),
        ("True", True),
        ("1", True),
        ("a", "A"),
        (NAN, NAN),
        ([1], [1, 2]),
        ([1], 1),
        ([], {}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"b": 1}),
        (Executable("f"), Executable("f")),
        (2**53 + 1, 2**53),
    ],
)
def test_not_equal(a: Any, b: Any) -> None:
    assert not op.equals(a, b) and not op.equals(b, a)


@SMALL
@given(VALUES, VALUES)
def test_equality_is_symmetric(a: Any, b: Any) -> None:
    assert op.equals(a, b) == op.equals(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("b", "a, b"),
        ("a,b", ["b", "a", "c"]),
        ([" a "], "a"),
        ("7", 7),
        ([1, 2], "2, 1"),
        (True, "true"),
        (None, []),
        ("null", MISSING),
        ([], "null"),
        ([{"k": 1}], [{"k": 1}, 2]),
    ],
)
def test_tolerant_match(a: Any, b: Any) -> None:
    assert op.tolerant_match(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [("a, b", "a"), ("A", "a"), (None, "a"), ("a", None), ([], ["a"]), ("ab", "a"), ("7", "7.0")],
)
def test_no_tolerant_match(a: Any, b: Any) -> None:
    assert not op.tolerant_match(a, b)
