"""The development example: issues are solved by real edits, refuted and solved again, and a person is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from example_desk import Copy
from small_examples import GREETING, RIGHT, greeter

WRONG = "from greeting import greet\n\n\ndef test_everybody_is_ida():\n    assert greet('Bo') == 'Hello Ida!'\n"


class Development(Copy):
    """The example, and what it has done to its copy of the repository."""

    def __init__(self, home: Path) -> None:
        super().__init__("development", home)

    @property
    def work(self) -> Path:
        return self.made / "work"

    def events(self, kind: str, issue: str) -> list[dict[str, Any]]:
        lines = (self.made / "events.jsonl").read_text().splitlines()
        return [one for line in lines if (one := json.loads(line))["event"] == kind and one.get("issue") == issue]

    def open(self) -> set[str]:
        return {path.stem for path in (self.work / "issues").iterdir() if "status: open" in path.read_text()}

    def tests(self) -> int:
        """The exit code of every test there is, run by itself."""
        command = [sys.executable, "-m", "pytest", "--doctest-modules", "src", "tests", "issues", "checks"]
        return subprocess.run(command, cwd=self.work, capture_output=True, check=False).returncode

    def small(self, test: str) -> None:
        """Another repository, with one issue."""
        for path, text in greeter(test).items():
            self.put(path, text)


@pytest.fixture
def development(tmp_path: Path) -> Development:
    return Development(tmp_path)


def test_issues_are_solved_after_a_kill_a_refutation_and_a_question(development: Development) -> None:
    stored = development.killed(3)
    asked = development.run()
    assert asked.exit == 0, asked.stderr
    assert stored.items() <= development.stored().items()
    assert development.open() == {"expired-today"}
    assert "expired-today" in (development.made / "questions.md").read_text()
    assert not (development.made / "report.md").exists()

    (development.made / "answers.md").write_text("expired-today: b\n")
    done = development.run()
    assert done.exit == 0, done.stderr
    assert (development.open(), development.tests()) == (set(), 0)
    assert "return best_before <= today" in (development.work / "src/larder/dates.py").read_text()
    verdicts = [one["verdict"] for one in development.events("verified", "blank-amounts")]
    assert verdicts == ["refuted", "holds"]
    assert len(development.events("worked", "blank-amounts")) == 2
    assert len(development.events("created", "docstring-of-plural")) == 1
    assert "+    text = text.strip()" in (development.made / "changes.patch").read_text()
    assert (development.project / "template/src/larder/dates.py").read_text().endswith("best_before < today\n")


def test_a_repository_of_ones_own(development: Development) -> None:
    development.small(RIGHT)
    done = development.run("--template", "greeter", "--budget", "calls=3")
    assert (done.exit, len(development.stored())) == (4, 3)
    done = development.run("--template", "greeter", "--budget", "calls=30")
    assert done.exit == 0, done.stderr
    assert development.open() == set()
    patch = (development.made / "changes.patch").read_text().splitlines()
    assert [line for line in patch if line.startswith(("+ ", "- "))] == [
        "+    if not name:",
        "+        return 'Hello!'",
    ]


def test_what_cannot_be_solved_is_undone_and_asked_about(development: Development) -> None:
    development.small(WRONG)
    done = development.run("--template", "greeter")
    assert done.exit == 0, done.stderr
    assert [one["status"] for one in development.events("worked", "greets-nobody")] == ["failed"] * 3
    assert (development.work / "src/greeting.py").read_text() == GREETING
    assert "greets-nobody" in (development.made / "questions.md").read_text()
