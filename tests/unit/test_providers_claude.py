"""The program `claude` as a provider: its flags, its lines, its file, its faults, and that nothing of it stays."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from orchestra.errors import OrchError
from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LineChoice, LLMRequest, LLMResult
from orchestra.runtime.tools.specs import parse_tools
from orchestra.values.executable import Executable

STANDIN = Path(__file__).parent.parent / "standin_claude.py"
SESSION = "0123abcd-0000-4000-8000-00000000beef"
FAST = 30  # times faster than real time

Step = dict[str, Any]


def said(text: str, message: str = "m1", usage: dict[str, int] | None = None) -> Step:
    content = [{"type": "text", "text": text}]
    return {"say": {"type": "assistant", "message": {"id": message, "content": content, "usage": usage or {}}}}


def result(text: str = "done", **more: Any) -> Step:
    usage = {"input_tokens": 90, "output_tokens": 12, "cache_read_input_tokens": 5}
    fields = {"subtype": "success", "is_error": False, "num_turns": 2, "total_cost_usd": 0.25, "usage": usage}
    return {"say": {"type": "result", "result": text, "session_id": SESSION, **fields, **more}}


def failed(text: str, **more: Any) -> Step:
    return result(text, is_error=True, **more)


class Bench:
    """A project, an agent on it, and `claude` on its path."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.home = root / "bin"
        self.root.mkdir()
        self.home.mkdir()
        program = self.home / "claude"
        program.write_text(f"#!{sys.executable} -IS\n" + STANDIN.read_text())
        program.chmod(0o755)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.environment = {"PATH": f"{self.home}:{os.environ['PATH']}", "CLAUDECODE": "1", "LAB_TOKEN": "hush-hush-42"}

    def scene(self, *plays: list[Step], flags: list[str] | None = None) -> None:
        chosen = {} if flags is None else {"flags": flags}
        (self.home / "scene.json").write_text(json.dumps({"plays": plays, **chosen}))

    def agent(self) -> Agent:
        return Agent(
            root=self.root,
            config={},
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
        return trio.run(self.agent().call, self.request(prompt, **more), clock=MockClock(rate=FAST))

    def fails(self, code: str, **more: Any) -> OrchError:
        with pytest.raises(OrchError) as caught:
            self.ask(**more)
        assert caught.value.code == code, caught.value.message
        return caught.value

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / "calls").read_text().splitlines()]

    def flags(self) -> dict[str, str]:
        found: dict[str, str] = self.calls()[-1]["flags"]
        return found

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [data for name, data in self.events if name == kind]

    def running(self) -> list[int]:
        """Processes of ours that are still there."""
        pids = [call["pid"] for call in self.calls()]
        left = self.home / "left"
        pids += [int(line) for line in left.read_text().split()] if left.exists() else []
        deadline = time.monotonic() + 5  # one that was killed may take its moment
        while (alive := [pid for pid in pids if _lives(pid)]) and time.monotonic() < deadline:
            time.sleep(0.01)
        return alive


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# ── what it is given ─────────────────────────────────────────────────────────────────────────────


def test_the_answer_and_what_is_known_of_it(bench: Bench) -> None:
    bench.scene([{"say": {"type": "system", "subtype": "init", "session_id": SESSION}}, said("fine"), result("fine")])
    answer = bench.ask(model="sonnet")
    assert (answer.text, answer.provider, answer.model) == ("fine", "claude-cli", "claude-sonnet-5-5")
    assert (answer.cost, answer.turns, answer.attempts, answer.stop) == (0.25, 2, 1, "end_turn")
    assert (answer.usage.input, answer.usage.output, answer.usage.cache_read) == (90, 12, 5)
    call = bench.calls()[0]
    assert (call["prompt"], call["cwd"]) == ("review this", str(bench.root))
    assert call["flags"] == {
        "-p": "", "--output-format": "stream-json", "--verbose": "", "--model": "claude-sonnet-5-5",
        "--permission-mode": "dontAsk", "--max-turns": "50", "--strict-mcp-config": "",
    }  # fmt: skip
    assert [kind for kind, _ in bench.events] == ["llm:note", "llm:start", "llm:usage", "llm:end"]


