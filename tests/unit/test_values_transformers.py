"""Transformers: texts, parsing, models' answers, CSV, XML and Markdown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.errors import OrchError
from orchestra.values.tagged import MISSING, Meta, Tagged, labels_of, meta_of, unwrap, with_facts
from orchestra.values.transformers import apply, find
from orchestra.values.transformers.markdown import normalise

SMALL = settings(max_examples=50, deadline=None)
SECRET = Meta(labels=("secret",))


def run(name: str, value: Any) -> Any:
    return unwrap(apply(*split(name), value))


def split(name: str) -> tuple[str, str | None]:
    head, _, variant = name.partition(".")
    return head, variant or None


@pytest.mark.parametrize("name", ["trim", "upper", "lower", "md"])
@pytest.mark.parametrize("value", [None, 5, True, [" a "], {"a": " b "}])
def test_text_transformers_leave_data_alone(name: str, value: Any) -> None:
    assert apply(name, None, value) is value


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("TRIM", " a ", "a"),
        ("sort", "b\na", "a\nb"),
        ("sort", "b\na\n", "a\nb\n"),
        ("sort", [10, 9, "1"], ["1", 10, 9]),
        ("sort", [{"b": 1}, {"a": 1}], [{"b": 1}, {"a": 1}]),
        ("sort", 5, 5),
        ("pretty", {"a": [1]}, '{\n  "a": [\n    1\n  ]\n}'),
        ("pretty", '{"a":1.0}', '{\n  "a": 1\n}'),
        ("pretty", "no json", "no json"),
        ("pretty", 5, 5),
        ("typeof", None, "null"),
        ("typeof", {}, "object"),
        ("typeof", "x", "string"),
    ],
)
def test_texts(name: str, value: Any, result: Any) -> None:
    assert run(name, value) == result


def test_sort_orders_keys() -> None:
    assert list(run("sort", {"b": 1, "a": 2})) == ["a", "b"]


def test_labels_flow_and_a_changed_text_forgets_the_original() -> None:
    assert labels_of(apply("csv", None, [{"a": Tagged("x", SECRET)}])) == ("secret",)
    assert labels_of(apply("upper", None, Tagged("x", SECRET))) == ("secret",)
    loaded = with_facts("hi", text='"hi"')
    assert apply("trim", None, loaded) == "hi"
    assert meta_of(apply("trim", None, loaded)).text is None


# ── parsing ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "text", "data"),
    [
        ("parse", "{'a': 1, b: [2,], /* c */}", {"a": 1, "b": [2]}),
        ("parse.loose", "42", 42),
        ("PARSE", "[1]", [1]),
        ("PARSE.LLM", "[1]", [1]),
        ("parse.strict", '{"a":12345678901234567890}', {"a": 12345678901234567890}),
        ("parse.fromlist", " one  \r\n\n\ttwo\n", [" one", "\ttwo"]),
        ("json", '{"a":1}', {"a": 1}),
        ("json.llm", "nothing", None),
    ],
)
def test_parsing(name: str, text: str, data: Any) -> None:
    assert run(name, text) == data


@pytest.mark.parametrize("name", ["parse", "parse.loose", "parse.strict", "parse.llm", "parse.fromlist"])
@pytest.mark.parametrize("value", [[1], {"a": 1}, 5, False])
def test_parsing_leaves_data_alone(name: str, value: Any) -> None:
    assert apply(*split(name), value) is value


def test_the_old_name_turns_data_into_text() -> None:
    assert run("json", {"a": [1, None]}) == '{"a":[1,null]}'


@pytest.mark.parametrize(("text", "kept"), [('{"id": 7}', '{"id": 7}'), ("{id: 7}", None), ("7", None)])
def test_the_text_is_kept_if_it_is_json(text: str, kept: str | None) -> None:
    assert meta_of(apply("parse", None, text)).text == kept


@pytest.mark.parametrize(
    ("name", "value", "message", "help"),
    [
        (
            "parse",
            "Sure!",
            '@parse found no JSON: unexpected "S" at line 1, column 1',
            "for an answer with prose or code fences use `| @parse.llm`",
        ),
        (
            "parse",
            '{"a": \n oops}',
            '@parse found no JSON: unexpected "o" at line 2, column 2',
            "for an answer with prose or code fences use `| @parse.llm`",
        ),
        (
            "parse.strict",
            "{a: 1}",
            "@parse.strict found no JSON: expecting property name enclosed in double quotes at line 1, column 2",
            "`| @parse.loose` allows comments, single quotes, bare keys",
        ),
        ("parse", None, "@parse needs a text, not null", None),
        ("parse.llm", MISSING, "@parse.llm needs a text, not null", None),
    ],
)
def test_what_cannot_be_parsed(name: str, value: Any, message: str, help: str | None) -> None:
    with pytest.raises(OrchError) as caught:
        apply(*split(name), value)
    assert (caught.value.code, caught.value.message, caught.value.help) == ("E307", message, help)


def test_deep_nesting_is_an_error_not_a_crash() -> None:
    with pytest.raises(OrchError, match=r"^@parse found no JSON"):
        apply("parse", None, "[" * 100_000)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [] ", []),
        ("42", None),
        ('"text"', None),
        ("", None),
        ("nothing here", None),
        ("Here you go:\n```json\n{id: 8}\n```\nBye", {"id": 8}),
        ("```\nnot it\n```\n~~~\n[1]\n~~~", [1]),
        ('  ````md\n  {"a": 2}\n  ````', {"a": 2}),
        ('Verdict: {"pass": false, "why": ["slow"]} - end', {"pass": False, "why": ["slow"]}),
        ('first {"a": 1} then {"b": 22}', {"b": 22}),
        ('first {"aa": 1} then {"b": 2}', {"aa": 1}),
        ('first {"a": 1} then {"b": 2}', {"b": 2}),
        ('[1, 2, 3] and {"a": 1}', [1, 2, 3]),
        ("as shown in [1] and {x}", None),
        ('[see {"a": 1}]', {"a": 1}),
        ('{ open {"a": "}"} and', {"a": "}"}),
        ("I don't know {'a': 'it}'}, can't say", {"a": "it}"}),
        ('{"a": "broken\n} {"b": 1}', {"b": 1}),
        ('} ] {"a": 1}', {"a": 1}),
        ('({"a": [1, 2})] {"c": 3}', {"c": 3}),
        ('```json\n{"a": 1, "b": [', None),
        ("{" + "[1," * 19 + '{"a": 1}' + "oops]" * 19 + "}", {"a": 1}),
        ("[1," * 60 + '{"a": 1}' + "oops]" * 60, None),
    ],
)
def test_answers_of_models(text: str, data: Any) -> None:
    assert run("parse.llm", text) == data


@SMALL
@given(
    st.dictionaries(st.text(max_size=3), st.integers(), min_size=1, max_size=3),
    st.sampled_from(["", "Hm. ", "- "]),
)
def test_an_object_is_found_in_prose(data: dict[str, int], before: str) -> None:
    import json

    assert run("parse.llm", f"{before}{json.dumps(data)} That is it.") == data


# ── CSV and XML ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"a": 1, "b": "x, y"}, {"b": 'say "hi"', "c": 3}], 'a,b\n1,"x, y"\n,"say ""hi"""'),
        ([{"a": 0, "b": False, "c": None, "d": "0"}], "a,b,c,d\n,,,0"),
        ([{"a": [1, {"k": 2}]}], 'a\n"[1,{""k"":2}]"'),
        ({"a": 1, "b": 2}, "a,b\n1,2"),
        ('[{"a":1}]', "a\n1"),
        ([[1, 2], ["x"]], "1,2\nx"),
        ([], ""),
        ("| a | b |\n|---|:-:|\n| 1 | x\\|y |\n| 2 |", "a,b\n1,x|y\n2"),
        ('plain "text"', '"plain ""text"""'),
    ],
)
def test_csv(value: Any, text: str) -> None:
    assert run("csv", value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"dueDate": "May", "by-whom": "A & B"}, "<DUE_DATE>May</DUE_DATE>\n<BY_WHOM>A &amp; B</BY_WHOM>"),
        ({"a": None, "b": [], "c": {"d": True}}, "<B></B>\n<C>\n  <D>true</D>\n</C>"),
        ({"tags": [1, None, "<x>"]}, "<TAGS>\n  <ITEM>1</ITEM>\n  <ITEM>&lt;x&gt;</ITEM>\n</TAGS>"),
        (
            [1, {"HTTPCode": 2}],
            "<ROOT>\n  <ITEM>1</ITEM>\n  <ITEM>\n    <HTTP_CODE>2</HTTP_CODE>\n  </ITEM>\n</ROOT>",
        ),
        ({"1st": 1, "!": 2}, "<_1ST>1</_1ST>\n<ITEM>2</ITEM>"),
        ('{"a":1}', "<A>1</A>"),
        ("plain <text>\n", "<DOCUMENT>\nplain <text>\n</DOCUMENT>"),
        (
            "Intro\n# One two\nx\n## Sub\n```\n# no heading\n```\n# Last",
            "Intro\n<ONE_TWO>\nx\n<SUB>\n```\n# no heading\n```\n</SUB>\n</ONE_TWO>\n<LAST>\n</LAST>",
        ),
    ],
)
def test_xml(value: Any, text: str) -> None:
    assert run("xml", value) == text


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("\n\n# A\nb  \n\n\n\nc\n\n", "# A\n\nb\n\nc\n"),
        ("a\n# B\n## C\nd", "a\n\n# B\n\n## C\n\nd\n"),
        ("a\nb\n- c", "a\nb\n- c\n"),
        ("#no heading\nx", "#no heading\nx\n"),
        ("```\n# x  \n\n\n\n```\n\n\ny", "```\n# x  \n\n\n\n```\n\ny\n"),
        ("````\n```\n# x\n````\n# y", "````\n```\n# x\n````\n\n# y\n"),
        ("~~~\n\n\n", "~~~\n"),
        ("| a |  \n|---|\n| # |", "| a |  \n|---|\n| # |\n"),
        ("---\nt: 1  \n\n\nu: 2\n---\n# A", "---\nt: 1  \n\n\nu: 2\n---\n\n# A\n"),
        ("---\nno end", "---\nno end\n"),
        ("a\r\n\r\n\r\nb\r\n", "a\n\nb\n"),
        ("  \n\n", ""),
        ("", ""),
    ],
)
def test_normalise(text: str, result: str) -> None:
    assert normalise(text) == result


@SMALL
@given(st.lists(st.sampled_from(["# H", "text ", "", "```", "| c |", "- i", "---"])).map("\n".join))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


# ── names ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "variant", "message", "help"),
    [
        ("uper", None, "there is no transformer @uper", "did you mean @upper?"),
        ("zzzzz", None, "there is no transformer @zzzzz", None),
        ("parse", "lm", "@parse has no variant .lm", "did you mean @parse.llm?"),
        (
            "parse",
            "yaml",
            "@parse has no variant .yaml",
            "there is @parse.loose, @parse.strict, @parse.llm, @parse.fromlist",
        ),
        ("upper", "x", "@upper has no variant .x", None),
    ],
)
def test_unknown_names(name: str, variant: str | None, message: str, help: str | None) -> None:
    with pytest.raises(OrchError) as caught:
        apply(name, variant, "x")
    assert (caught.value.code, caught.value.message, caught.value.help) == ("E202", message, help)


def test_names_are_lower_or_upper_case_only() -> None:
    assert find("upper") is find("UPPER")
    assert find("Upper") is None
    assert find("PARSE", "llm") is find("parse", "llm")
