"""The loop of a model call: turns, tools, retries, files to be written, schemas, archive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from orchestra.errors import OrchError
from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LineChoice, LLMRequest, LLMResult
from orchestra.runtime.poll_turns import PollTurns
from orchestra.runtime.tools.specs import parse_tools

Events = list[tuple[str, dict[str, Any]]]


class Bench:
    """A project folder with recorded answers and an agent on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: Events = []
        self.config: dict[str, Any] = {}
        self.environment: dict[str, str] = {"ORCH_LLM_REPLAY": "replies.jsonl"}

    def cases(self, *cases: Mapping[str, Any]) -> None:
        (self.root / "replies.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))

    def agent(self) -> Agent:
        return Agent(
            root=self.root,
            config=self.config,
            environment=self.environment,
            emit=lambda kind, data: self.events.append((kind, data)),
            archive_dir=lambda: self.root / "prompts",
            chance=lambda: 0.5,
        )

    def request(self, prompt: str = "review this", **more: Any) -> LLMRequest:
        fields: dict[str, Any] = {"call_id": "c1", "fn": "review", "dir": self.root, **more}
        if isinstance(fields.get("tools"), str):
            fields["tools"] = parse_tools(fields["tools"])
        return LLMRequest(prompt=prompt, **fields)

    def ask(self, prompt: str = "review this", **more: Any) -> LLMResult:
        """One call on a clock that jumps."""
        return trio.run(self.agent().call, self.request(prompt, **more), clock=MockClock(autojump_threshold=0))

    def fails(self, code: str, prompt: str = "review this", **more: Any) -> OrchError:
        with pytest.raises(OrchError) as caught:
            self.ask(prompt, **more)
        assert caught.value.code == code, caught.value.message
        return caught.value

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [data for name, data in self.events if name == kind]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def writing(path: str, content: str) -> dict[str, Any]:
    return {"tool": "Write", "input": {"file_path": path, "content": content}}


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def test_text_and_its_ledger(bench: Bench) -> None:
    bench.cases({"reply": "fine", "usage": {"input": 1_000_000, "output": 100_000}})
    result = bench.ask(model="opus")
    assert (result.text, result.data) == ("fine", "fine")
    assert (result.provider, result.model) == ("replay", "claude-opus-5-5")
    assert result.cost == pytest.approx(6.0)
    assert (result.turns, result.attempts, result.stop, result.poll) == (1, 1, "end_turn", None)
    assert bench.kinds() == ["llm:start", "llm:usage", "llm:end"]


def test_json_is_data_and_fenced_json_is_text(bench: Bench) -> None:
    bench.cases({"match": {"contains": "bare"}, "reply": {"mark": 4}}, {"reply": '```json\n{"mark": 4}\n```'})
    assert bench.ask("bare").data == {"mark": 4}
    assert bench.ask("fenced").data == '```json\n{"mark": 4}\n```'
    bench.cases({"reply": "[" * 100_000})
    assert bench.ask().data == "[" * 100_000


def test_unknown_model_has_no_price(bench: Bench) -> None:
    bench.cases({"reply": "x"})
    assert bench.ask(model="qwen3").cost is None


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_answer_is_an_error(bench: Bench, text: str) -> None:
    bench.cases({"turns": [{"text": text}]})
    assert bench.fails("E717").message == "the model answered nothing"


def test_text_is_shown_only_when_streamed(bench: Bench) -> None:
    bench.cases({"reply": "hello"})
    bench.ask(stream=True)
    assert [data["text"] for data in bench.told("llm:text")] == ["hello"]


# ── stop reasons ─────────────────────────────────────────────────────────────────────────────────


def test_a_cut_answer_is_asked_for_once_more_without_its_tool_call(bench: Bench) -> None:
    bench.cases({"turns": [{**writing("a.txt", "half"), "stop": "max_tokens"}, {"text": "whole"}]})
    assert bench.ask(tools="Write").text == "whole"
    assert not (bench.root / "a.txt").exists()


def test_an_answer_cut_twice_fails(bench: Bench) -> None:
    bench.cases({"turns": [{"text": "a", "stop": "max_tokens"}, {"text": "b", "stop": "max_tokens"}]})
    assert bench.fails("E707", max_tokens=100).message == "the answer was cut after 200 tokens"


def test_refusal_overflow_and_pause(bench: Bench) -> None:
    bench.cases({"turns": [{"text": "no", "stop": "refusal"}]})
    assert bench.fails("E708").message == "the model refused to answer"
    bench.cases({"turns": [{"text": "x", "stop": "model_context_window_exceeded"}]})
    bench.fails("E709")
    bench.cases({"turns": [{"text": "wait", "stop": "pause_turn"}, {"text": "done"}]})
    assert bench.ask().text == "done"


def test_turns_are_limited(bench: Bench) -> None:
    bench.cases({"turns": [{"tool": "Glob", "input": {"pattern": "*"}}] * 9})
    error = bench.fails("E710", tools="Glob", max_turns=3)
    assert error.message == "the model was not done after 3 turns"


def test_cost_is_limited_before_each_turn(bench: Bench) -> None:
    bench.cases({"turns": [{"tool": "Glob", "input": {"pattern": "*"}}] * 9, "usage": {"output": 1_000_000}})
    error = bench.fails("E712", tools="Glob", max_cost=5.0)
    assert error.message == "the call has cost $10.0000, the next turn may cost $0.3205, its maxCost is $5.0000"
    bench.fails("E712", tools="Glob", max_cost=5.0, model="nobody-knows")


# ── tools ────────────────────────────────────────────────────────────────────────────────────────


def test_results_of_a_turn_come_back_in_one_message_in_order(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("alpha\n")
    both = [
        {"tool": "Read", "input": {"file_path": "a.txt"}},
        {"tool": "Read", "input": {"file_path": "../x"}},
        {"tool": "Paint", "input": {}},
    ]
    bench.cases({"turns": [both, {"text": "done"}]})
    bench.config["archive"] = "full"
    bench.ask(tools="Read")
    history = [
        json.loads(line) for line in (bench.root / "prompts/0001-review.transcript.jsonl").read_text().splitlines()
    ]
    assert [message["role"] for message in history] == ["user", "assistant", "user", "assistant"]
    results = history[2]["content"]
    assert [block["tool_use_id"] for block in results] == [block["id"] for block in history[1]["content"]]
    assert results[0]["content"] == "     1\talpha"
    assert results[1] == {
        "type": "tool_result",
        "tool_use_id": "replay-1-2",
        "content": "../x lies outside of the folders you may use",
        "is_error": True,
    }
    assert results[2]["content"] == "there is no tool Paint; you have Read"


def test_functions_and_mcp_tools_are_refused_clearly(bench: Bench) -> None:
    bench.cases({"reply": "x"})
    assert bench.fails("E704", tools="mcp__db__query").message == 'there is no MCP server for the tool "mcp__db__query"'


# ── faults and retries ───────────────────────────────────────────────────────────────────────────


def test_overload_is_waited_for(bench: Bench) -> None:
    overloaded = {"error": {"status": 529, "type": "overloaded_error"}}
    bench.cases({"match": {"nth": 1}, **overloaded}, {"match": {"nth": 2}, **overloaded}, {"reply": "at last"})
    result = bench.ask()
    assert (result.text, result.attempts, result.turns) == ("at last", 3, 1)
    assert [data["delay"] for data in bench.told("llm:retry")] == [1.0, 2.0]
    assert bench.told("llm:retry")[0]["reason"] == "replay: overloaded_error"


def test_a_fault_in_the_middle_repeats_no_tool(bench: Bench) -> None:
    bench.cases({"turns": [writing("a.txt", "1"), {"error": {"status": 500}}, {"text": "done"}]})
    assert bench.ask(tools="Write").attempts == 3
    assert bench.kinds().count("llm:tool_call") == 1


@pytest.mark.parametrize(
    ("error", "code", "fatal", "exit"),
    [
        ({"status": 401, "message": "bad key"}, "E703", True, 1),
        ({"status": 402, "message": "pay"}, "E711", True, 75),
        ({"status": 429, "error_code": "workspace_spend_limit"}, "E711", True, 75),
        ({"status": 400, "message": "no"}, "E718", False, 1),
        ({"status": 503}, "E716", False, 1),
        ({"status": 429, "retry_after": 500}, "E711", True, 75),
        ({"status": 200, "type": "overloaded_error"}, "E711", False, 75),
    ],
)
def test_faults_become_errors(bench: Bench, error: dict[str, Any], code: str, fatal: bool, exit: int) -> None:
    bench.cases({"error": error})
    raised = bench.fails(code)
    assert (raised.fatal, raised.exit) == (fatal, exit)


def test_a_wait_beyond_the_limit_fails_at_once(bench: Bench) -> None:
    bench.cases({"error": {"status": 429, "message": "slow down", "retry_after": 500}})
    raised = bench.fails("E711")
    assert raised.message == "replay: slow down; the next attempt would be in 501 s"
    assert raised.details["retryAfter"] == 501.0
    assert bench.told("llm:retry") == []


def test_a_wait_beyond_the_timeout_fails_at_once(bench: Bench) -> None:
    bench.cases({"error": {"status": 429, "retry_after": 50}})
    bench.fails("E711", timeout=20.0)


def test_timeout_covers_the_whole_call(bench: Bench) -> None:
    bench.cases({"reply": "late", "delay": 90})
    assert bench.fails("E706", timeout=60.0).message == "no answer within 60 s"
    assert bench.ask(timeout=91.0).ms == 90_000


def test_standing_in_line_takes_none_of_a_call_s_time(bench: Bench) -> None:
    bench.cases({"reply": "late", "delay": 40})
    bench.config = {"providers": {"desk": {"type": "openai", "base": "http://desk/v1", "concurrency": 1}}}

    async def all_at_once() -> float:
        agent, began = bench.agent(), trio.current_time()

        async def ask(number: int) -> None:
            request = bench.request(f"item {number}", call_id=f"c{number}", provider="desk", timeout=60.0)
            assert (await agent.call(request)).text == "late"

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(ask, number)
        return trio.current_time() - began

    assert trio.run(all_at_once, clock=MockClock(autojump_threshold=0)) == 200.0


# ── the file to be written ───────────────────────────────────────────────────────────────────────


def poll_of(bench: Bench, name: str = "out/mark.json") -> dict[str, Any]:
    return {"poll": bench.root / name}


def test_the_file_is_the_answer(bench: Bench) -> None:
    bench.cases({"turns": [writing("$POLL", '{"mark": 4}'), {"text": "stored"}]})
    result = bench.ask(**poll_of(bench))
    assert (result.text, result.data) == ('{"mark": 4}', {"mark": 4})
    assert result.poll is not None
    assert (result.poll.written, result.poll.salvaged) == (True, False)


def test_a_stale_file_is_moved_away_and_not_taken_for_the_answer(bench: Bench) -> None:
    target = bench.root / "out/mark.json"
    target.parent.mkdir()
    target.write_text("old")
    bench.cases({"turns": [{"text": "sorry"}]})
    assert bench.fails("E717", **poll_of(bench)).message == "the model did not write out/mark.json"
    assert not target.exists()
    assert (bench.root / "out/mark.json.prev").read_text() == "old"


def test_the_poll_path_may_be_named_from_the_root_or_the_folder(bench: Bench) -> None:
    (bench.root / "sub").mkdir()
    bench.cases({"turns": [writing("out/a.md", "from the root"), {"text": ""}]})
    assert bench.ask(dir=bench.root / "sub", **poll_of(bench, "out/a.md")).text == "from the root"
    bench.cases({"turns": [writing("../out/a.md", "from the folder"), {"text": ""}]})
    assert bench.ask(dir=bench.root / "sub", **poll_of(bench, "out/a.md")).text == "from the folder"


def test_only_the_poll_file_is_granted(bench: Bench) -> None:
    bench.cases({"turns": [writing("out/other.json", "1"), writing("$POLL", "[1]"), {"text": ""}]})
    bench.ask(**poll_of(bench))
    assert not (bench.root / "out/other.json").exists()
    refused = bench.told("llm:tool_result")[0]
    assert refused["text"] == ("Write is not allowed for out/other.json; allowed is the file you were asked to write")


def test_a_forgotten_file_is_asked_for_once(bench: Bench) -> None:
    bench.cases({"turns": [{"text": "I think it is a 4"}, writing("$POLL", '{"mark": 4}'), {"text": "done"}]})
    assert bench.ask(**poll_of(bench)).data == {"mark": 4}


def test_a_spoken_answer_is_salvaged(bench: Bench) -> None:
    bench.cases({"reply": {"mark": 4}})
    result = bench.ask(**poll_of(bench))
    assert result.poll is not None and result.poll.salvaged
    assert json.loads((bench.root / "out/mark.json").read_text()) == {"mark": 4}
    assert result.turns == 2  # the answer, and the same answer after the reminder


def test_prose_is_salvaged_for_text_files_only(bench: Bench) -> None:
    bench.cases({"reply": "a report"})
    assert bench.ask(nudge=0, **poll_of(bench, "report.md")).text == "a report"
    bench.fails("E717", nudge=0, **poll_of(bench))


def test_an_empty_file_is_no_answer(bench: Bench) -> None:
    bench.cases({"turns": [writing("$POLL", " \n"), {"text": ""}]})
    bench.fails("E717", **poll_of(bench))


def test_the_turn_limit_is_forgiven_when_the_file_is_there(bench: Bench) -> None:
    bench.cases({"turns": [writing("$POLL", "[1]")] * 9})
    assert bench.ask(max_turns=2, **poll_of(bench)).data == [1]


def test_calls_that_write_one_file_take_turns(bench: Bench) -> None:
    cases = [{"match": {"contains": name}, "turns": [writing("$POLL", name)], "delay": 5} for name in ("one", "two")]
    bench.cases(*cases)
    (bench.root / "link").symlink_to(bench.root)
    answers: dict[str, str] = {}

    async def both() -> None:
        agent = bench.agent()

        async def ask(prompt: str, name: str) -> None:
            request = bench.request(prompt, call_id=prompt, poll=bench.root / name)
            answers[prompt] = (await agent.call(request)).text

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "one", "r.md")
            nursery.start_soon(ask, "two", "link/r.md")

    trio.run(both, clock=MockClock(autojump_threshold=0))
    assert answers == {"one": "one", "two": "two"}
    assert [data["warned"].code for data in bench.told("warning")] == ["E705"]


def test_a_call_inside_a_call_may_not_write_its_file(tmp_path: Path) -> None:
    async def nested() -> None:
        turns = PollTurns(lambda warned: None)
        async with turns.turn(tmp_path / "r.md", "r.md"):
            with pytest.raises(OrchError) as caught:
                async with turns.turn(tmp_path / "r.md", "r.md"):
                    pass
            assert caught.value.code == "E705"
        async with turns.turn(tmp_path / "r.md", "r.md"):  # free again
            pass

    trio.run(nested)


def test_cancellation_puts_the_old_file_back_and_a_timeout_does_not(bench: Bench) -> None:
    target = bench.root / "r.md"
    target.write_text("old")
    bench.cases({"reply": "x", "delay": 50})
    bench.fails("E706", timeout=1.0, poll=target)
    assert not target.exists()
    target.write_text("older")

    async def cancelled() -> None:
        with trio.move_on_after(5):
            await bench.agent().call(bench.request(poll=target))

    trio.run(cancelled, clock=MockClock(autojump_threshold=0))
    assert target.read_text() == "older"


@pytest.mark.parametrize("name", ["../out.md", "/etc/x.md", ".orch/x.md", ".git/hooks/pre-commit"])
def test_the_poll_path_stays_in_writable_places(bench: Bench, name: str) -> None:
    bench.cases({"reply": "x"})
    assert "lies where models may not write" in bench.fails("E402", poll=bench.root / name).message


def test_the_poll_path_is_no_folder(bench: Bench) -> None:
    (bench.root / "out").mkdir()
    bench.cases({"reply": "x"})
    assert bench.fails("E402", poll=bench.root / "out").message == "the poll path out is not a regular file"


def test_lines_of_a_log_count_only_if_they_are_new(bench: Bench) -> None:
    log = bench.root / "events.jsonl"
    old = '{"event": "graded", "id": "7", "mark": 1}\n'
    log.write_text(old)
    new = old + 'graded 7\n{"event": "graded", "id": 7, "mark": 5}\n{"event": "graded", "id": 8}\n'
    bench.cases({"turns": [writing("events.jsonl", new), {"text": ""}]})
    by_event = bench.ask(poll=log, select=LineChoice(event="graded", item="7"))
    assert by_event.data == {"event": "graded", "id": 7, "mark": 5}
    log.write_text(old)
    assert bench.ask(poll=log, select=LineChoice(pattern='"id": 8')).data == {"event": "graded", "id": 8}
    bench.cases({"reply": "nothing to add"})
    log.write_text(old)
    bench.fails("E717", poll=log, select=LineChoice(event="graded", item="7"))
    assert log.read_text() == old


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────

MARK = {
    "type": "object",
    "properties": {"mark": {"type": "integer", "maximum": 10}, "why": {"type": "string"}},
    "required": ["mark"],
}


def test_a_wrong_answer_is_repaired_in_the_same_conversation(bench: Bench) -> None:
    bench.cases({"turns": [{"text": '{"mark": 12}'}, {"text": 'Here:\n```json\n{"mark": 9}\n```'}]})
    bench.config["archive"] = "full"
    result = bench.ask(schema=MARK)
    assert (result.text, result.data, result.turns) == ('{"mark": 9}', {"mark": 9}, 2)
    transcript = (bench.root / "prompts/0001-review.transcript.jsonl").read_text()
    assert "/mark: 12 is greater than the maximum of 10" in transcript


def test_json_inside_of_prose_is_found(bench: Bench) -> None:
    bench.cases({"reply": 'I say {not this} but {"mark": 3} it is.'})
    assert bench.ask(schema=MARK).data == {"mark": 3}


def test_an_answer_that_never_fits_fails_with_its_faults(bench: Bench) -> None:
    bench.cases({"reply": {"mark": "A", "why": 1}})
    error = bench.fails("E714", schema=MARK, schema_retries=1)
    assert error.message == "the answer does not fit the schema: /mark: 'A' is not of type 'integer'"
    assert error.details["errors"] == [
        "/mark: 'A' is not of type 'integer'",
        "/why: 1 is not of type 'string'",
    ]
    assert error.details["document"] == {"mark": "A", "why": 1}
    bench.cases({"reply": "no idea"})
    assert bench.fails("E714", schema=MARK).message.endswith("there is no JSON in the answer")


def test_a_wrong_file_is_replaced_by_words_that_fit(bench: Bench) -> None:
    bench.cases({"turns": [writing("$POLL", '{"mark": 99}'), {"text": "done"}, {"text": '{"mark": 5}'}]})
    result = bench.ask(schema=MARK, **poll_of(bench))
    assert result.data == {"mark": 5}
    assert (bench.root / "out/mark.json").read_text() == '{"mark": 5}'


def test_a_wrong_schema_is_found_before_anything_is_sent(bench: Bench) -> None:
    bench.cases({"reply": "x"})
    assert bench.fails("E713", schema={"type": "objekt"}).message.startswith("the schema is wrong at /type")
    assert bench.events == []


# ── archive and secrets ──────────────────────────────────────────────────────────────────────────


def test_the_archive_holds_prompt_and_answer_without_secrets(bench: Bench) -> None:
    bench.environment["SHOP_API_KEY"] = "tops3cret-value"
    bench.cases({"reply": "the key is tops3cret-value"})
    result = bench.ask("use tops3cret-value", fn="ask it!")
    assert result.text == "the key is tops3cret-value"
    assert result.archive == "0001-ask-it-"
    prompt = (bench.root / "prompts/0001-ask-it-.prompt.md").read_text()
    assert prompt.startswith("---\ncall: c1\nfn: ask it!\nprovider: replay\n")
    assert prompt.endswith("---\n\nuse [redacted:SHOP_API_KEY]\n")
    assert "[redacted:SHOP_API_KEY]" in (bench.root / "prompts/0001-ask-it-.result.md").read_text()


def test_the_prompt_is_there_before_the_request(bench: Bench) -> None:
    bench.cases({"match": {"contains": "other"}, "reply": "x"})
    bench.fails("E715", "lost?")
    assert "lost?" in (bench.root / "prompts/0001-review.prompt.md").read_text()
    assert "error: E715" in (bench.root / "prompts/0001-review.result.md").read_text()
    bench.cases({"reply": "y"})
    assert bench.ask().archive == "0002-review"


def test_events_hold_no_secrets(bench: Bench) -> None:
    bench.environment["SHOP_API_KEY"] = "tops3cret-value"
    bench.cases({"turns": [writing("a.txt", "tops3cret-value"), {"text": "ok"}]})
    bench.ask(tools="Write")
    assert "tops3cret-value" not in str(bench.events)
    assert (bench.root / "a.txt").read_text() == "tops3cret-value"
