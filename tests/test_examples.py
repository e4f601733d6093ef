"""Every example is a project that runs offline as it is shipped, and does what it says on other input too.

How well the stand-in of the audit reviews is judged by its own tests.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.in_process import Finished, run_in_process

EXAMPLES = Path(__file__).parent.parent / "examples"
MADE = shutil.ignore_patterns(".orch", "output", "__pycache__")

LEAKS = """\
def read(path):
    file = open(path)
    return file.read()
"""
SWALLOWS = """\
def attempt(work):
    try:
        work()
    except:
        pass
"""


class Audit:
    """A copy of the audit and a package for it to look at."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.project = folder / "audit"
        self.package = folder / "shop"
        shutil.copytree(EXAMPLES / "audit", self.project, ignore=MADE)
        self.package.mkdir()
        self.put("__init__.py", "")

    def put(self, name: str, text: str) -> None:
        (self.package / name).write_text(text)

    def run(self, *words: str) -> Finished:
        environ = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
        }
        return run_in_process(["run", "audit", "--source", "../shop", *words], self.project, "", environ)

    def report(self) -> dict[str, Any]:
        """The newest findings.json."""
        found = sorted(self.project.glob("llm/output/audit/*/findings.json"))
        return dict(json.loads(found[-1].read_text()))


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path)


def summary(done: Finished) -> str:
    """The last line of stderr, without the time."""
    return done.stderr.splitlines()[-1].rpartition(",")[0]


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_an_example_is_a_project_with_a_page_that_explains_it(example: str) -> None:
    assert (EXAMPLES / example / "orch.toml").is_file()
    assert "orch run" in (EXAMPLES / example / "README.md").read_text()


def test_the_audit_finds_what_is_there(audit: Audit) -> None:
    audit.put("reader.py", LEAKS)
    audit.put("worker.py", SWALLOWS)
    done = audit.run()
    assert done.exit == 0, done.stderr
    report = audit.report()
    assert (report["package"], report["files"], report["missing"]) == ("shop", 3, [])
    found = {(finding["file"], finding["line"], finding["verdict"]) for finding in report["findings"]}
    assert found == {("shop/reader.py", 2, "confirmed"), ("shop/worker.py", 4, "confirmed")}
    assert "3 files, 2 findings: 2 confirmed, 0 needs-human" in done.stdout


def test_the_audit_asks_nothing_twice_and_only_what_changed(audit: Audit) -> None:
    audit.put("reader.py", LEAKS)
    assert audit.run().exit == 0
    before = audit.report()
    again = audit.run()
    assert (again.exit, summary(again), audit.report()) == (0, "0 calls, 3 cached", before)
    audit.put("__init__.py", SWALLOWS)
    changed = audit.run()
    assert changed.exit == 0, changed.stderr
    assert summary(changed).startswith("2 calls, 2 cached")
    assert len(audit.report()["findings"]) == 2


def test_the_audit_says_when_there_is_nothing_to_audit(audit: Audit) -> None:
    (audit.package / "__init__.py").unlink()
    done = audit.run()
    assert (done.exit, done.stdout) == (1, "")
    assert f"no Python files below {audit.package}" in done.stderr
