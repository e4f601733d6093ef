"""Every example is a project that runs offline as it is shipped, and does what it says on other input too.

The audit and what all have in common is seen to here. How well its stand-in reviews is judged by its own tests, and
so are the other examples.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from example_desk import EXAMPLES, Copy, summary
from small_examples import LEAKS, SWALLOWS

from orchestra.cli.in_process import Finished, run_in_process

NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


class Audit(Copy):
    """A copy of the audit and a package for it to look at."""

    def __init__(self, folder: Path) -> None:
        super().__init__("audit", folder)
        self.put("../shop/__init__.py", "")

    @property
    def package(self) -> Path:
        return self.home / "shop"

    def run(self, *words: str) -> Finished:
        return super().run("--source", "../shop", *words)

    def asked(self, sql: str) -> Any:
        """What the store says."""
        with sqlite3.connect(self.project / ".orch" / "store.db") as store:
            return store.execute(sql).fetchone()[0]

    def report(self) -> dict[str, Any]:
        """The newest findings.json."""
        return dict(json.loads((self.made / "findings.json").read_text()))


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path)


@pytest.mark.parametrize("example", NAMES)
def test_an_example_is_a_project_with_a_page_that_explains_it(example: str) -> None:
    assert (EXAMPLES / example / "orch.toml").is_file()
    assert "orch run" in (EXAMPLES / example / "README.md").read_text()


@pytest.mark.parametrize("example", NAMES)
def test_nothing_is_to_be_said_against_the_scripts_of_an_example(example: str) -> None:
    scripts = [str(path) for path in (EXAMPLES / example / "llm").rglob("*.mld")]
    done = run_in_process(["check", *scripts], EXAMPLES / example, "", {})
    assert (done.exit, "warning" in done.stdout + done.stderr) == (0, False), done.stdout


def test_the_stand_ins_speak_alike_and_each_example_is_whole() -> None:
    """An example is copied by itself, so each has its own copy of what all need; a change is made to all of them."""
    for name in ("dialogue.py", "protocol.py"):
        copies = {path.read_text() for path in EXAMPLES.glob(f"*/tools/standin/{name}")}
        assert len(copies) == 1, f"the copies of {name} differ"


def test_the_audit_finds_what_is_there(audit: Audit) -> None:
    audit.put("../shop/reader.py", LEAKS)
    audit.put("../shop/worker.py", SWALLOWS)
    done = audit.run()
    assert done.exit == 0, done.stderr
    report = audit.report()
    assert (report["package"], report["files"], report["missing"]) == ("shop", 3, [])
    found = {(finding["file"], finding["line"], finding["verdict"]) for finding in report["findings"]}
    assert found == {("shop/reader.py", 2, "confirmed"), ("shop/worker.py", 4, "confirmed")}
    assert "3 files, 2 findings: 2 confirmed, 0 needs-human" in done.stdout


def test_the_audit_asks_nothing_twice_and_only_what_changed(audit: Audit) -> None:
    audit.put("../shop/reader.py", LEAKS)
    assert audit.run().exit == 0
    before = audit.report()
    again = audit.run()
    assert (again.exit, summary(again), audit.report()) == (0, "0 calls, 3 cached", before)
    audit.put("../shop/__init__.py", SWALLOWS)
    changed = audit.run()
    assert changed.exit == 0, changed.stderr
    assert summary(changed).startswith("2 calls, 2 cached")
    assert len(audit.report()["findings"]) == 2


def test_the_audit_says_when_there_is_nothing_to_audit(audit: Audit) -> None:
    (audit.package / "__init__.py").unlink()
    done = audit.run()
    assert (done.exit, done.stdout) == (1, "")
    assert f"no Python files below {audit.package}" in done.stderr


def test_the_audit_keeps_to_its_budget_and_goes_on_with_a_higher_one(audit: Audit) -> None:
    for number in range(5):
        audit.put(f"../shop/part{number}.py", SWALLOWS)
    stopped = audit.run("--budget", "usd=0.05", "--parallel", "2")
    assert stopped.exit == 4, stopped.stderr
    assert "--budget usd=0.1 " in stopped.stderr.splitlines()[-1]
    spent, stored = audit.asked("SELECT total(cost) FROM calls"), audit.asked("SELECT count(*) FROM checkpoints")
    assert 0.02 < spent <= 0.05
    done = audit.run("--budget", "usd=0.10", "--parallel", "2")
    assert done.exit == 0, done.stderr
    assert summary(done).startswith(f"{11 - stored} calls, {stored} cached")  # 6 reviews, 5 findings to verify
    assert spent < audit.asked("SELECT total(cost) FROM calls") <= 0.10


@pytest.mark.parametrize("name", sorted({test.relative_to(EXAMPLES).parts[0] for test in EXAMPLES.rglob("*.test.mld")}))
def test_its_own_tests_pass(name: str) -> None:
    environ = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = run_in_process(["test", name, "-j", "1"], EXAMPLES, "", environ)
    assert done.exit == 0, done.stdout
