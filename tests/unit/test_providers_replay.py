"""Recorded answers: which case answers which call, and what is said when none does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from orchestra.errors import OrchError
from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LLMRequest


def agent(root: Path, path: str = "replies.jsonl") -> Agent:
    return Agent(
        root=root,
        config={},
        environment={"ORCH_LLM_REPLAY": path},
        emit=lambda kind, data: None,
        archive_dir=lambda: None,
        chance=lambda: 0.0,
    )


def write(root: Path, *cases: dict[str, Any], name: str = "replies.jsonl") -> None:
    (root / name).write_text("".join(json.dumps(case) + "\n" for case in cases))


def ask_all(root: Path, *requests: dict[str, Any], path: str = "replies.jsonl") -> tuple[list[str], Agent]:
    replay = agent(root, path)

    async def run() -> list[str]:
        answers = []
        for number, fields in enumerate(requests):
            fields = {"fn": "ask", "prompt": "hello", **fields}
            answers.append((await replay.call(LLMRequest(call_id=str(number), dir=root, **fields))).text)
        return answers

    return trio.run(run, clock=MockClock(autojump_threshold=0)), replay


def test_keys_are_conjunctive_and_order_decides(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"exactly this").hexdigest()
    write(
        tmp_path,
        {"match": {"sha256": digest}, "reply": "by hash"},
        {"match": {"fn": "grade", "model": "haiku", "contains": ["essay", "7"]}, "reply": "essay 7"},
        {"match": {"model": "claude-opus-5-5"}, "reply": "by resolved id"},
        {"match": {"contains": "hello"}, "reply": {"any": 1}},
    )
    answers, _ = ask_all(
        tmp_path,
        {"prompt": "exactly this"},
        {"fn": "grade", "model": "haiku", "prompt": "hello essay 7"},
        {"fn": "grade", "model": "sonnet", "prompt": "hello essay 7"},
        {"model": "opus"},
    )
    assert answers == ["by hash", "essay 7", '{"any": 1}', "by resolved id"]


def test_nth_and_times(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"match": {"fn": "ask", "nth": 3}, "reply": "third"},
        {"match": {"fn": "ask"}, "times": 1, "reply": "once"},
        {"reply": "else"},
        {"match": {"fn": "other"}, "reply": "never"},
    )
    answers, replay = ask_all(tmp_path, {}, {}, {}, {})
    assert answers == ["once", "else", "third", "else"]
    assert replay.unused_replies() == ["replies.jsonl:4"]


def test_agent_and_purpose_choose(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"match": {"agent": "scout", "purpose": "plan"}, "reply": "both"},
        {"match": {"agent": "scout"}, "reply": "scout"},
        {"match": {"contains": "hello"}, "reply": "else"},
    )
    answers, _ = ask_all(tmp_path, {"agent": "scout", "purpose": "plan"}, {"agent": "scout"}, {"purpose": "plan"})
    assert answers == ["both", "scout", "else"]


def test_items_of_a_parallel_loop_do_not_count_each_other(tmp_path: Path) -> None:
    write(tmp_path, {"times": 1, "reply": "once"}, {"match": {"nth": 2}, "reply": "second"}, {"reply": "later"})
    before, first, other, again, after = (1,), (2, 0, 1), (2, 1, 1), (2, 1, 2), (3,)
    answers, _ = ask_all(tmp_path, *({"position": place} for place in (other, first, again)))
    assert answers == ["once", "once", "second"]
    answers, _ = ask_all(tmp_path, *({"position": place} for place in (before, first, other, again, after)))
    assert answers == ["once", "second", "second", "later", "later"]


def test_a_folder_of_files_and_comments_of_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "replies").mkdir()
    write(tmp_path, {"reply": "b"}, name="replies/b.jsonl")
    (tmp_path / "replies/a.jsonl").write_text('\n{"match": {"contains": "zzz"}, "reply": "a"}\n\n')
    answers, replay = ask_all(tmp_path, {}, path="replies")
    assert answers == ["b"]
    assert replay.unused_replies() == ["a.jsonl:2"]


def test_variables_in_tool_inputs(tmp_path: Path) -> None:
    write(tmp_path, {"turns": [{"tool": "Write", "input": {"file_path": "$POLL", "content": "in $DIR"}}]})
    answers, _ = ask_all(tmp_path, {"poll": tmp_path / "x.md"})
    assert answers == [f"in {tmp_path}"]


def test_delays_run_on_the_clock_of_the_run(tmp_path: Path) -> None:
    write(tmp_path, {"reply": "x", "delay": 3600})
    result = trio.run(
        agent(tmp_path).call,
        LLMRequest(call_id="c", fn="f", prompt="p", dir=tmp_path, timeout=7200),
        clock=MockClock(autojump_threshold=0),
    )
    assert result.ms == 3_600_000


def test_a_miss_names_the_hash_and_the_closest_case(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"match": {"fn": "grade", "contains": ["x"]}, "reply": "1"},
        {"match": {"fn": "ask", "contains": ["essay 7"]}, "reply": "2"},
    )
    with pytest.raises(OrchError) as caught:
        ask_all(tmp_path, {})
    error = caught.value
    digest = hashlib.sha256(b"hello").hexdigest()
    assert error.code == "E715"
    assert error.message == 'no recorded answer for @ask with model sonnet and the prompt "hello"'
    assert [note.message for note in error.notes] == [
        'the closest is replies.jsonl:2: the prompt does not contain "essay 7"',
        f"the sha256 of the prompt is {digest}",
    ]


def test_a_miss_by_number(tmp_path: Path) -> None:
    write(tmp_path, {"match": {"nth": 2}, "reply": "x"})
    with pytest.raises(OrchError) as caught:
        ask_all(tmp_path, {})
    assert caught.value.notes[0].message == "the closest is replies.jsonl:1: it answers call 2, this is call 1"
    write(tmp_path, {"times": 1, "reply": "x"})
    with pytest.raises(OrchError) as caught:
        ask_all(tmp_path, {}, {})
    assert caught.value.notes[0].message.endswith("it has answered 1 times already")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "x",
            "replies.jsonl:1: not JSON: Expecting value: line 1 column 1 (char 0)",
        ),
        ("[]", "replies.jsonl:1: a case is an object"),
        ('{"repyl": "x"}', 'replies.jsonl:1: unknown key "repyl"'),
        ('{"match": {"fm": "x"}, "reply": "x"}', 'replies.jsonl:1: unknown key "fm"'),
        ("{}", 'replies.jsonl:1: exactly one of "turns", "reply" and "error" is needed'),
        ('{"reply": "x", "usage": {"input": "1"}}', 'replies.jsonl:1: "usage" must hold whole numbers'),
        ('{"reply": "x", "match": {"nth": "1"}}', 'replies.jsonl:1: "nth" must be a whole number from 1'),
        (
            '{"reply": "x", "match": {"contains": 1}}',
            'replies.jsonl:1: "contains" must be text or a list of texts',
        ),
        ('{"turns": [{"text": 1}]}', 'replies.jsonl:1: "text", "tool" and "stop" must be text'),
        ('{"turns": [{"stop": "bored"}]}', 'replies.jsonl:1: unknown stop "bored"'),
        ('{"turns": []}', 'replies.jsonl:1: "turns" must be a list with at least one turn'),
        ('{"turns": ["x"]}', "replies.jsonl:1: a turn is an object or a list of objects"),
        ('{"reply": "x", "times": 0}', 'replies.jsonl:1: "times" must be a whole number from 1'),
        ('{"reply": "x", "delay": "1"}', 'replies.jsonl:1: "delay" must be a number of seconds'),
        (
            '{"reply": "x", "usage": {"in": 1}}',
            'replies.jsonl:1: "usage" holds input, output, cache_write and cache_read',
        ),
    ],
)
def test_wrong_cases(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "replies.jsonl").write_text(line)
    with pytest.raises(OrchError) as caught:
        ask_all(tmp_path, {})
    assert (caught.value.code, caught.value.exit) == ("E812", 2)
    assert caught.value.message == message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OrchError) as caught:
        ask_all(tmp_path, {})
    assert caught.value.message == "recorded answers cannot be read: replies.jsonl: No such file or directory"
