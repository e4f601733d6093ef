"""A model that is a program: its wire format, and everything a program can do wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestra.errors import OrchError
from orchestra.providers.command import read_reply
from orchestra.providers.protocol import Turn
from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.tools.specs import parse_tools

ECHO = """
import json, sys
request = json.load(sys.stdin)
"""


def agent(root: Path, body: str, **settings: Any) -> Agent:
    (root / "model.py").write_text(ECHO + body)
    table = {"type": "command", "command": [sys.executable, "model.py"], **settings}
    return Agent(
        root=root,
        config={"provider": "stand-in", "providers": {"stand-in": table}},
        environment=dict(os.environ),
        emit=lambda kind, data: None,
        archive_dir=lambda: None,
        chance=lambda: 0.0,
    )


def ask(root: Path, body: str, tools: str | None = None, **settings: Any) -> LLMResult:
    request = LLMRequest(
        call_id="c1",
        fn="review",
        prompt="hi",
        dir=root,
        model="small",
        tools=parse_tools(tools),
        system="be brief",
    )
    return trio.run(agent(root, body, **settings).call, request)


def fails(root: Path, code: str, body: str, **settings: Any) -> OrchError:
    with pytest.raises(OrchError) as caught:
        ask(root, body, **settings)
    assert caught.value.code == code, caught.value.message
    return caught.value


def test_the_request_is_one_json_object(tmp_path: Path) -> None:
    result = ask(tmp_path, 'print(json.dumps({"content": json.dumps(request), "usage": {"input": 7, "output": 3}}))')
    assert result.data == {
        "version": 1,
        "model": "small",
        "system": "be brief",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "tools": [],
        "max_tokens": 32000,
    }
    assert (result.usage.input, result.usage.output, result.usage.estimated) == (7, 3, False)
    assert (result.provider, result.model, result.cost) == ("stand-in", "small", None)


def test_tools_go_back_and_forth(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha\n")
    body = """
last = request["messages"][-1]["content"][0]
if last["type"] == "tool_result":
    answer = {"content": [{"type": "text", "text": last["content"]}]}
else:
    assert [tool["name"] for tool in request["tools"]] == ["Read"]
    answer = {"content": [{"type": "tool_use", "name": "Read", "input": {"file_path": "a.txt"}}]}
print(json.dumps(answer))
"""
    result = ask(tmp_path, body, tools="Read")
    assert (result.text, result.turns) == ("     1\talpha", 2)
    assert result.usage.estimated


def test_a_price_makes_a_cost(tmp_path: Path) -> None:
    body = 'print(json.dumps({"content": "x", "usage": {"input": 1000000, "output": 1000000}}))'
    assert ask(tmp_path, body, price={"input": 1, "output": 2}).cost == 3.0
    assert ask(tmp_path, body, price=0).cost == 0.0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit(3)", "the program exited with 3"),
        ("import os; os.kill(os.getpid(), 9)", "the program was killed by signal 9"),
        ("", "the program printed nothing"),
        ('print("hello there")', "the program printed something that is not JSON: hello there"),
        ("print([1])", 'the program gave a wrong answer: an object with "content" is expected'),
        ("sys.stdout.write('x' * 17_000_000)", "the program printed more than 16 MiB"),
    ],
)
def test_a_program_that_goes_wrong(tmp_path: Path, body: str, message: str) -> None:
    assert fails(tmp_path, "E718", body).message == f"stand-in: {message}"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"stop": "end_turn"}, 'an object with "content" is expected'),
        ({"content": 3}, '"content" must be a list of blocks or a string'),
        ({"content": [3]}, "block 1 has no type"),
        ({"content": [{"type": "text"}]}, 'block 1: "text" must be a string'),
        ({"content": [{"type": "tool_use"}]}, 'block 1: "name" of the tool is missing'),
        ({"content": "x", "stop": "bored"}, '"stop" is "bored"'),
        ({"content": "x", "stop": ["x"]}, '"stop" is ["x"]'),
        ({"content": "x", "usage": {"input": -1}}, '"usage" must hold whole numbers'),
        ({"content": "x", "usage": {"output": "7"}}, '"usage" must hold whole numbers'),
    ],
)
def test_a_wrong_answer(tmp_path: Path, answer: object, message: str) -> None:
    turn = Turn(call_id="c", fn="f", prompt="p", asked="m", model="m", messages=[], dir=tmp_path)
    with pytest.raises(ValueError) as caught:
        read_reply(answer, turn)
    assert str(caught.value) == message


def test_the_last_lines_of_stderr_are_shown(tmp_path: Path) -> None:
    body = "for n in range(9): print('line', n, file=sys.stderr)\nsys.exit(1)"
    notes = [note.message for note in fails(tmp_path, "E718", body).notes]
    assert notes == [f"stderr: line {n}" for n in range(4, 9)]


def test_secrets_on_stderr_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_API_KEY", "tops3cret-value")
    error = fails(tmp_path, "E718", "print('key tops3cret-value', file=sys.stderr)\nsys.exit('bye')")
    assert [note.message for note in error.notes] == ["stderr: key [redacted:LAB_API_KEY]", "stderr: bye"]


def test_a_program_that_hangs_is_stopped_with_its_children(tmp_path: Path) -> None:
    body = """
