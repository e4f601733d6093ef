"""`orch replay`: a run comes out as it did, no function is asked unbidden, and the store stays as it was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from cli_desk import Desk

PROGRAM = """\
exe llm @plan(topic) = js { console.error("plan"); return topic + " " + Math.random() }
exe llm @write(plan) = js { console.error("write"); return "text of " + plan }
exe llm @size(topic) = js { console.error("size"); return topic.length }
show @size(@payload.topic)
var @draft = @plan(@payload.topic)
show @write(@draft)
show `@now @mx.run.id @mx.run.seed`
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("llm/run/job.mld", PROGRAM)
    return desk


def asked(desk: Desk) -> list[str]:
    return [line for line in desk.err.splitlines() if line in ("plan", "write", "size")]


def content(desk: Desk) -> list[str]:
    db = sqlite3.connect(desk.root / ".orch/store.db")
    lines = list(db.iterdump())
    db.close()
    return lines


def test_a_run_that_others_followed(desk: Desk) -> None:
    assert desk.orch("run", "job", "--topic", "moss", "-q") == 0
    first = desk.out.splitlines()
    for _ in range(2):
        assert desk.orch("run", "job", "--topic", "moss", "-q", "--new") == 0
    second = desk.out.splitlines()
    assert first[1] != second[1]
    before = content(desk)
    for run, shown in (("r1", first), ("r3", second), ("last", second)):
        assert desk.orch("replay", run, "-q") == 0
        assert asked(desk) == []
        assert desk.out.splitlines()[:2] == shown[:2]
        assert desk.out.splitlines()[2].split(" ")[1:] == shown[2].split(" ")[1:]
        assert desk.out.splitlines()[2][:16] == shown[2][:16]
    assert content(desk) == before


def test_time_stands_still_where_it_stood(desk: Desk) -> None:
    desk.orch("run", "job", "--topic", "moss", "-q", "--clock", "2001-02-03T04:05:06Z")
    before = desk.out
    assert desk.orch("replay", "-q") == 0
    assert desk.out == before


def test_edited_code_gets_the_answers_of_then(desk: Desk) -> None:
    desk.orch("run", "job", "--topic", "moss", "-q")
    desk.write("llm/run/job.mld", PROGRAM.replace("return topic.length", "return 0"))
    assert desk.orch("replay", "r1", "-q") == 0
    assert desk.out.splitlines()[0] == "4"


def test_a_missing_answer_is_an_error_and_no_purchase(desk: Desk) -> None:
    desk.orch("run", "job", "--topic", "moss", "-q")
    desk.write("llm/run/job.mld", PROGRAM.replace("@size(@payload.topic)", '@size("other")'))
    before = content(desk)
    assert desk.orch("replay", "r1", "-q") == 1
    assert asked(desk) == []
    assert desk.err.startswith('error[E808]: run r1 has no answer for @size(topic: "other")')
    assert content(desk) == before


def test_what_a_handler_cannot_hide(desk: Desk) -> None:
    desk.orch("run", "job", "--topic", "moss", "-q")
    caught = 'try [ show @size("other") ] catch @e [ show "hidden" ]\n'
    desk.write("llm/run/job.mld", PROGRAM.replace("show @size(@payload.topic)\n", caught))
    assert desk.orch("replay", "r1", "-q") == 1
    assert "hidden" not in desk.out


def test_a_result_that_is_never_stored(desk: Desk) -> None:
    desk.write("llm/run/job.mld", "exe llm @none() = js { console.error('size'); return null }\nshow @none() ?? 1\n")
    desk.orch("run", "job", "-q")
    assert desk.orch("replay", "-q") == 1
    assert asked(desk) == []
    assert "error[E808]" in desk.err


def test_going_on_from_a_function(desk: Desk) -> None:
    desk.orch("run", "job", "--topic", "moss", "-q")
    first = desk.out.splitlines()
    desk.orch("run", "job", "--topic", "moss", "-q", "--new")
    assert desk.orch("replay", "r1", "--from", "@plan", "-q") == 0
    assert asked(desk) == ["plan", "write"]
    again = desk.out.splitlines()
    assert (again[0], again[1] != first[1], again[2].split(" ")[1]) == (first[0], True, "r1")
    assert desk.orch("replay", "r1", "-q") == 0
    assert desk.out.splitlines()[:2] == again[:2]
    assert desk.orch("replay", "r1", "--from", "@write", "-q") == 0
    assert asked(desk) == ["write"]
    assert desk.orch("replay", "r1", "--from", "@wirte") == 2
    assert desk.err.startswith('error[E803]: unknown function "@wirte"')


def test_what_was_dropped_cannot_be_replayed(desk: Desk) -> None:
    desk.orch("run", "job", "--topic", "moss", "-q")
    desk.orch("run", "job", "--topic", "moss", "-q", "--new")
    assert desk.orch("checkpoint", "gc") == 0
    assert desk.orch("replay", "r1", "-q") == 1
    assert "E808" in desk.err
    assert desk.orch("replay", "r2", "-q") == 0


def test_other_wishes_of_the_run(desk: Desk) -> None:
    desk.write("llm/run/job.mld", "exe llm @ask(q) = js { return q }\nshow @ask(@state.kind)\nshow @payload.args[0]\n")
    desk.orch("run", "job", "more", "--state", "kind=herb", "-q")
    before = desk.out
    assert desk.orch("replay", "-q") == 0
    assert desk.out == before == "herb\nmore\n"


def test_what_cannot_be_replayed(desk: Desk) -> None:
    assert desk.orch("replay") == 1
    assert desk.err.startswith("error[E806]: nothing is stored yet")
    desk.orch("-e", "exe llm @ask(q) = js { return q }\nshow @ask(1)", "-q")
    desk.orch("run", "job", "--topic", "moss", "-q")
    assert desk.orch("replay", "r1") == 2
    assert "of a text given with -e" in desk.err
    assert desk.orch("replay", "r7") == 2
    assert desk.err.startswith('error[E810]: there is no run "r7"')
    (desk.root / "llm/run/job.mld").unlink()
    assert desk.orch("replay", "r2") == 2
    assert "which is gone" in desk.err