def test_settings_become_flags(bench: Bench) -> None:
    bench.scene([result()])
    (bench.root / "src").mkdir()
    bench.ask(
        dir=bench.root / "src", system="be brief", max_turns=7, max_cost=1.5, effort="low", stream=True, bare=True,
        tools="Read,Bash(git log:*),WebFetch,!Bash(git push:*)", session_id=SESSION, max_tokens=900,
    )  # fmt: skip
    flags = bench.flags()
    assert flags["--tools"] == "Read,Bash,WebFetch"
    assert flags["--allowedTools"] == "Read,Bash(git log:*),WebFetch"
    assert flags["--disallowedTools"] == "Bash(git push:*)"
    assert (flags["--append-system-prompt"], flags["--max-turns"], flags["--max-budget-usd"]) == (
        "be brief",
        "7",
        "1.5",
    )
    assert (flags["--effort"], flags["--session-id"]) == ("low", SESSION)
    assert {"--bare", "--include-partial-messages"} <= flags.keys()
    assert bench.calls()[0]["cwd"] == str(bench.root / "src")
    assert bench.calls()[0]["env"]["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "900"


def test_no_tools_and_the_tools_that_it_has_by_itself(bench: Bench) -> None:
    bench.scene([result()])
    bench.ask(tools="")
    assert bench.flags()["--tools"] == ""
    bench.ask(resume=SESSION)
    assert "--tools" not in bench.flags() and bench.flags()["--resume"] == SESSION


def test_help_is_read_once_and_unknown_flags_are_left_out(bench: Bench) -> None:
    bench.scene([result()], flags=["--output-format", "--verbose", "--model"])

    async def twice() -> None:
        agent = bench.agent()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(agent.call, bench.request(effort="high", tools="Read"))
            nursery.start_soon(agent.call, bench.request(max_turns=3))

    trio.run(twice)
    assert bench.flags().keys() == {"-p", "--output-format", "--verbose", "--model"}
    assert (bench.home / "helped").read_text() == "x"


@pytest.mark.parametrize(
    ("missing", "settings", "message"),
    [
        ("--disallowedTools", {"tools": "Bash,!Bash(rm:*)"}, "it cannot be denied a tool"),
        ("--append-system-prompt", {"system": "be brief"}, "it takes no system prompt"),
        ("--output-format", {}, "it cannot tell what it does"),
    ],
)
def test_a_flag_that_changes_what_is_asked_is_not_left_out(
    missing: str, settings: dict[str, Any], message: str, bench: Bench
) -> None:
    have = ["--output-format", "--verbose", "--disallowedTools", "--append-system-prompt"]
    bench.scene([result()], flags=[flag for flag in have if flag != missing])
    error = bench.fails("E718", **settings)
    assert error.message == f"claude-cli: the installed version has no {missing}: {message}"
    assert error.help == "update claude" and not (bench.home / "calls").exists()


def test_functions_cannot_be_its_tools(bench: Bench) -> None:
    bench.scene([result()])
    error = bench.fails("E704", tools=parse_tools([Executable("look", ("what",))]))
    assert "@look" in error.message and not (bench.home / "calls").exists()


def test_no_program(bench: Bench) -> None:
    shutil.rmtree(bench.home)
    bench.environment["PATH"] = str(bench.root)
    error = bench.fails("E718", provider="claude-cli")
    assert error.message == 'claude-cli: the program "claude" cannot be started: No such file or directory'
    assert bench.fails("E702").message == "no language model is configured"


# ── what it prints ───────────────────────────────────────────────────────────────────────────────


def test_tools_and_texts_are_told(bench: Bench) -> None:
    use = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "env"}}
    got = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "LAB=hush-hush-42"}]}
    bench.scene([
        {"say": {"type": "assistant", "message": {"id": "m1", "content": [use]}}},
        {"say": {"type": "user", "message": {"content": [got]}}},
        {"say": said("of an inner agent")["say"] | {"parent_tool_use_id": "t1"}},
        said("it is set", "m2"), result("it is set"),
    ])  # fmt: skip
    bench.ask(stream=True)
    assert bench.told("llm:tool_call")[0]["input"] == {"command": "env"}
    assert bench.told("llm:tool_result")[0]["text"] == "LAB=[redacted:LAB_TOKEN]"
    assert [data["text"] for data in bench.told("llm:text")] == ["it is set"]
    stored = "".join(file.read_text() for file in (bench.root / "prompts").iterdir())
    assert "hush" not in stored


def test_a_secret_in_two_pieces_is_told_in_neither(bench: Bench) -> None:
    def piece(text: str) -> Step:
        delta = {"type": "text_delta", "text": text}
        return {"say": {"type": "stream_event", "event": {"type": "content_block_delta", "delta": delta}}}

    bench.scene([piece("it is hush"), piece("-hus"), piece("h-42, yes"), said("it is hush-hush-42, yes"), result("x")])
    bench.ask(stream=True)
    told = [data["text"] for data in bench.told("llm:text")]
    assert "".join(told) == "it is [redacted:LAB_TOKEN], yes" and told[0] == "it is "


