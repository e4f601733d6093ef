"""The prose example: its page is true to the letter, and a killed run goes on where it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from example_desk import EXAMPLES, Copy, summary

from orchestra.cli.in_process import run_in_process

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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
