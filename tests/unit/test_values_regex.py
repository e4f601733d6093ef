"""JavaScript's regular expressions; the expected matches are those of Node."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.regex import Regex, compile_js, each_match, expand_replacement


def found(regex: Regex, text: str) -> list[Any] | None:
    if regex.everywhere:
        return [match[0] for match in each_match(regex.pattern, text)] or None
    match = regex.pattern.search(text)
    return [match[0], *match.groups()] if match else None


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "result"),
    [
        ("a.c", "", "a\nc abc", ["abc"]),
        ("a.c", "s", "a\nc abc", ["a\nc"]),
        ("a.c", "", "a\u2028c", None),
        ("^b", "", "a\nb", None),
        ("^b", "m", "a\nb", ["b"]),
        ("a$", "", "a\n", None),
        ("a$", "m", "a\rb", ["a"]),
        (r"\d+", "g", "١23 45", ["23", "45"]),
        (r"\w+", "g", "é_ab9", ["_ab9"]),
        (r"\bfoo\b", "g", "foo éfoo food", ["foo", "foo"]),
        (r"\Boo", "", "foo", ["oo"]),
        (r"\s", "g", "a\u00a0b\ufeff\x1c", ["\u00a0", "\ufeff"]),
        (r"\S+", "g", "a\ufeffb", ["a", "b"]),
        (r"[^\S]+", "", "a b", [" "]),
        (r"(?<y>\d{4})-(?<m>\d\d)\k<m>", "", "2024-0505", ["2024-0505", "2024", "05"]),
        (r"(a)|\1b", "", "b", ["b", None]),
        (r"(a\1)", "", "aa", ["a", "a"]),
        (r"(\w+)\s\1", "", "hey hey", ["hey hey", "hey"]),
        ("[^]", "", "\n", ["\n"]),
        ("[]", "", "a", None),
        ("x{,3}", "", "x{,3}", ["x{,3}"]),
        ("{a}", "", "{a}", ["{a}"]),
        ("a]b}", "", "a]b}", ["a]b}"]),
        (r"\u0041\x42\u{1F600}", "", "AB\U0001f600", ["AB\U0001f600"]),
        (r"\ud83d\ude00", "", "\U0001f600", ["\U0001f600"]),
        (r"\cJ\0\v", "", "\n\0\v", ["\n\0\v"]),
        (r"[\b\]\-\d]+", "", "\b]-7", ["\b]-7"]),
        (r"[\w-]+", "", "a-b c", ["a-b"]),
        (r"[\d-z]+", "g", "5-z a", ["5-z"]),
        (r"[a-c-]+", "", "x-b", ["-b"]),
        ("[a-\\d]+", "", "x-1", ["-1"]),
        ("[&~|[]+", "", "[&|~", ["[&|~"]),
        ("é", "i", "É", ["É"]),
        (r"(?<=\$)\d+", "", "cost $42", ["42"]),
        ("(?<!a)b", "g", "ab cb", ["b"]),
        ("(?=a)*b", "", "b", ["b"]),
        ("(?:a|b)*?c", "", "abac", ["abac"]),
        (r"\/\A\x4", "", "/Ax4", ["/Ax4"]),
        ("a|", "g", "ba", ["", "a", ""]),
        ("^|a", "g", "aa", ["", "a"]),
    ],
)
def test_matches(pattern: str, flags: str, text: str, result: list[Any] | None) -> None:
    assert found(Regex.of(pattern, flags), text) == result


@pytest.mark.parametrize(
    ("pattern", "flags", "code", "message", "offset"),
    [
        ("a**", "", "E101", "malformed regular expression: nothing to repeat", 2),
        ("a++", "", "E101", "malformed regular expression: nothing to repeat", 2),
        ("x(*)", "", "E101", "malformed regular expression: nothing to repeat", 2),
        ("(a", "", "E101", "malformed regular expression: a group is not closed", 2),
        ("a)", "", "E101", "malformed regular expression: a parenthesis closes nothing", 1),
        ("x[a", "", "E101", "malformed regular expression: a character class is not closed", 1),
        ("[z-a]", "", "E101", "malformed regular expression: a range runs backwards", 1),
        ("a\\", "", "E101", "malformed regular expression: it ends in a backslash", 1),
        (r"\u{110000}", "", "E101", "malformed regular expression: there is no such character", 10),
        (r"a\2(b)", "", "E101", "malformed regular expression: there is no group 2 before this", 1),
        (r"\k<n>(?<n>a)", "", "E101", "malformed regular expression: there is no group n before this", 0),
        ("(?<a-b>x)", "", "E101", "malformed regular expression: 'a-b' is no group name", 0),
        ("(?<n>a)(?<n>b)", "", "E101", "malformed regular expression: two groups are called n", 7),
        ("a{2,1}", "", "E101", "malformed regular expression: min repeat greater than max repeat", 0),
        ("a", "gg", "E101", "the regular expression flag g stands twice", 1),
        ("a", "y", "E109", "the regular expression flag y is not known here", 1),
        ("x(?>a)", "", "E109", "this kind of group is not known here", 1),
        (r"x\p{L}", "u", "E109", r"\p{…} is not known here", 1),
        (r"[a\P{L}]", "u", "E109", r"\P{…} is not known here", 2),
        ("x(?<=a+)b", "", "E109", "a lookbehind must match a fixed number of characters", 1),
    ],
)
def test_refusals(pattern: str, flags: str, code: str, message: str, offset: int) -> None:
    with pytest.raises(OrchError) as caught:
        compile_js(pattern, flags)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.details == {"pattern": pattern, "offset": offset}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("$1-$2", "b-"),
        ("$01$10$3$0", "bb0$3$0"),
        ("$&$$$`$'", "bc$ad"),
        ("$<n>$<x>", "b"),
        ("$", "$"),
        ("$x", "$x"),
    ],
)
def test_replacement(template: str, text: str) -> None:
    match = compile_js("(?<n>b)(x)?c").search("abcd")
    assert match
    assert expand_replacement(template, match) == text


def test_names_in_a_replacement_need_a_named_group() -> None:
    match = compile_js("(b)").search("b")
    assert match
    assert expand_replacement("$<n>", match) == "$<n>"


def test_a_regex_shows_as_written() -> None:
    assert str(Regex.of("a/b", "gi")) == "/a/b/gi"
