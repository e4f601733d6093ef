"""Keys: equal calls have equal digests, different ones do not, and the spelling of arguments is canonical."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.store import SecretValue, Uncacheable, make_key
from orchestra.store.keys import canonical
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged


def digest(*args: Any) -> str:
    return make_key("m.mld", "f", args).digest


# The numbers are those of RFC 8785, appendix B, and of Number.prototype.toString.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-1.5, "-1.5"),
        (1e16, "10000000000000000"),
        (1e21, "1e+21"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (333333333.33333329, "333333333.3333333"),
        (1.2345678901234568e20, "123456789012345680000"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740993, "9007199254740993"),
    ],
)
def test_numbers_are_spelt_as_javascript_does(number: float, text: str) -> None:
    assert canonical(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('\x00\x1f\b\t\n\f\r"\\/é\u2028\x7f', '"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/é\u2028\x7f"'),
        ({"b": 1, "a": [True, False, None]}, '{"a":[true,false,null],"b":1}'),
        # By UTF-16 units an astral character stands before U+FB33, though its number is larger.
        ({"\ufb33": 1, "😀": 2}, '{"😀":2,"\ufb33":1}'),
        (math.inf, '{"$":["float","inf"]}'),
        ({"$": 1}, '{"$":["object",{"$":1}]}'),
        (Executable("f"), '{"$":["function","f"]}'),
    ],
)
def test_canonical_form(value: Any, text: str) -> None:
    assert canonical(value) == text


def test_types_count() -> None:
    values = [1, "1", True, "true", None, "null", MISSING, [], {}, "", [1], ["1"], math.nan, "nan"]
    assert len({digest(value, "end") for value in values}) == len(values)


def test_a_whole_number_is_the_same_however_it_was_computed() -> None:
    assert digest(2) == digest(2.0)
    assert digest(0.0) == digest(-0.0)


def test_order_of_fields_labels_and_facts_do_not_count() -> None:
    tagged = Tagged({"b": Tagged(2, Meta(("pii",))), "a": 1}, Meta(text="{}", facts={"filename": "x"}))
    assert digest(tagged) == digest({"a": 1, "b": 2})


def test_missing_arguments_at_the_end_do_not_count() -> None:
    assert digest("a", MISSING, MISSING) == digest("a")
    assert digest("a", MISSING, "b") != digest("a", None, "b")
    assert digest("a", None) != digest("a")


def test_boundaries_between_arguments_count() -> None:
    assert digest("a", "b") != digest(["a", "b"])
    assert digest("a,b") != digest("a", "b")


def test_module_function_attempts_and_sample_count() -> None:
    keys = [
        make_key("m.mld", "f", ["x"]),
        make_key("n.mld", "f", ["x"]),
        make_key("m.mld", "g", ["x"]),
        make_key("m.mld", "f", ["x"], ((2, "h1"),)),
        make_key("m.mld", "f", ["x"], ((2, "h2"),)),
        make_key("m.mld", "f", ["x"], ((3, "h1"),)),
        make_key("m.mld", "f", ["x"], ((2, "h1"), (2, "h1"))),
        make_key("m.mld", "f", ["x"], (), 1),
    ]
    assert len({key.digest for key in keys}) == len(keys)


def test_a_function_counts_by_its_digest_or_else_its_name() -> None:
    class Defined(Executable):
        def __init__(self, name: str, digest: str) -> None:
            super().__init__(name)
            self.digest = digest

    assert digest(Defined("f", "d1")) == digest(Defined("renamed", "d1"))
    assert digest(Defined("f", "d1")) != digest(Defined("f", "d2"))
    assert digest(Executable("f")) != digest(Executable("g"))
    assert digest(Executable("f")) != digest("f")


def test_halves_of_surrogate_pairs_are_told_apart() -> None:
    assert len({digest("\ud800"), digest("\ud801"), digest("?"), digest("\ud83d\ude00"), digest("😀")}) == 5


def test_the_digest_stays_what_it_is() -> None:
    """Another digest here would empty every cache in the field."""
    key = make_key("llm/lib/a.mld", "review", ["a.py", 1.5, {"k": None}], ((2, "h"),), 3)
    assert key.args == '["a.py",1.5,{"k":null}]'
    assert key.digest == "e669682a816d803fd417e9ad841e22f6"


def test_a_secret_argument_leaves_not_even_a_digest() -> None:
    with pytest.raises(SecretValue):
        digest({"token": Tagged("hunter2", Meta(("secret",)))})


def test_an_open_handle_makes_the_call_uncacheable() -> None:
    with pytest.raises(Uncacheable, match="an argument contains a value of type object"):
        digest([object()])


def test_an_argument_that_contains_itself_makes_the_call_uncacheable() -> None:
    ring: dict[str, Any] = {}
    ring["self"] = ring
    with pytest.raises(Uncacheable, match="contains itself or is nested too deeply"):
        digest(ring)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(), st.integers() | st.text()), st.randoms())
def test_any_order_of_fields_gives_the_same_digest(fields: dict[str, Any], random: Any) -> None:
    shuffled = list(fields.items())
    random.shuffle(shuffled)
    assert digest(dict(shuffled)) == digest(fields)
