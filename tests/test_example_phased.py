"""The phased example: the story of its page holds, as it is written there."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from example_desk import EXAMPLES, MADE

from orchestra.cli.in_process import Finished, run_in_process


class Phased:
    """A copy of the example, and a person at the prompt."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.project = home / "phased"
        shutil.copytree(EXAMPLES / "phased", self.project, ignore=MADE)

    def orch(self, *words: str) -> Finished:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environ = {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8"}
        return run_in_process(list(words), self.project, "", environ)

    def run(self, *words: str) -> Finished:
        return self.orch("run", ".", "--run", "ph1", *words)


@pytest.fixture
def phased(tmp_path: Path) -> Phased:
    return Phased(tmp_path)


def test_the_story_of_the_page(phased: Phased) -> None:
    page = (EXAMPLES / "phased" / "README.md").read_text()
    story = re.findall(r"^orch ([^#\n]+?) *(?:#.*)?$", page.partition("```\n")[2].partition("```")[0], re.MULTILINE)
    done = [phased.orch(*line.split()) for line in story]
    assert [one.exit for one in done] == [3, 0, 0, 0], [one.stderr for one in done]
    assert done[0].stderr.endswith(
        "ph1 waits at gate consult: orch gate answer ph1 consult approve|modify|recon|abort\n"
    )
    assert done[3].stdout.startswith("# Refuse negative amounts of water\n")
    assert "ValueError" in (phased.project / "repo" / "amounts.py").read_text()
    again = phased.run("-q")
    assert (again.exit, again.stdout) == (0, done[2].stdout)