def test_lines_of_every_kind(bench: Bench) -> None:
    line = json.dumps(result("ä" * 2_000_000)["say"]) + "\r\n"
    half = len(line) // 2
    bench.scene([
        {"raw": "warning: \xff\xfe\n\n[1]\nnull\n{\"type\": \"news\"}\n"},
        {"raw": line[:half]}, {"wait": 0.1}, {"raw": line[half:]},
    ])  # fmt: skip
    assert len(bench.ask().text) == 2_000_000


def test_a_last_line_without_its_end_counts(bench: Bench) -> None:
    bench.scene([{"raw": json.dumps(result("whole")["say"])}])
    assert bench.ask().text == "whole"
    bench.scene([{"raw": json.dumps(result("whole")["say"])[:-9]}])
    error = bench.fails("E718")
    assert error.message == "claude-cli: the program ended without a result (exit 0)"


def test_the_answer_in_a_given_form(bench: Bench) -> None:
    schema = {"type": "object", "required": ["mark"], "properties": {"mark": {"maximum": 6}}}
    bench.scene([result("prose", structured_output={"mark": 9})], [result('{"mark": 5}')])
    assert bench.ask(schema=schema).data == {"mark": 5}
    first, second = bench.calls()
    assert json.loads(first["flags"]["--json-schema"]) == schema and "--resume" not in first["flags"]
    assert second["flags"]["--resume"] == SESSION
    assert "/mark: 9 is greater than the maximum of 6" in second["prompt"] and "review this" not in second["prompt"]


def test_without_resume_the_whole_story_is_told_again(bench: Bench) -> None:
    bench.scene([result("no JSON")], [result('{"mark": 5}')], flags=["--output-format", "--verbose"])
    assert bench.ask(schema={"required": ["mark"]}).data == {"mark": 5}
    told = bench.calls()[1]["prompt"]
    assert told.startswith("review this") and "no JSON" in told and "does not fit the schema" in told


# ── the file ─────────────────────────────────────────────────────────────────────────────────────


def test_the_file_is_granted_and_read(bench: Bench) -> None:
    path = bench.root / "out" / "mark.json"
    path.parent.mkdir()
    path.write_text("stale")
    bench.scene([{"write": [str(path), '{"mark": 4}']}, result("written")])
    answer = bench.ask(poll=Path("out/mark.json"), tools="Read")
    assert answer.data == {"mark": 4} and answer.poll is not None and not answer.poll.salvaged
    assert bench.flags()["--tools"] == "Read,Write"
    assert bench.flags()["--allowedTools"] == f"Read,Write(/{path}),Edit(/{path})"
    assert (bench.root / "out/mark.json.prev").read_text() == "stale"


def test_a_program_that_does_not_end_after_its_file_is_ended(bench: Bench) -> None:
    path = bench.root / "mark.json"
    bench.scene(
        [
            said("writing", usage={"input_tokens": 40, "output_tokens": 8}),
            {"write": [str(path), '{"mark": 4}']},
            {"wait": 60},
        ]
    )
    answer = bench.ask(poll=Path("mark.json"))
    assert (answer.data, answer.turns, answer.usage.input) == ({"mark": 4}, 1, 40)
    assert bench.running() == []


def test_a_program_that_does_not_end_after_its_result_is_ended(bench: Bench) -> None:
    bench.scene([{"leave": ["sleep", "60"]}, result("fine"), {"wait": 60}])
    assert bench.ask().text == "fine"
    assert bench.running() == []


def test_a_forgotten_file_is_asked_for_in_the_same_session(bench: Bench) -> None:
    path = bench.root / "mark.json"
    bench.scene([result("")], [{"write": [str(path), "[1]"]}, result("now")])
    assert bench.ask(poll=Path("mark.json")).data == [1]
    assert bench.flags()["--resume"] == SESSION


def test_the_last_new_line_of_a_log_is_the_answer(bench: Bench) -> None:
    log = bench.root / "log.jsonl"
    log.write_text('{"event": "graded", "id": "7", "mark": 1}\n')
    bench.scene([{"append": [str(log), '{"event": "graded", "id": "7", "mark": 5}\n']}, {"wait": 60}])
    answer = bench.ask(poll=Path("log.jsonl"), select=LineChoice(event="graded", item="7"))
    assert answer.data["mark"] == 5 and bench.running() == []


