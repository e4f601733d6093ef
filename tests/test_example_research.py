"""The research example: what contradicts itself is found, what is measured counts, and nothing is read twice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from example_desk import Copy, summary
from small_examples import COUNT, LETTER, QUESTION, SURVEY


class Research(Copy):
    """The example, and a small library of its own."""

    def __init__(self, home: Path) -> None:
        super().__init__("research", home)
        self.put("pond.md", QUESTION)

    def on_the_pond(self) -> tuple[str, ...]:
        return ("--library", "pond", "--question", "pond.md")

    def verdicts(self, version: int) -> dict[str, str]:
        found = [json.loads(path.read_text()) for path in (self.made / "verdicts" / str(version)).iterdir()]
        return {one["id"]: one["verdict"] for one in found}

    def section(self, title: str) -> str:
        page = (self.made / "report.md").read_text()
        return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def research(tmp_path: Path) -> Research:
    return Research(tmp_path)


def test_every_planted_contradiction_is_found_and_worked_out_again(research: Research) -> None:
    done = research.run()
    assert done.exit == 0, done.stderr
    planted = {"cost", "energy-2023", "accidents-2023", "moths-2023", "burglaries", "satisfied-2023"}
    sound = {"replaced", "energy-2021", "accidents-2021"}
    assert research.verdicts(1) == dict.fromkeys(planted, "contradicted") | dict.fromkeys(sound, "confirmed")
    assert research.verdicts(2) == dict.fromkeys(planted - {"burglaries"} | sound, "confirmed")
    known = research.section("What is known")
    assert re.search(r"\*\*The replacement cost 1\.62 million euros.*\n+.*\n.*works-account\.md:13", known)
    assert "**Measurements differ: 12 % (garden-club.md), 38 % (moth-study.md).**" in known
    assert "burglaries: nobody has measured it" in research.section("What nobody knows")
    assert "brochure.md: does not name Velm" in research.section("Documents that were left out")
    again = research.run()
    assert (again.exit, summary(again)) == (0, "0 calls, 1 cached")


def test_a_document_that_comes_later_is_read_alone_and_may_upset_the_answer(research: Research) -> None:
    research.put("pond/survey.md", SURVEY)
    first = research.run(*research.on_the_pond())
    assert first.exit == 0, first.stderr
    assert [path.name for path in (research.made / "synthesis").iterdir()] == ["1.json"]
    assert "frogs: no document gives a figure" in research.section("What nobody knows")
    assert "Nothing: every claim stood at once." in research.section("What was claimed and did not survive")

    research.put("pond/letter.md", LETTER)
    research.put("pond/count.md", COUNT)
    done = research.run(*research.on_the_pond())
    assert done.exit == 0, done.stderr
    assert "ask survey.md" not in done.stderr
    assert done.stderr.count("ask count.md") == 2  # the gate turned a quotation over the end of a line down
    assert "letter.md:4" in research.section("What is known")
    assert "40 frogs were counted on one evening" in research.section("What is known")


def test_a_killed_run_goes_on_and_asks_nothing_twice(research: Research) -> None:
    research.put("pond/survey.md", SURVEY)
    stored = research.killed(3, *research.on_the_pond())
    done = research.run(*research.on_the_pond())
    assert done.exit == 0, done.stderr
    assert stored.items() <= research.stored().items()
    assert "3 metres deep" in research.section("What is known")


def test_rounds_are_bounded(research: Research) -> None:
    research.put("pond/survey.md", SURVEY)
    done = research.run(*research.on_the_pond(), "--rounds", "2")
    assert done.exit == 1
    assert "not complete after 2 rounds" in done.stderr
