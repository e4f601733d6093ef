"""README.md tells the truth: its programs and commands run, one after the other, in one scratch project.

A block whose info string has a second word is a file of that name. `sh` blocks are what a person types, other
`mld` blocks are programs, and an `output` block is all that the block before it shows, durations aside. Other
blocks are there to be read.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestra.cli import COMMANDS
from orchestra.cli.dispatch import dispatch
from orchestra.cli.shell import Shell

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DURATION = re.compile(r"\b\d+\.\d s\b")
PLAIN = ("echo ", "sed ")  # commands that the shell may run here


@dataclass
class Project:
    """A folder in which the commands of the README are typed, with one stream for all they show."""

    folder: Path

    def type(self, line: str) -> str:
        """What a line shows. Lines about the checkout and the shell itself are left out."""
        if line.startswith("orch "):
            return self.orch(*shlex.split(line)[1:])
        if line.startswith(PLAIN):
            subprocess.run(line, shell=True, cwd=self.folder, check=True)
        else:
            assert line.startswith(("make ", "export PATH=")), line
        return ""

    def orch(self, *words: str) -> str:
        screen = io.StringIO()
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder.parent)}
        exit = dispatch(words, Shell(io.StringIO(), screen, screen, environ, self.folder))
        assert exit == 0, screen.getvalue()
        return screen.getvalue()

    def put(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def shown_by(self, kind: str, text: str) -> str:
        """What a program or the lines of a terminal show."""
        if kind == "sh":
            return "".join(self.type(line) for line in text.splitlines())
        self.put("example.mld", text)
        return self.orch("example.mld")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.put("orch.toml", "")
    return made


def test_what_is_shown_is_what_happens(project: Project) -> None:
    shown = ""
    for kind, name, text in BLOCK.findall(README):
        if name:
            project.put(name, text)
        elif kind in ("sh", "mld"):
            shown = project.shown_by(kind, text)
        elif kind == "output":
            assert DURATION.sub("… s", shown) == DURATION.sub("… s", text)


def test_every_block_has_a_kind_that_is_known() -> None:
    fences = re.findall(r"^```(\w.*)$", README, re.MULTILINE)
    assert len(fences) == len(BLOCK.findall(README))
    assert {fence for fence in fences if " " not in fence} <= {"mld", "output", "sh", "text", "toml"}


def test_the_two_commands_come_first() -> None:
    assert BLOCK.findall(README)[0][2].splitlines() == ["make demo", "make test"]


def test_make_has_the_targets_that_are_named() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)) <= targets


def test_the_table_of_commands_is_complete() -> None:
    bundled = {file.parent.name for file in (ROOT / "stdlib").glob("*/commands.mld")}
    assert set(re.findall(r"^\| `orch ([a-z-]+)", README, re.MULTILINE)) == COMMANDS.keys() | bundled


def test_links_lead_somewhere() -> None:
    assert [link for link in re.findall(r"\]\(([\w./]+)\)", README) if not (ROOT / link).exists()] == []