def test_turns_that_are_spent_are_forgiven_when_the_file_is_there(bench: Bench) -> None:
    path = bench.root / "mark.json"
    spent = result("", subtype="error_max_turns", num_turns=3)
    bench.scene([{"write": [str(path), "[1]"]}, spent])
    assert bench.ask(poll=Path("mark.json"), max_turns=3).data == [1]
    bench.scene([spent])
    bench.fails("E710", max_turns=3)
    bench.scene([result("", subtype="error_max_budget_usd")])
    bench.fails("E712", max_cost=0.2)


def test_what_a_failed_attempt_wrote_is_no_answer(bench: Bench) -> None:
    path = bench.root / "mark.json"
    bench.scene([{"write": [str(path), "[0]"]}, failed("API Error: 529 overloaded_error")], [result("")])
    bench.fails("E717", poll=Path("mark.json"), nudge=0)
    assert len(bench.calls()) == 2 and not path.exists()


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "ending",
    [
        [failed('API Error: 529 {"type":"overloaded_error"}'), {"exit": 1}],
        [{"warn": "Error: 429 rate limit exceeded"}, {"exit": 1}],
        [{"raw": "API Error: Overloaded\n"}, {"exit": 1}],
        [failed("API Error: 500 internal server error")],
    ],
)
def test_limits_and_passing_faults_are_waited_for(ending: list[Step], bench: Bench) -> None:
    bench.scene(ending, [result("at last")])
    answer = bench.ask()
    assert (answer.text, answer.attempts) == ("at last", 2)
    assert len(bench.told("llm:retry")) == 1


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        ([failed("Invalid API key · Please run /login")], "E703", "Invalid API key"),
        ([failed("Claude AI usage limit reached|1763000000")], "E711", "usage limit reached"),
        ([failed("Prompt is too long")], "E709", "no longer fits"),
        ([failed("", subtype="error_during_execution", errors=["tool broke"])], "E718", "tool broke"),
        ([{"warn": "TypeError: x is hush-hush-42"}, {"exit": 3}], "E718", "without a result (exit 3)"),
        ([{"exit": 0}], "E718", "without a result (exit 0)"),
        ([result("cut", stop_reason="max_tokens")], "E707", "cut"),
        ([result("no", stop_reason="refusal")], "E708", "refused"),
        ([result("")], "E717", "answered nothing"),
    ],
)  # fmt: skip
def test_other_faults_are_not(steps: list[Step], code: str, words: str, bench: Bench) -> None:
    bench.scene(steps)
    error = bench.fails(code)
    assert words in error.message and len(bench.calls()) == 1
    assert "hush" not in error.message + "".join(note.message for note in error.notes)


def test_time_runs_out_and_nothing_stays(bench: Bench) -> None:
    bench.scene([{"leave": ["sleep", "60"]}, {"wait": 60}])
    bench.fails("E706", timeout=20)
    assert bench.calls() and bench.running() == []


def test_cancellation_leaves_no_process_and_puts_the_old_file_back(bench: Bench) -> None:
    (bench.root / "mark.json").write_text("old")
    bench.scene([{"leave": ["sleep", "60"]}, {"wait": 60}])

    async def cancelled() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.agent().call, bench.request(poll=Path("mark.json")))
            while not (bench.home / "left").exists():
                await trio.sleep(0.02)
            nursery.cancel_scope.cancel()

    trio.run(cancelled)
    assert bench.running() == []
    assert (bench.root / "mark.json").read_text() == "old"


# ── looking for a fault ──────────────────────────────────────────────────────────────────────────


def test_steps_and_raw_output_for_those_who_look_for_a_fault(bench: Bench) -> None:
    path = bench.root / "mark.json"
    path.write_text("old")
    bench.environment |= {"ORCH_DEBUG_LLM": "1", "ORCH_LLM_LOG": "claude.log"}
    bench.scene([said("hush-hush-42"), {"write": [str(path), "[1]"]}, {"wait": 60}])
    bench.ask(poll=Path("mark.json"), tools="Read")
    assert [data["text"] for data in bench.told("llm:step")] == [
        "prompt of 11 bytes to claude-cli/claude-sonnet-5-5, tools Read, poll mark.json",
        "mark.json from before is now mark.json.prev",
        "the file is there",
        "not done 15 s after its file and stopped",
        "the file is read",
    ]
    log = (bench.root / "claude.log").read_text()
    assert '"type": "assistant"' in log and "hush" not in log
