"""`orch show CALL`: prompt, tools with their results, files, labels, and why the call was made or served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_desk import Desk

PROGRAM = """\
import { @claude } from @orch/llm
exe llm @review(file, text) = [
  let @r = @claude(`Review @file: @text`, { model: "haiku", tools: ["Read"], system: "Be brief.", schema: @shape })
  output @r.verdict to "verdict.txt"
  => @r
]
exe llm @count(n) = js { return n + 1 }
var @shape = { type: "object", required: ["verdict"], properties: { verdict: { type: "string" } } }
checkpoint "rating"
var @text = <notes.md>
show @review("notes.md", @text).verdict
show @count(1)
"""
REPLIES = [
    {"tool": "Read", "input": {"file_path": "notes.md"}},
    {"tool": "Read", "input": {"file_path": "gone.md"}},
    {"text": '{"verdict": "fine"}'},
]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("notes.md", "kale and beans")
    desk.write("job.mld", PROGRAM)
    desk.write("replies.jsonl", json.dumps({"turns": REPLIES, "usage": {"input": 12, "output": 5}}))
    assert desk.orch("job.mld", "--models", "replies.jsonl", "-q") == 0, desk.err
    return desk


def test_all_about_a_model_call(desk: Desk) -> None:
    assert desk.orch("show", "0001") == 0
    before = desk.out
    assert desk.orch("show", "r1", "0001") == 0
    assert desk.out == before
    lines = before.splitlines()
    for line in ("fn           review", "turns        3", "attempts     3", "phase        rating", "tools        Read",
                 "wrote        verdict.txt (output), 4 bytes"):  # fmt: skip
        assert line in lines, before
    assert any(line.startswith("labels       ") and "llm" in line for line in lines)
    assert any(line.startswith("taint        ") and "src:file" in line for line in lines)
    assert before.index("── why ──") < before.index("── system ──\nBe brief.") < before.index("── schema ──")
    assert "made in r1 at " in before and "miss, no earlier run called @review" in before
    assert 'Read {"file_path": "notes.md"}\n  ' in before
    assert "kale and beans" in before[before.index("── tools used ──") : before.index("── prompt ──")]
    assert "  error: " in before[before.index("gone.md") :]
    assert before.endswith('{"verdict": "fine"}\n')


def test_a_served_call_says_so(desk: Desk) -> None:
    desk.orch("job.mld", "--models", "replies.jsonl", "-q")
    for call in ("@review", '@review("notes")'):
        assert desk.orch("show", call) == 0
        assert "hit     @review(notes.md, kale and beans)" in desk.out
        assert "served once, last in r1" in desk.out
        assert "── prompt ──" in desk.out


def test_a_labelled_call_that_asked_no_model(desk: Desk) -> None:
    assert desk.orch("show", "@count") == 0
    assert desk.out.endswith("── answer ──\n2\n")
    assert "miss    @count(1)" in desk.out
    desk.orch("show", "@count", "--json")
    data = json.loads(desk.out)
    assert (data["value"], data["id"], data["why"]["fn"]) == (2, None, "count")
    assert desk.orch("show", data["key"][:8]) == 0
    assert "@count" in desk.out


def test_as_data(desk: Desk) -> None:
    desk.orch("show", "0001", "--json")
    data = json.loads(desk.out)
    assert data["prompt"] == "Review notes.md: kale and beans"
    assert data["system"] == "Be brief."
    assert data["schema"]["required"] == ["verdict"]
    assert [use["tool"] for use in data["tools"]] == ["Read", "Read"]
    assert data["written"] == [{"path": "verdict.txt", "mode": "output", "bytes": 4}]
    assert data["models"]


def test_the_same_from_a_bundle(desk: Desk, tmp_path: Path) -> None:
    assert desk.orch("bundle", "-o", "out.zip") == 0
    (tmp_path / "there").mkdir()
    there = Desk(tmp_path / "there")
    (there.root / "out.zip").write_bytes((desk.root / "out.zip").read_bytes())
    for call in ("0001", "@review"):
        assert there.orch("show", "out.zip", call) == 0, there.err
        assert "kale and beans" in there.out and "── tools used ──" in there.out and "── why ──" in there.out
    assert there.orch("show", "out.zip", "0009") == 2
    assert there.err.startswith('error[E810]: run r1 has no call "0009"') or "no call" in there.err


def test_calls_that_are_not_there(desk: Desk) -> None:
    assert desk.orch("show", "@revew") == 2
    assert desk.err.startswith('error[E803]: unknown function "@revew"')
    assert desk.orch("show", "abcdef99") == 2
    assert desk.err.startswith('error[E810]: job.mld has no call "abcdef99"')
