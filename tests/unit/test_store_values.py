"""Values survive the store with types, labels and facts; what must not or cannot be kept is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.store import Codec, SecretValue, Uncacheable
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged, tag

TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.sampled_from(["$", "\ud800", "\udc00\ud800", "a\0b", "\ud83d\ude00", "😀"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["$", "\ud800"]), inner),
    max_leaves=12,
)


def around(value: Any) -> Any:
    text = Codec().encode(value)
    text.encode("utf-8")  # SQLite must be able to hold it
    return Codec().decode(text)


def same(a: Any, b: Any) -> bool:
    """Equal with equal types and signs at any depth."""
    return repr(a) == repr(b) and a == b


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_every_tree_of_plain_data_comes_back(value: Any) -> None:
    assert same(around(value), value)


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 1, True, 2**53 + 1, -(10**30), 1e300, math.inf, -math.inf])
def test_numbers_keep_type_sign_and_digits(value: Any) -> None:
    assert same(around([value]), [value])


def test_not_a_number_comes_back() -> None:
    assert math.isnan(around(math.nan))


def test_missing_is_not_null() -> None:
    assert around([MISSING, None]) == [MISSING, None]
    assert around(MISSING) is MISSING


def test_an_object_that_looks_like_a_mark_stays_an_object() -> None:
    assert around({"$": ["missing"]}) == {"$": ["missing"]}


def test_order_of_fields_is_kept() -> None:
    assert list(around({"b": 1, "a": 2})) == ["b", "a"]


def test_tags_come_back_at_any_depth() -> None:
    inner = Tagged("x", Meta(("pii",), ("pii", "src:file"), ("a.md",), "raw \ud800", {"filename": "a.md", "n": 3}))
    got = around(Tagged({"deep": [inner]}, Meta(("outer",))))
    assert got.meta.labels == ("outer",)
    assert got.meta.facts is None
    meta = got.data["deep"][0].meta
    assert (meta.labels, meta.taint, meta.sources) == (("pii",), ("pii", "src:file"), ("a.md",))
    assert (meta.text, meta.facts) == ("raw \ud800", {"filename": "a.md", "n": 3})


def test_empty_original_text_and_facts_are_not_absent() -> None:
    meta = around(Tagged([], Meta(text="", facts={}))).meta
    assert (meta.text, meta.facts) == ("", {})


def test_facts_that_cannot_be_kept_are_left_out() -> None:
    got = around(Tagged("x", Meta(facts={"handle": object(), "n": 1})))
    assert got.meta.facts == {"n": 1}


class Fault:
    def __init__(self, message: str, looked: bool) -> None:
        self.message = message
        self.looked = looked


def test_further_types_are_registered_by_their_owner() -> None:
    codec = Codec()
    codec.register(Fault, lambda f: {"message": f.message, "looked": f.looked}, lambda d: Fault(**d))
    good, bad = codec.decode(codec.encode(["ok", Fault("no\ud800", True)]))
    assert good == "ok"
    assert (bad.message, bad.looked) == ("no\ud800", True)


def test_a_type_that_nobody_registered_is_read_as_data() -> None:
    codec = Codec()
    codec.register(Fault, lambda f: {"message": f.message}, lambda d: Fault(d["message"], False))
    assert Codec().decode(codec.encode([Fault("no", True)])) == [{"message": "no"}]


def test_a_secret_is_refused_at_any_depth() -> None:
    secret = tag("hunter2", Meta(("secret",)))
    for value in (secret, [{"a": secret}], Tagged("x", Meta(facts={"key": secret}))):
        with pytest.raises(SecretValue, match="it carries the label secret"):
            Codec().encode(value)


def test_a_secret_inside_a_registered_type_is_refused() -> None:
    codec = Codec()
    codec.register(Fault, lambda f: f.message, lambda message: Fault(message, False))
    with pytest.raises(SecretValue):
        codec.encode([Fault(tag("hunter2", Meta(("secret",))), False)])


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", Executable("f")])
def test_what_has_no_lasting_form_is_refused_by_name(value: Any) -> None:
    with pytest.raises(Uncacheable, match=f"it contains a value of type {type(value).__name__}"):
        Codec().encode([value])


def test_a_value_that_contains_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(Uncacheable, match="contains itself or is nested too deeply"):
        Codec().encode(ring)
