"""The phased example: the story of its page holds, as it is written there."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from example_desk import EXAMPLES, Copy, endpoint

from orchestra.cli.in_process import Finished


class Phased(Copy):
    """A copy of the example, and a person at the prompt."""

    def __init__(self, home: Path) -> None:
        super().__init__("phased", home)

    def run(self, *words: str, **more: str) -> Finished:
        return self.orch("run", ".", "--run", "ph1", *words, **more)

    def made(self) -> dict[str, str]:
        """What agents and interpreter have written, by path."""
        found = [path for name in (".agent", "repo") for path in (self.project / name).rglob("*") if path.is_file()]
        texts = {path.relative_to(self.project): path.read_text() for path in found if path.suffix != ".pyc"}
        return {str(path): text for path, text in texts.items()}

    def rows(self) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.project / ".orch/store.db")) as store:
            chosen = "SELECT id, phase, target, agent, status, prompt_full, result FROM dispatches ORDER BY id"
            return store.execute(chosen).fetchall()


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


def test_a_model_behind_an_address_makes_no_difference_but_its_answers(phased: Phased, tmp_path: Path) -> None:
    far = Phased(tmp_path / "far")
    with endpoint(far.project / "script.jsonl") as base:
        settings = (
            f'[llm]\nprovider = "far"\n\n[llm.providers.far]\ntype = "openai"\nbase = "{base}/v1"\nkey = "none"\n'
        )
        (far.project / "orch.toml").write_text(settings)
        there = [far.run("-q"), far.orch("gate", "answer", "ph1", "consult", "approve"), far.run("-q")]
    here = [phased.run("-q"), phased.orch("gate", "answer", "ph1", "consult", "approve"), phased.run("-q")]
    assert [(one.exit, one.stdout) for one in there] == [(one.exit, one.stdout) for one in here]
    assert far.made() == phased.made()
    assert far.rows() == phased.rows()
