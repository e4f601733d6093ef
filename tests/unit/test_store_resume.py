"""What is made again: phases, functions, call sites, cursors; marks last until the new answer is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_setting import SCRIPT, VALIDITY, key, open_store, put, start

from orchestra.errors import OrchError
from orchestra.store import Execution, Hit, Miss
from orchestra.store.listings import list_checkpoints
from orchestra.store.store import Store

PHASES = ["rating", "review", "summing"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def rate(execution: Execution, *fruits: str, phase: str | None = "rating", site: int = 0, first: int = 0) -> None:
    for seq, fruit in enumerate(fruits, first):
        of = key(fruit, function="rate")
        put(execution, of, len(fruit), first_arg=fruit, phase=phase, site=site, seq=seq)


def marked(store: Store) -> list[str]:
    """The keys of marked answers as their first arguments, via the digests the tests know."""
    names = {key(name, function=fn).digest: name for name in NAMES for fn in ("rate", "sum", "var:total")}
    return [names[entry.key] for entry in list_checkpoints(store, SCRIPT) if entry.state == "marked"]


NAMES = ["fig", "plum", "peach", "pear", "apple", "[3]", "1", "2", "3", "4"]


def fruit_salad(store: Store) -> Execution:
    execution = start(store)
    rate(execution, "fig", "plum", "peach")
    put(execution, key("[3]", function="sum"), 12, first_arg="[3]", phase="summing")
    return execution


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("summing", ["[3]"]),
        ("rating", ["fig", "plum", "peach", "[3]"]),
        ("rat", ["fig", "plum", "peach", "[3]"]),
        ("review", ["[3]"]),
    ],
)
def test_a_phase_and_all_later_ones(store: Store, name: str, expected: list[str]) -> None:
    count = fruit_salad(store).resume.mark_phase(name, PHASES)
    assert marked(store) == expected
    assert count == len(expected)


def test_an_answer_added_to_an_earlier_phase_later_changes_nothing(store: Store) -> None:
    """Numbers that run through the whole script would place the addition behind the second phase."""
    execution = fruit_salad(store)
    rate(execution, "apple", first=3)
    execution.resume.mark_phase("summing", PHASES)
    assert marked(store) == ["[3]"]


def test_what_was_made_before_the_first_checkpoint_is_in_no_phase(store: Store) -> None:
    execution = start(store)
    rate(execution, "fig", phase=None)
    assert execution.resume.mark_phase("rating", PHASES) == 0


def test_an_exact_name_wins_over_a_longer_one(store: Store) -> None:
    execution = start(store)
    rate(execution, "fig", phase="review")
    rate(execution, "plum", phase="review-again")
    assert execution.resume.mark_phase("review-again", ["review", "review-again"]) == 1


@pytest.mark.parametrize(
    ("name", "phases", "code", "message", "help"),
    [
        ("ing", PHASES, "E801", 'unknown checkpoint "ing"', "available checkpoints: rating, review, summing"),
        ("x", [], "E801", 'unknown checkpoint "x"', "available checkpoints: none"),
        ("r", PHASES, "E802", 'ambiguous checkpoint match "r"', "matches: rating, review"),
    ],
)
def test_a_name_that_fits_no_phase_or_several(
    store: Store, name: str, phases: list[str], code: str, message: str, help: str
) -> None:
    with pytest.raises(OrchError) as caught:
        fruit_salad(store).resume.mark_phase(name, phases)
    assert (caught.value.code, caught.value.message, caught.value.help, caught.value.exit) == (
        code,
        message,
        help,
        2,
    )
    assert marked(store) == []


def test_a_function(store: Store) -> None:
    assert fruit_salad(store).resume.mark_function("rate", None, None, False) == 3
    assert marked(store) == ["fig", "plum", "peach"]


def test_a_call_site(store: Store) -> None:
    execution = fruit_salad(store)
    rate(execution, "apple", site=1)
    assert execution.resume.mark_function("rate", 1, None, False) == 1
    assert marked(store) == ["apple"]
    assert execution.resume.mark_function("rate", 2, None, False) == 0


def test_a_cursor_marks_the_first_match_and_later_calls_of_that_function(store: Store) -> None:
    assert fruit_salad(store).resume.mark_function("rate", None, "pl", False) == 2
    assert marked(store) == ["plum", "peach"]


def test_a_cursor_within_one_call_site(store: Store) -> None:
    execution = fruit_salad(store)
    rate(execution, "pear", "apple", site=1, first=3)
    execution.resume.mark_function("rate", 1, "p", False)
    assert marked(store) == ["pear", "apple"]


def test_a_cursor_does_not_reach_into_other_runs(store: Store) -> None:
    fruit_salad(store)
    other = start(store, '{"other": true}')
    rate(other, "apple", first=7)
    other.resume.mark_function("rate", None, "plum", False)
    assert marked(store) == ["plum", "peach"]


def test_a_cursor_follows_the_order_of_the_last_execution(store: Store) -> None:
    rate(start(store), "1", "2", "3")
    again = start(store)
    for seq, name in enumerate(["3", "4", "1", "2"]):
        if name == "4":
            rate(again, "4", first=1)
        else:
            again.checkpoints.look_up(key(name, function="rate"), VALIDITY, seq)
    again.checkpoints.flush()
    again.resume.mark_function("rate", None, "1", False)
    assert marked(store) == ["1", "2"]


def test_only_matching_ones(store: Store) -> None:
    assert fruit_salad(store).resume.mark_function("rate", None, "p", True) == 2
    assert marked(store) == ["plum", "peach"]


def test_the_whole_first_argument_is_compared(store: Store) -> None:
    execution = start(store)
    long = "x" * 9000
    put(execution, key("1", function="rate"), 1, first_arg=long + "a\n\ud800")
    put(execution, key("2", function="rate"), 1, first_arg=long + "b")
    assert execution.resume.mark_function("rate", None, long + "a\n\ud800", True) == 1
    assert marked(store) == ["1"]


def test_no_match_marks_nothing(store: Store) -> None:
    assert fruit_salad(store).resume.mark_function("rate", None, "kiwi", False) == 0
    assert marked(store) == []


def test_a_variable_is_named_like_a_function(store: Store) -> None:
    execution = start(store)
    put(execution, key("1", function="var:total"), 1)
    assert execution.resume.functions() == {"total": 1}
    assert execution.resume.mark_function("total", None, None, False) == 1


def test_an_unknown_function(store: Store) -> None:
    with pytest.raises(OrchError) as caught:
        fruit_salad(store).resume.mark_function("rat", None, None, False)
    error = caught.value
    assert (error.code, error.message, error.exit) == ("E803", 'unknown function "@rat"', 2)
    assert error.help == "did you mean @rate? functions with entries: @rate (3), @sum (1)"


def test_an_unknown_function_of_an_empty_store(store: Store) -> None:
    with pytest.raises(OrchError) as caught:
        store.resume(SCRIPT).mark_function("rate", None, None, False)
    assert caught.value.help == "functions with entries: none"


def test_a_marked_answer_is_not_served_until_it_was_replaced(store: Store) -> None:
    execution = fruit_salad(store)
    fig = key("fig", function="rate")
    assert execution.resume.mark_all() == 4
    assert execution.checkpoints.look_up(fig, VALIDITY, 0) == Miss("to be made again", resumed=True)
    put(execution, fig, "new")
    hit = execution.checkpoints.look_up(fig, VALIDITY, 0)
    assert isinstance(hit, Hit)
    assert hit.value == "new"


def test_marks_outlive_the_process_that_set_them(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    fruit_salad(store).resume.mark_function("rate", None, None, False)
    store.connection.close()  # as a killed process leaves it
    found = start(open_store(tmp_path)).checkpoints.look_up(key("fig", function="rate"), VALIDITY, 0)
    assert isinstance(found, Miss)


def test_restoring_serves_what_was_not_replaced(store: Store) -> None:
    execution = fruit_salad(store)
    execution.resume.mark_all()
    put(execution, key("fig", function="rate"), "new")
    assert store.resume(SCRIPT).restore() == 3
    assert marked(store) == []
    hit = execution.checkpoints.look_up(key("plum", function="rate"), VALIDITY, 0)
    assert isinstance(hit, Hit)
    assert hit.value == 4


def test_another_script_is_not_touched(store: Store) -> None:
    fruit_salad(store)
    assert store.resume("other.mld").mark_all() == 0
    assert store.resume("other.mld").functions() == {}
    assert marked(store) == []


def test_phases_remember_whether_they_were_complete(store: Store) -> None:
    phases = start(store).phases
    assert not phases.completed("rating")
    phases.record("rating", True)
    assert phases.completed("rating")
    assert not start(store, script="other.mld").phases.completed("rating")
    phases.record("rating", False)
    assert not phases.completed("rating")
