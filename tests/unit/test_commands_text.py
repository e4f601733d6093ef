"""Texts of shell commands: refused operators, the place of references, values as words."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra.errors import OrchError
from orchestra.nodes.shell_text import (
    Inserted,
    check_interpolated,
    open_quote,
    quote_value,
    refused_operator,
    variable_text,
)
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged


def shell(line: str) -> str:
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout.decode()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("make clean && make", (11, "&&")),
        ("a || b", (2, "||")),
        ("a; b", (1, ";")),
        ("ls > out", (3, ">")),
        ("ls >> out", (3, ">>")),
        ("sort < in", (5, "<")),
        ("sleep 1 &", (8, "&")),
        ("ls 2>&1", (4, ">")),
        ("echo $(a; b)", (8, ";")),
        ("echo 'x' \"y\" ; z", (13, ";")),
        ("ls | sort | uniq", None),
        ("echo 'a && b' \"c; d\"", None),
        ("find . -exec ls {} \\;", None),
        ('echo "\\"; still quoted"', None),
        ("echo '\\' ; x", (9, ";")),
        ("echo \"$(date '+%H;%M')\"", None),
        ('echo "it\'s" && x', (12, "&&")),
        ("", None),
    ],
)
def test_refused_operator(text: str, found: tuple[int, str] | None) -> None:
    assert refused_operator(text) == found


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("", ""),
        ('echo "', '"'),
        ("echo '", "'"),
        ('echo "a" ', ""),
        ('echo "\\', '"'),
        ("echo \\'", ""),
        ('echo "$(ls ', ""),
        ('echo "$(ls "', '"'),
        ('echo "$(ls ")" ', ""),
        ('echo "$(ls) ', '"'),
        ("echo \"it's ", '"'),
    ],
)
def test_open_quote(text: str, quote: str) -> None:
    assert open_quote(text) == quote


@pytest.mark.parametrize(
    ("value", "bare", "quoted"),
    [
        ("plain", "plain", "plain"),
        ("Mae $HOME", "'Mae $HOME'", "Mae \\$HOME"),
        ('a"b`c\\d', "'a\"b`c\\d'", 'a\\"b\\`c\\\\d'),
        ("", "''", ""),
        (None, "null", "null"),
        (True, "true", "true"),
        (3.0, "3", "3"),
        ([3, 1, 2], "3 1 2", "3 1 2"),
        (["a b", "*", "it's"], "a b '*' 'it'\"'\"'s'", "a b * it's"),
        ([], "", ""),
        ({"k": [1]}, "'{\"k\":[1]}'", '{\\"k\\":[1]}'),
        ([[1], 2], "'[[1],2]'", "[[1],2]"),
        (Tagged({"k": 1}, Meta(text='{ "k": 1 }')), "'{ \"k\": 1 }'", '{ \\"k\\": 1 }'),
        (Tagged([Tagged(1, Meta(("x",))), 2], Meta(("y",))), "1 2", "1 2"),
        (Executable("f"), "'[executable: f]'", "[executable: f]"),
    ],
)
def test_quote_value(value: object, bare: str, quoted: str) -> None:
    assert quote_value(value, False) == bare
    assert quote_value(value, True) == quoted


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_a_text_is_one_word_for_the_shell(text: str) -> None:
    line = f'printf "<%s>" {quote_value(text, False)} "{quote_value(text, True)}"'
    assert shell(line) == f"<{text}><{text}>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two\nlines\n", "two\nlines\n"),
        (None, ""),
        (MISSING, ""),
        (False, "false"),
        (2.5, "2.5"),
        (["ant", 2, None, True], "ant\n2\nnull\ntrue"),
        ([], ""),
        ({"a": [1, "x"]}, '{"a":[1,"x"]}'),
        ([["a"], "b"], '[["a"],"b"]'),
        (Tagged([1, 2], Meta(text="[1,  2]")), "[1,  2]"),
        (Tagged(None, Meta(("secret",))), ""),
    ],
)
def test_variable_text(value: object, text: str) -> None:
    assert variable_text(value) == text


@pytest.mark.parametrize(
    ("value", "piece"),
    [
        ("x && rm", "&&"),
        ("x || y", "||"),
        ("x; y", ";"),
        ("http://h/?a=1&b=2", "&"),
        ('say \\"hi', '\\"'),
        (["fine", "a;b"], ";"),
        (Tagged("a;b", Meta(("web",))), ";"),
    ],
)
def test_bare_values_must_not_bring_operators(value: object, piece: str) -> None:
    with pytest.raises(OrchError) as caught:
        check_interpolated([Inserted("ok", 1, False), Inserted("v", value, False)])
    assert caught.value.code == "E502"
    assert caught.value.message == f"the value of @v brings {piece} into a command"
    assert caught.value.help == 'write "@v" in double quotes, or pass it to sh as a parameter'


def test_quoted_values_structures_and_pipes_pass() -> None:
    check_interpolated(
        [
            Inserted("a", "x && y; z", True),
            Inserted("b", {"url": "?a=1&b=2", "say": 'the "word"'}, False),
            Inserted("c", "a | b > c", False),
            Inserted("d", None, False),
        ]
    )
