"""Statements that parse but have no meaning where they stand."""

from __future__ import annotations

import pytest

from orchestra.errors import OrchError
from orchestra.nodes.placement import INSTEAD, NEEDS, PLACES, check_placement
from orchestra.parse import parse_script
from orchestra.source import Source

HOSTS = {
    "script": "if true [ {} ]",
    "function": "exe @f() = [ if true [ {} ] ]",
    "hook": "hook after @f = [ if true [ {} ] ]",
    "for": "for @x in [1] [ if true [ {} ] ]",
    "loop": "loop(1) [ if true [ {} ] ]",
}
WORDS = {"done": "done", "continue": "continue", "skip": "skip", "retry": "=> retry"}


def check(text: str) -> None:
    check_placement(parse_script(Source("a.mld", text)))


def fault(text: str) -> tuple[str, str, str]:
    """Code, message and the text under the carets."""
    with pytest.raises(OrchError) as caught:
        check(text)
    assert caught.value.span is not None
    assert caught.value.exit == 2
    return caught.value.code, caught.value.message, caught.value.span.text


@pytest.mark.parametrize("owner", HOSTS)
@pytest.mark.parametrize("word", WORDS)
def test_words_that_leave(word: str, owner: str) -> None:
    text = HOSTS[owner].format(WORDS[word])
    if (word, owner) in INSTEAD:
        assert fault(text) == ("E107", f"{word} has no {NEEDS[word]} {PLACES[owner]}", word)
    else:
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        'when true => checkpoint "a"',
        'when [ true => checkpoint "a"; * => checkpoint "b" ]',
        'checkpoint "a"',
        "hook after @f = [ for @x in [1] [ if true [ skip ] ] ]",
        "loop(1) [ if true [ => 1 ] ]",
        "exe @f() = [ if true [ => 1 ] => 2 ]",
        'import templates from "./msgs" as @m(who)',
        "var @r = when [ false => 1; none => 2; * => 3 ]",
        "=> 1\nshow 2",
    ],
)
def test_places_that_are_fine(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("text", "message", "under"),
    [
        ("exe @f() = [ => 1; show 2 ]", "the return => must be the last statement of its block", "=>"),
        ("var @x = [ => 1; show 2 ]", "the return => must be the last statement of its block", "=>"),
        ("exe @f() = [ => 1; => 2 ]", "a block returns only once", "=>"),
        ("hook after @f = [ => skip ]", "skip is no value to return", "skip"),
        ("loop(1) [ => 1 ]", "a loop body does not return", "=>"),
        ("var @r = when [ none => 1; true => 2 ]", "none must come after all conditions", "none"),
        ("var @r = when 1 [ * => 1; none => 2 ]", "none after * is never reached", "none"),
        ("for @x in [1] when [ none => 1; @x => 2 ]", "none must come after all conditions", "none"),
    ],
)
def test_faults_of_form(text: str, message: str, under: str) -> None:
    assert fault(text) == ("E107", message, under)


@pytest.mark.parametrize(
    "text",
    [
        'var @x = when [ true => checkpoint "a" ]',
        'exe @f() = when [ true => checkpoint "a" ]',
        'for @x in [1] when [ true => checkpoint "a" ]',
        'if true [ when true => checkpoint "a" ]',
    ],
)
def test_checkpoints_elsewhere(text: str) -> None:
    message = "a checkpoint stands at the top level, or directly after => in a when there"
    assert fault(text) == ("E805", message, "checkpoint")


def test_names_imported_without_braces() -> None:
    assert fault('import a from "./x.mld"') == (
        "E109",
        "imported names stand in braces",
        'import a from "./x.mld"',
    )


def test_the_first_fault_in_the_source_is_reported() -> None:
    assert fault("if true [ skip ]\nif true [ done ]")[2] == "skip"