import subprocess, time
child = subprocess.Popen(["sleep", "60"])
open("pid", "w").write(str(child.pid))
print("still thinking", file=sys.stderr, flush=True)
time.sleep(60)
"""
    error = fails(tmp_path, "E706", body, timeout=0.5)
    assert error.message == "stand-in: the program gave no answer within 0.5 s"
    assert [note.message for note in error.notes] == ["stderr: still thinking"]
    assert not _runs(int((tmp_path / "pid").read_text()))


def _runs(pid: int) -> bool:
    """Whether a process is still alive a moment after its end; one not yet collected counts as dead."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        trio.run(trio.sleep, 0.01)
    return True


def test_a_program_may_ignore_its_input_and_leave_a_child_behind(tmp_path: Path) -> None:
    (tmp_path / "other.sh").write_text('sleep 60 &\necho \'{"content": "ok"}\'\n')
    request = LLMRequest(call_id="c", fn="f", prompt="x" * 1_000_000, dir=tmp_path)
    command = agent(tmp_path, "", command=["sh", "other.sh"], timeout=20)
    assert trio.run(command.call, request).text == "ok"


def test_a_reported_limit_is_waited_for(tmp_path: Path) -> None:
    body = """
import os
if os.path.exists("asked"):
    print(json.dumps({"content": "now"}))
else:
    open("asked", "w").close()
    print(json.dumps({"error": {"status": 429, "message": "one at a time", "retry_after": 0}}))
"""
    assert ask(tmp_path, body).attempts == 2


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    error = fails(tmp_path, "E718", "", command=["no-such-program"])
    assert error.message == 'stand-in: the program "no-such-program" cannot be started: No such file or directory'


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"command": "python3 model.py"}, 'provider "stand-in" needs a command'),
        ({"timeout": "60"}, 'timeout of provider "stand-in" must be a number of seconds'),
        ({"type": "comand"}, 'provider "stand-in" has the unknown type "comand"'),
    ],
)
def test_a_wrong_table(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    assert fails(tmp_path, "E812", "", **settings).message == message


def test_cancelling_stops_the_program(tmp_path: Path) -> None:
    body = "import time, os; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"

    async def cancelled() -> None:
        async with trio.open_nursery() as nursery:
            request = LLMRequest(call_id="c", fn="f", prompt="x", dir=tmp_path)
            nursery.start_soon(agent(tmp_path, body).call, request)
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()

    trio.run(cancelled)
    assert not _runs(int((tmp_path / "pid").read_text()))


def test_json_of_the_request_is_readable(tmp_path: Path) -> None:
    body = 'print(json.dumps({"content": request["messages"][0]["content"][0]["text"]}, ensure_ascii=False))'
    request = LLMRequest(call_id="c", fn="f", prompt="grüße 🎉", dir=tmp_path)
    assert json.loads(json.dumps(trio.run(agent(tmp_path, body).call, request).text)) == "grüße 🎉"
