"""Several processes on one project: ten at once, two of them killed, and readers while all of them write.

The project and its model are in `process_desk`.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from process_desk import Project, ended, until

from orchestra.store import connection

HEAD = "import { @claude } from @orch/llm\nexe llm @ask(n) = @claude(`ask @n`)\n"
SHARED = "var @answers = for parallel(3) @n in [1, 2, 3, 4, 5, 6, 7, 8, 9] => @ask(@n)\n"
JOB = HEAD + SHARED + 'append "@payload.who" to "done.txt"\nshow @answers\n'
UNTIL_TOLD = "0 * len([*iter(lambda: os.path.exists('go') or time.sleep(0.01), True)])"
ANSWERS = [f"ask {n}: 5" for n in range(1, 10)]


def test_two_of_ten_are_killed_and_the_other_eight_are_right(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", JOB)
    project.put("pause", UNTIL_TOLD)
    with ExitStack() as stack:
        ten = [stack.enter_context(project.started("run", "job", "--who", str(number))) for number in range(10)]
        until(lambda: len(project.rows("SELECT id FROM executions")) == 10)
        until(lambda: len(project.asked()) == 3)
        # A process that makes calls, whose claims must be taken over, and one that waits for its answers.
        makers = {pid for (pid,) in project.rows("SELECT DISTINCT pid FROM claims")}
        killed = [next(one for one in ten if one.pid in makers), next(one for one in ten if one.pid not in makers)]
        for process in killed:
            process.kill()
        project.put("go", "")
        done = [ended(process) for process in ten]
    assert Counter(one.exit for one in done) == {0: 8, -9: 2}
    assert all(json.loads(one.out) == ANSWERS for one in done if one.exit == 0)
    assert {json.loads(text) for (text,) in project.rows("SELECT first_arg FROM checkpoints")} == set("123456789")
    asked = Counter(project.asked())
    assert set(asked) == {f"ask {n}" for n in range(1, 10)}
    assert sum(asked.values()) <= 9 + 3, "only what the killed one had in flight is asked twice"
    assert len((project.root / "llm/run/done.txt").read_text().split()) == 8
    assert project.rows("SELECT * FROM claims") == []
    assert project.rows("PRAGMA integrity_check") == [("ok",)]


def test_whoever_looks_while_others_write_sees_whole_answers(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", JOB, 0.05)
    with project.started("run", "job") as process:
        until(lambda: project.stored())
        while process.poll() is None:
            listed = project.orch("checkpoint", "inspect", "job")
            assert listed.exit == 0, listed.err
            assert all(record["preview"] for record in json.loads(listed.out)["records"])
        assert json.loads(ended(process).out) == ANSWERS


def test_a_script_that_is_run_twice_at_once_is_paid_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", JOB)
    project.put("pause", UNTIL_TOLD)
    with project.started("run", "job") as first, project.started("run", "job") as second:
        until(lambda: len(project.rows("SELECT id FROM executions")) == 2)
        until(lambda: len(project.asked()) == 3)
        project.put("go", "")
        done = [ended(first), ended(second)]
    assert [(one.exit, json.loads(one.out)) for one in done] == [(0, ANSWERS)] * 2
    assert len(project.asked()) == 9


def test_without_checkpoints_a_locked_store_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.5)  # seconds
    project = Project(tmp_path / "p", HEAD + "show @ask(1)\nshow @mx.run.number\n")
    project.orch("run", "job")
    locked = sqlite3.connect(project.root / ".orch/store.db", isolation_level=None)
    locked.execute("BEGIN IMMEDIATE")
    done = project.orch("run", "job", "--no-checkpoint")
    locked.close()
    assert (done.exit, done.out) == (0, "ask 1: 5\n1\n")
    assert "database is locked; no record is kept of this run\n" in done.err
