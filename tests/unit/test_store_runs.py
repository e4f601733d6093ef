"""Runs and executions, model calls, and what commands read about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from store_setting import SCRIPT, Clock, key, open_store, put, start

from orchestra.store import CallRow
from orchestra.store.listings import (
    RunSummary,
    UsageTotal,
    list_calls,
    list_runs,
    show_call,
    show_run,
    usage_by,
)
from orchestra.store.store import Store

CALL = CallRow(
    id="0001",
    fn="review",
    provider="anthropic",
    model="m1",
    started="2026-01-02T03:04:05.000+00:00",
    ms=1500,
    turns=2,
    input=100,
    output=20,
    cache_write=5,
    cache_read=7,
    cost=0.25,
    stop="end_turn",
    attempts=1,
    cached=False,
    archive="prompts/0001-review.prompt.md",
    phase="review",
    error=None,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    return open_store(tmp_path, clock)


def test_the_same_payload_goes_on_with_the_last_run(store: Store, clock: Clock) -> None:
    first = start(store, '{"topic": "moss", "n": 1}')
    first.choose_out_dir("llm/output/audit/2026-01-02-1")
    first.finish(0)
    clock.advance(3600)
    again = start(store, '{"n": 1.0, "topic": "moss"}')
    assert (first.id, again.id) == ("r1.1", "r1.2")
    assert (again.run_id, again.number, again.script) == ("r1", 1, SCRIPT)
    assert (again.started, again.seed) == (first.started, first.seed)
    assert again.out_dir == first.out_dir == "llm/output/audit/2026-01-02-1"


def test_of_two_executions_that_choose_a_folder_the_first_decides(store: Store) -> None:
    first, second = start(store), start(store)
    assert first.run_id == second.run_id
    assert first.choose_out_dir("out-0") == "out-0"
    assert second.choose_out_dir("out-1") == second.out_dir == "out-0"


def test_a_folder_belongs_to_one_run_even_before_it_is_made(store: Store) -> None:
    first, second = start(store), start(store, new=True)
    assert first.choose_out_dir("out-0") == "out-0"
    assert second.choose_out_dir("out-0") is None
    assert second.choose_out_dir("out-1") == "out-1"


def test_a_new_run_gets_the_next_number_and_is_the_last_one_then(store: Store, clock: Clock) -> None:
    first = start(store)
    first.choose_out_dir("out-1")
    clock.advance(1)
    second = start(store, new=True)
    assert (second.run_id, second.number, second.out_dir) == ("r2", 2, None)
    assert second.started != first.started
    assert second.seed != first.seed
    assert start(store).run_id == "r2"


@pytest.mark.parametrize(("script", "payload"), [(SCRIPT, '{"n": 2}'), (SCRIPT, '{"n": "1"}'), ("b.mld", '{"n": 1}')])
def test_another_payload_or_script_is_another_run(store: Store, script: str, payload: str) -> None:
    assert start(store, '{"n": 1}').number == 1
    other = start(store, payload, script=script)
    assert (other.run_id, other.number) == ("r2", 1)


def test_seeds_are_exact_as_numbers_of_the_language(store: Store) -> None:
    seeds = {start(store, new=True).seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed < 2**48 for seed in seeds)


def test_numbers_of_runs_count_beyond_nine(store: Store) -> None:
    assert [start(store, new=True).run_id for _ in range(11)][-2:] == ["r10", "r11"]


def test_runs_are_listed_across_scripts_latest_first(store: Store, clock: Clock) -> None:
    started = clock()
    first = start(store)
    first.calls.put(CALL)
    first.calls.put(replace(CALL, id="0002", cost=None))
    first.finish(1)
    second = start(store)
    second.calls.put(CALL)
    clock.advance(60)
    second.finish(0)
    later = clock()
    start(store, script="b.mld")
    mine = RunSummary("r1", SCRIPT, 1, started, later, 0, executions=2, calls=3, cost=0.5, unpriced=1)
    other = RunSummary("r2", "b.mld", 1, later, None, None, executions=1, calls=0, cost=None)
    assert list_runs(store) == [other, mine]
    assert list_runs(store, SCRIPT) == [mine]
    assert list_runs(store, "c.mld") == []


def test_a_run_in_detail(store: Store) -> None:
    execution = store.start(SCRIPT, '{"a": [1]}', ["run", "audit", "--x\ud800"], new=False, read_digest=str)
    execution.choose_out_dir("out")
    execution.calls.put(CALL)
    put(execution, key("a"), 1)
    execution.finish(5)
    run = show_run(store, "r1")
    assert run is not None
    assert (run.payload, run.out_dir, run.seed) == ({"a": [1]}, "out", execution.seed)
    assert (run.summary.exit, run.calls, run.checkpoints) == (5, [CALL], 1)
    [made] = run.executions
    assert (made.id, made.exit, made.argv) == ("r1.1", 5, ["run", "audit", "--x\ud800"])
    assert made.pid > 0


def test_an_unknown_run(store: Store) -> None:
    assert show_run(store, "r9") is None
    assert list_calls(store, "r9") == []
    assert show_call(store, "r9", "0001") is None


def test_calls_come_back_as_they_were(store: Store) -> None:
    failed = replace(
        CALL, id="0002", cost=None, stop=None, cached=True, error="broken \ud800", archive=None, phase=None
    )
    calls = start(store).calls
    calls.put(CALL)
    calls.put(failed)
    assert list_calls(store, "r1") == [CALL, replace(failed, error="broken ?")]
    assert show_call(store, "r1", "0001") == CALL


def test_the_last_execution_answers_for_an_id_given_twice(store: Store) -> None:
    start(store).calls.put(CALL)
    start(store).calls.put(replace(CALL, ms=1))
    call = show_call(store, "r1", "0001")
    assert call is not None
    assert call.ms == 1


def test_a_call_is_written_down_as_far_as_it_has_come(store: Store) -> None:
    execution = start(store)
    execution.calls.put(replace(CALL, stop=None, error="not finished"))
    execution.calls.put(CALL)
    assert list_calls(store, execution.run_id) == [CALL]


def test_usage_by_run_and_phase(store: Store) -> None:
    start(store).calls.put(replace(CALL, phase=None))
    start(store, '{"n": 2}').calls.put(replace(CALL, phase="grading", cost=9.0))
    sums = usage_by(store, ["run", "phase"])
    assert [(sum.of, sum.cost) for sum in sums] == [(("r2", "grading"), 9.0), (("r1", None), CALL.cost)]


def test_usage_by_function_and_model(store: Store) -> None:
    calls = start(store).calls
    calls.put(CALL)
    calls.put(replace(CALL, id="0002", cost=None, error="timeout"))
    calls.put(replace(CALL, id="0003", fn="verify", cost=1.0))
    start(store, '{"n": 2}').calls.put(replace(CALL, fn="verify", model="m2", cost=None))
    verify = UsageTotal(("verify", "m1"), 1, 0, 100, 20, 5, 7, 1500, 1.0, 0)
    review = UsageTotal(("review", "m1"), 2, 1, 200, 40, 10, 14, 3000, 0.25, 1)
    assert usage_by(store, ["function", "model"], "r1") == [verify, review]
    assert usage_by(store, ["function", "model"]) == [
        verify,
        review,
        UsageTotal(("verify", "m2"), 1, 0, 100, 20, 5, 7, 1500, 0.0, 1),
    ]
