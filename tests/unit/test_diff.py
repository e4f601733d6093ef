"""`orch diff`: which calls of two runs are the same, changed, followed, came and went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_desk import Desk

PROGRAM = """\
exe llm @pick(n) = js { return "NAME" }
exe llm @write(text) = js { return { text: text } }
exe llm @fixed(n) = js { return n }
show @fixed(1)
var @p = @pick("x")
show @write(@p)
if @p == "two" [ show @fixed(2) ]
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("llm/run/job.mld", PROGRAM.replace("NAME", "one"))
    assert desk.orch("run", "job", "-q") == 0, desk.err
    desk.write("llm/run/job.mld", PROGRAM.replace("NAME", "two"))
    assert desk.orch("run", "job", "-q", "--new") == 0, desk.err
    return desk


def test_what_changed_and_what_followed(desk: Desk) -> None:
    assert desk.orch("diff", "r1", "r2", "--json") == 0
    found = [(pair["kind"], (pair["before"] or pair["after"])["function"]) for pair in json.loads(desk.out)]
    assert found == [("same", "fixed"), ("changed", "pick"), ("follows", "write"), ("added", "fixed")]
    assert desk.orch("diff", "r2", "last") == 0
    assert desk.out == "r2 and r2, llm/run/job.mld: 0 calls differ, 4 are the same\n"
    assert desk.orch("diff", "r2", "r1") == 0
    assert "@fixed(2): only in r2" in desk.out
    assert '-  "text": "two"\n+  "text": "one"' in desk.out


def test_what_cannot_be_compared(desk: Desk) -> None:
    assert desk.orch("diff", "r1", "r9") == 2
    assert desk.err.startswith('error[E810]: there is no run "r9"')
    assert desk.orch("diff", "r1") == 2
    desk.write("llm/run/other.mld", "exe llm @a(n) = js { return n }\nshow @a(1)\n")
    desk.orch("run", "other", "-q")
    assert desk.orch("diff", "r1", "r3") == 2
    assert "compare runs of one script" in desk.err


def test_without_a_store(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    assert desk.orch("diff", "r1", "r2") == 1
    assert desk.err.startswith("error[E806]: nothing is stored yet")


def test_prompts_are_compared(desk: Desk) -> None:
    program = "import { @haiku } from @orch/llm\nexe llm @ask(q) = @haiku(`Please: @q`)\nshow @ask(1)\n"
    desk.write("replies.jsonl", '{"reply": "ok", "times": 9}\n')
    for name, word in (("r3", "Please"), ("r4", "Kindly")):
        desk.write("llm/run/ask.mld", program.replace("Please", word))
        assert desk.orch("run", "ask", "--models", "replies.jsonl", "-q", "--new") == 0, name
    assert desk.orch("diff", "r3", "r4") == 0
    assert "@ask(1): another prompt, the same answer" in desk.out
    assert "-Please: 1\n+Kindly: 1" in desk.out
