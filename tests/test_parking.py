"""A limit of a provider that lasts: the run is parked, nothing that was paid for is lost, and the next run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from orchestra.cli.in_process import Finished, run_in_process
from orchestra.errors import OrchError
from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.limits import Gate

GRADES = """\
import { @claude } from @orch/llm
exe llm @grade(n) = @claude(`essay @n`)
var @all = for parallel(4) @n in [1, 2, 3, 4, 5, 6, 7, 8] => @grade(@n)
show @all.length
"""
LIMIT = {"status": 429, "message": "too many tokens", "retry_after": 900}


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "job.mld").write_text(GRADES)

    def replies(self, *cases: dict[str, Any]) -> None:
        (self.root / "replies.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))

    def run(self, *words: str) -> Finished:
        return run_in_process(["job.mld", "--models", "replies.jsonl", *words], self.root, "", {})

    def orch(self, *words: str) -> str:
        return run_in_process(list(words), self.root, "", {}).stdout


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_siblings_finish_nothing_is_begun_and_the_next_run_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.replies(
        {"match": {"contains": "essay 2"}, "error": LIMIT},
        {"match": {"contains": "essay"}, "delay": 60, "reply": "ok"},
    )
    run = trio.run
    monkeypatch.setattr(trio, "run", lambda main, clock: run(main, clock=MockClock(autojump_threshold=0)))
    done = project.run()
    assert (done.exit, done.stdout) == (75, "")
    assert "error[E711]: replay: too many tokens" in done.stderr
    assert " UTC (" in done.stderr and "--wait" in done.stderr
    assert "continue with: orch job.mld --models replies.jsonl\n" in done.stderr
    assert "3 calls, " in done.stderr  # those that were under way, of eight
    project.replies({"reply": "ok"})
    done = project.run()
    assert (done.exit, done.stdout) == (0, "8\n")
    assert "5 calls, 3 cached" in done.stderr


def test_the_time_is_kept_with_the_run(project: Project) -> None:
    project.replies({"error": LIMIT})
    project.run()
    (run,) = json.loads(project.orch("runs", "--json"))
    until = run["parked_until"]
    assert (run["exit"], until[-1]) == (75, "Z")
    shown = f"parked until {until[:16].replace('T', ' ')}"
    assert shown in project.orch("runs")
    assert shown in project.orch("show")
    project.replies({"reply": "ok"})
    project.run()
    assert "parked" not in project.orch("runs")


def test_a_handler_does_not_keep_a_parked_run_going(project: Project) -> None:
    (project.root / "job.mld").write_text(
        "import { @claudePoll } from @orch/llm\nexe llm @a() = @claudePoll(`x`)\n"
        'try [ show @a() ] catch @e [ show "caught" ]\nshow "on"\n'
    )
    project.replies({"error": LIMIT})
    done = project.run()
    assert (done.exit, done.stdout) == (75, "")


def test_a_spend_limit_ends_the_run_for_now(project: Project) -> None:
    project.replies({"error": {"status": 429, "error_code": "workspace_spend_limit", "message": "spent"}})
    assert project.run().exit == 75


# ── on a clock that jumps ────────────────────────────────────────────────────────────────────────


def ask(root: Path, patient: bool, *cases: dict[str, Any], **more: Any) -> tuple[LLMResult, float]:
    """One call, and the seconds that it took."""
    (root / "replies.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))

    async def timed() -> tuple[LLMResult, float]:
        agent = Agent(
            root=root, config={}, environment={"ORCH_LLM_REPLAY": "replies.jsonl"}, emit=lambda kind, data: None,
            archive_dir=lambda: None, chance=lambda: 0.5, patient=patient,
        )  # fmt: skip
        result = await agent.call(LLMRequest(call_id="c1", fn="f", prompt="p", dir=root, **more))
        return result, trio.current_time()

    return trio.run(timed, clock=MockClock(autojump_threshold=0))


def test_who_waits_waits_as_long_and_as_often_as_it_takes(tmp_path: Path) -> None:
    limited = {"error": {"status": 429, "retry_after": 7200}, "times": 12}
    result, seconds = ask(tmp_path, True, limited, {"reply": "at last"}, timeout=60.0, retries=2)
    assert result.text == "at last"
    assert seconds > 12 * 7200  # although the call itself may take a minute only


def test_who_does_not_wait_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OrchError) as caught:
        ask(tmp_path, False, {"error": {"status": 429, "retry_after": 7200}})
    assert (caught.value.code, caught.value.exit, caught.value.fatal) == ("E711", 75, True)


def test_a_wait_beyond_the_time_of_the_call_fails_the_call_alone(tmp_path: Path) -> None:
    with pytest.raises(OrchError) as caught:
        ask(tmp_path, False, {"error": {"status": 429, "retry_after": 100}}, timeout=60.0)
    assert (caught.value.code, caught.value.fatal) == ("E711", False)


def test_calls_that_come_to_a_closed_gate_are_told_how_long_it_is_closed() -> None:
    """They send nothing, and do not sleep through the limit either."""

    def bear(seconds: float) -> None:
        raise OrchError("E711", f"{seconds:.0f}")

    async def come() -> None:
        gate = Gate()
        async with gate.slot() as since:
            pass
        gate.slowed(since, 900)
        with pytest.raises(OrchError, match="900"):
            async with gate.slot(bear):
                raise AssertionError("it is closed")
        assert trio.current_time() == since

    trio.run(come, clock=MockClock(autojump_threshold=0))
