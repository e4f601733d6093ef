"""The conductor's example: the story of its page holds, as it is written there."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from example_desk import EXAMPLES, Copy, endpoint

from orchestra.cli.in_process import Finished

ANSWERS = ("plan=approve", "design:summarization=request", "route:extraction=yes", "route:cross-file-analysis=always")
DECIDED = """SELECT task_summary, routed_to, reason, dag_test_result, total_tokens_local, tokens_saved, claude_tokens
             FROM routing_log ORDER BY rowid"""
JUDGED = "SELECT ensemble, invocation_number, phase, score, reasoning, output FROM evaluations ORDER BY rowid"


class Conductor(Copy):
    """A copy of the example, and a person at the prompt."""

    def __init__(self, home: Path) -> None:
        super().__init__("conductor", home)

    def run(self, *words: str, **more: str) -> Finished:
        return self.orch("run", ".", "--run", "co1", "--seed", "1", *words, **more)

    def answered(self) -> Finished:
        return self.run("-q", *(word for answer in ANSWERS for word in ("--answer", answer)))

    def rows(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.project / ".orch/store.db")) as store:
            return store.execute(sql).fetchall()


@pytest.fixture
def conductor(tmp_path: Path) -> Conductor:
    return Conductor(tmp_path)


def test_the_story_of_the_page(conductor: Conductor) -> None:
    page = (EXAMPLES / "conductor" / "README.md").read_text()
    story = re.findall(r"^orch ([^#\n]+?) *(?:#.*)?$", page.partition("```\n")[2].partition("```")[0], re.MULTILINE)
    done = [conductor.orch(*line.split()) for line in story]
    assert [one.exit for one in done] == [3, 0, 3, 0, 0, 0, 0, 0], [one.stderr for one in done]
    assert done[0].stderr.endswith("co1 waits at gate plan: orch gate answer co1 plan approve|modify|abort\n")
    assert "PUT should replace" in done[6].stdout
    assert done[7].stdout.startswith("Done: 4 of 6 sub-tasks handled locally\nLocal tokens: 1944\n")
    again = conductor.run("-q")
    assert (again.exit, again.stdout) == (0, done[6].stdout)
    assert len(conductor.rows(DECIDED)) == 6


def test_models_behind_an_address_make_no_difference_but_their_answers(conductor: Conductor, tmp_path: Path) -> None:
    far = Conductor(tmp_path / "far")
    with endpoint(far.project / "script.jsonl") as base:
        server = f'type = "openai"\nbase = "{base}/v1"\nkey = "none"\n'
        settings = f'[llm]\nprovider = "large"\n[llm.providers.large]\n{server}[llm.providers.local]\n{server}'
        (far.project / "orch.toml").write_text(settings)
        there = far.answered()
    here = conductor.answered()
    assert (there.exit, there.stdout) == (here.exit, here.stdout) == (0, here.stdout), there.stderr
    assert far.rows(DECIDED) == conductor.rows(DECIDED)
    assert far.rows(JUDGED) == conductor.rows(JUDGED)
