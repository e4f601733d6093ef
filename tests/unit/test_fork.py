"""`--fork`: the results of another script are served beside a script's own, and stay as they are."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.in_process import run_in_process

ASK = 'exe llm @ask(n) = js { console.error("ask " + n); return "answer " + n }\n'
FIRST = ASK + 'checkpoint "one"\nshow @ask(1)\ncheckpoint "two"\nshow @ask(2)\n'
SECOND = ASK + 'checkpoint "one"\nshow @ask(1)\ncheckpoint "two"\nshow @ask(2)\nshow @ask(3)\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two scripts, of which the first has run."""
    folder = tmp_path / "llm" / "run"
    folder.mkdir(parents=True)
    (tmp_path / "orch.toml").write_text("")
    (folder / "first.mld").write_text(FIRST)
    (folder / "second.mld").write_text(SECOND)
    assert asked(run(tmp_path, "run", "first")) == ["ask 1", "ask 2"]
    return tmp_path


def run(project: Path, *argv: str) -> Any:
    return run_in_process(list(argv), project, "", {})


def asked(done: Any) -> list[str]:
    """The calls that were made."""
    assert done.exit == 0, done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("ask ")]


def rows(project: Path) -> list[tuple[Any, ...]]:
    store = sqlite3.connect(project / ".orch" / "store.db")
    return store.execute("SELECT script, first_arg, hits, state FROM checkpoints ORDER BY rowid").fetchall()


def test_what_the_other_script_knows_is_not_asked(project: Path) -> None:
    before = rows(project)
    done = run(project, "run", "second", "--fork", "first")
    assert asked(done) == ["ask 3"]
    assert done.stdout == "answer 1\nanswer 2\nanswer 3\n"
    assert rows(project) == [*before, ("llm/run/second.mld", '"3"', 0, "live")]


def test_without_it_scripts_know_nothing_of_each_other(project: Path) -> None:
    assert asked(run(project, "run", "second")) == ["ask 1", "ask 2", "ask 3"]


def test_it_is_served_in_manual_mode_too(project: Path) -> None:
    script = project / "llm/run/second.mld"
    script.write_text("resume: manual\n" + SECOND)
    assert asked(run(project, "run", "second", "--fork", "llm/run/first.mld")) == ["ask 3"]


@pytest.mark.parametrize(
    ("target", "made"),
    [("@ask", ["ask 1", "ask 2", "ask 3"]), ('@ask("2")', ["ask 2", "ask 3"]), ("two", ["ask 2", "ask 3"])],
)
def test_resume_hides_what_it_names_for_one_run(project: Path, target: str, made: list[str]) -> None:
    assert asked(run(project, "run", "second", "--fork", "first", "--resume", target)) == made
    assert {state for _, _, _, state in rows(project)} == {"live"}
    assert asked(run(project, "run", "first")) == []


def test_other_code_is_another_answer(project: Path) -> None:
    (project / "llm/run/second.mld").write_text(SECOND.replace('"answer "', '"other "'))
    assert asked(run(project, "run", "second", "--fork", "first")) == ["ask 1", "ask 2", "ask 3"]


def test_a_script_without_results_is_an_error(project: Path) -> None:
    done = run(project, "run", "second", "--fork", "third")
    assert (done.exit, done.stdout) == (2, "")
    assert 'error[E811]: script "third" has no stored results to fork from' in done.stderr
    assert "scripts with stored results: llm/run/first.mld" in done.stderr


def test_an_unknown_function_is_an_error(project: Path) -> None:
    done = run(project, "run", "second", "--fork", "first", "--resume", "@task")
    assert done.exit == 2
    assert "E803" in done.stderr


def test_explain_tells_where_an_answer_comes_from(project: Path) -> None:
    done = run(project, "run", "second", "--fork", "first", "--explain")
    assert "hit     @ask(n: 1): from llm/run/first.mld" in done.stderr
