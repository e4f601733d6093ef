"""What every tool call passes on its way: the order of checks, what the run may do about it, and what is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from orchestra.providers.protocol import ToolCall
from orchestra.runtime.tools.functions import FunctionTool
from orchestra.runtime.tools.passage import Outcome, ToolUse, Unwatched, Work
from orchestra.runtime.tools.specs import parse_tools
from orchestra.runtime.tools.toolbox import Toolbox, ToolResult
from orchestra.runtime.tools.workspace import Refusal, Workspace
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING

ALL = "Read,Write,Edit,Glob,Grep,Bash"


class Watched(Unwatched):
    """A passage that notes what comes by. `deny` names a tool; `instead` is the input that it gives to Write."""

    def __init__(self, deny: str = "", instead: dict[str, Any] | None = None) -> None:
        self.seen: list[ToolUse] = []
        self.records: list[tuple[str, bool, str]] = []
        self._deny = deny
        self._instead = instead

    async def perform(self, use: ToolUse, work: Work) -> Outcome:
        self.seen.append(use)
        if use.name == self._deny:
            raise Refusal("denied")
        return await work(self._instead if self._instead is not None and use.name == "Write" else use.input)

    async def call(self, function: Executable, arguments: list[Any]) -> Outcome:
        return Outcome(f"{function.name} got {arguments}")

    def clean(self, text: str) -> str:
        return text.replace("hunter2", "***")

    def passed(self, name: str, input: Any, outcome: Outcome, ms: int) -> None:
        self.records.append((name, outcome.is_error, outcome.text))


class Find(Executable):
    """A function as scripts define it: title, how many, what else."""

    @property
    def types(self) -> dict[str, str]:
        return {"limit": "number", "tags": "array", "exact": "boolean", "more": "object"}

    @property
    def defaulted(self) -> frozenset[str]:
        return frozenset({"more"})


def use(folder: Path, passage: Watched, *calls: tuple[str, Any], tools: Any = ALL) -> list[ToolResult]:
    toolbox = Toolbox(parse_tools(tools), Workspace(folder), folder, None, {"PATH": "/usr/bin:/bin"}, passage)
    asked = [ToolCall(str(number), name, input) for number, (name, input) in enumerate(calls)]
    return trio.run(toolbox.run_all, asked, lambda result: None)


def test_refused_calls_are_recorded_and_never_performed(tmp_path: Path) -> None:
    passage = Watched()
    use(
        tmp_path, passage, ("Paint", {}), ("Read", {}), ("Read", {"file_path": "../x"}), ("Bash", {"command": "id"}),
        tools="Read,Bash(git:*)",
    )  # fmt: skip
    assert passage.seen == []
    assert [(name, is_error) for name, is_error, _ in passage.records] == [
        ("Paint", True), ("Read", True), ("Read", True), ("Bash", True),
    ]  # fmt: skip


def test_the_run_sees_path_and_commands_and_may_deny(tmp_path: Path) -> None:
    passage = Watched(deny="Write")
    results = use(
        tmp_path, passage, ("Write", {"file_path": "a", "content": "x"}), ("Bash", {"command": "cd . && echo 'a b'"}),
    )  # fmt: skip
    assert (results[0].is_error, results[0].text) == (True, "denied")
    assert not (tmp_path / "a").exists()
    assert passage.seen[0].path == str(tmp_path / "a")
    assert passage.seen[1].commands == (("cd", "."), ("echo", "a b"))


def test_a_changed_input_is_checked_like_any_other(tmp_path: Path) -> None:
    passage = Watched(instead={"file_path": "out/b", "content": "changed"})
    use(tmp_path, passage, ("Write", {"file_path": "out/a", "content": "x"}), tools="Write(out/*)")
    assert (tmp_path / "out/b").read_text() == "changed"
    for wrong in ({"file_path": "b", "content": ""}, {"file_path": "../b", "content": ""}, {"path": "out/b"}):
        result = use(
            tmp_path, Watched(instead=wrong), ("Write", {"file_path": "out/a", "content": ""}), tools="Write(out/*)"
        )
        assert result[0].is_error


def test_secrets_are_taken_out_of_results_and_refusals(tmp_path: Path) -> None:
    passage = Watched()
    results = use(tmp_path, passage, ("Bash", {"command": "echo hunter2"}), ("Read", {"file_path": "hunter2"}))
    assert [result.text for result in results] == ["exit code 0\n***", "***: no such file"]
    assert "hunter2" not in str(passage.records)


def test_records_keep_the_order_of_the_calls(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("needle\n")
    passage = Watched()
    use(
        tmp_path, passage, ("Grep", {"pattern": "needle"}), ("Read", {"file_path": "a.txt"}),
        ("Glob", {"pattern": "*"}), ("Bash", {"command": "true"}), ("Read", {"file_path": "a.txt"}),
    )  # fmt: skip
    assert [name for name, _, _ in passage.records] == ["Grep", "Read", "Glob", "Bash", "Read"]


def test_half_an_input_is_never_filled_up(tmp_path: Path) -> None:
    passage = Watched()
    results = use(
        tmp_path, passage, ("Write", '{"file_path": "a.txt", "content": "half'), ("Write", "[1]"), ("Write", None),
        ("Write", '{"file_path": "b.txt", "content": "whole"}'),
    )  # fmt: skip
    assert results[0].text.startswith("the input of Write is no complete JSON (Unterminated string")
    assert results[0].text.endswith("send the whole call again")
    assert [result.text for result in results[1:3]] == ["the input of Write must be an object"] * 2
    assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "b.txt").read_text() == "whole"


# ── functions ────────────────────────────────────────────────────────────────────────────────────

FIND = FunctionTool("find", Find("find", ("title", "limit", "tags", "exact", "more")))
GOOD: dict[str, Any] = {"title": "a", "limit": 1, "tags": [], "exact": True}


def test_schema_of_a_function() -> None:
    assert FIND.input_schema() == {
        "type": "object",
        "properties": {
            "title": {"type": "string"}, "limit": {"type": "number"}, "tags": {"type": "array", "items": {}},
            "exact": {"type": "boolean"}, "more": {"type": "object"},
        },
        "required": ["title", "limit", "tags", "exact"],
        "additionalProperties": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({}, ["a", 1, [], True, MISSING]),
        ({"limit": "2.5"}, ["a", 2.5, [], True, MISSING]),
        ({"tags": '["x", 1]'}, ["a", 1, ["x", 1], True, MISSING]),
        ({"tags": "x, y"}, ["a", 1, ["x, y"], True, MISSING]),
        ({"tags": "7"}, ["a", 1, ["7"], True, MISSING]),
        ({"exact": "false"}, ["a", 1, [], False, MISSING]),
        ({"more": '{"x": 1}'}, ["a", 1, [], True, {"x": 1}]),
        ({"more": "null"}, ["a", 1, [], True, MISSING]),
        ({"more": None}, ["a", 1, [], True, MISSING]),
        ({"more": ""}, ["a", 1, [], True, MISSING]),
        ({"title": "null"}, ["null", 1, [], True, MISSING]),
        ({"title": ""}, ["", 1, [], True, MISSING]),
    ],
)
def test_what_is_sent_is_made_to_fit(sent: dict[str, Any], read: list[Any]) -> None:
    assert FIND.arguments({**GOOD, **sent}) == read


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"shelf": 1}, "find does not take shelf; it takes title, limit, tags, exact, more"),
        ({"title": None}, "find needs title"),
        ({"limit": "null"}, "find needs limit"),
        ({"limit": "two"}, "the input of find is wrong: /limit: 'two' is not of type 'number'"),
        ({"limit": "NaN"}, "the input of find is wrong: /limit: 'NaN' is not of type 'number'"),
        ({"limit": True}, "the input of find is wrong: /limit: True is not of type 'number'"),
        ({"exact": "yes"}, "the input of find is wrong: /exact: 'yes' is not of type 'boolean'"),
        ({"more": "{"}, "the input of find is wrong: /more: '{' is not of type 'object'"),
        ({"title": 3}, "the input of find is wrong: /title: 3 is not of type 'string'"),
    ],
)
def test_what_does_not_fit_is_told(sent: dict[str, Any], told: str) -> None:
    with pytest.raises(Refusal) as caught:
        FIND.arguments({**GOOD, **sent})
    assert str(caught.value) == told


def test_functions_pass_like_other_tools(tmp_path: Path) -> None:
    passage, greet = Watched(), Executable("sayHello", ("name",))
    results = use(tmp_path, passage, ("say_hello", {"name": "Ida"}), tools=[greet, "Read"])
    assert results[0].text == "sayHello got ['Ida']"
    assert (passage.seen[0].name, passage.seen[0].function) == ("say_hello", greet)
