"""The prose example: its page is true to the letter, a killed run goes on, and a server changes nothing."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from example_desk import EXAMPLES, Copy, endpoint, summary

from orchestra.cli.in_process import run_in_process

KEPT = (
    "SELECT label, agent, state, attempts FROM sessions",
    "SELECT number, prompt, summary FROM session_segments ORDER BY number",
    "SELECT source, value, evidence FROM predicates ORDER BY seq",
    "SELECT kind, in_hash, out_hash FROM transforms ORDER BY in_tokens",
)
FAR = '[llm]\nprovider = "far"\njudge = "haiku"\n\n[llm.providers.far]\ntype = "openai"\nbase = "{}/v1"\nkey = "none"\n'
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def kept(copy: Copy) -> list[list[tuple[object, ...]]]:
    """What the store knows of sessions, memory and decisions."""
    with sqlite3.connect(copy.project / ".orch" / "store.db") as store:
        return [store.execute(sql).fetchall() for sql in KEPT]


@pytest.fixture
def prose(tmp_path: Path) -> Copy:
    return Copy("prose", tmp_path)


def test_the_story_can_be_followed_by_hand(prose: Copy) -> None:
    page = (EXAMPLES / "prose" / "README.md").read_text()
    prose.put("story.test.txt", "\n".join(CONSOLE.findall(page)))
    prose.put("story.replies.jsonl", (EXAMPLES / "prose" / "script.jsonl").read_text())
    done = run_in_process(["test", "story.test.txt", "-j", "1"], prose.project, "", {"PATH": "/usr/bin:/bin"})
    assert done.exit == 0, done.stdout


def test_a_killed_run_goes_on_and_asks_nothing_twice(prose: Copy) -> None:
    stored = prose.killed(6)
    done = prose.run()
    assert done.exit == 0, done.stderr
    assert stored.items() <= prose.stored().items()
    assert summary(prose.run()) == "0 calls, 11 cached"


def test_without_agreement_there_is_no_report(prose: Copy) -> None:
    done = prose.run("--rounds", "1")
    assert (done.exit, done.stdout) == (1, "")
    assert "the reviewers do not agree: orch run prose --rounds 8 goes on" in done.stderr
    assert summary(prose.run()).startswith("3 calls, 8 cached")


def test_a_model_behind_an_address_makes_no_difference_but_its_answers(prose: Copy, tmp_path: Path) -> None:
    far = Copy("prose", tmp_path / "far")
    with endpoint(far.project / "script.jsonl") as base:
        far.put("orch.toml", FAR.format(base))
        there = far.run("-q")
    here = prose.run("-q")
    assert (there.exit, there.stdout) == (here.exit, here.stdout), there.stderr
    assert kept(far) == kept(prose)
