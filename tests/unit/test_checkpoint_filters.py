"""`orch checkpoint list|clean|gc` with filters: function, phase, key, run, age, and what older code or files made."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from cli_desk import Desk

PROGRAM = """\
import { @suffix } from "./words.mld"
exe @ask(c) = template "./ask.att"
var @unit = "g"
exe llm @weigh(c) = js { return c.length + " " + unit }
exe llm @tell(c) = `@ask(@c) @suffix()`
exe llm @read(c) = `@c: <soil.md>`
var llm @total = "sum"
checkpoint "weighing"
show @weigh("fig")
show @weigh("plum")
checkpoint "telling"
show @tell("fig")
show @read("fig")
show @total
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("job.mld", PROGRAM.replace(", unit", ""))
    desk.write("job.mld", PROGRAM.replace('js { return c.length + " " + unit }', "`@c in @unit`"))
    desk.write("words.mld", 'exe @suffix() = "please"\nexport { @suffix }\n')
    desk.write("ask.att", "Tell of @c")
    desk.write("soil.md", "clay")
    assert desk.orch("job.mld", "-q") == 0, desk.err
    return desk


def listed(desk: Desk, *words: str) -> list[tuple[str, str]]:
    assert desk.orch("checkpoint", "list", "job.mld", "--json", *words) == 0, desk.err
    return [(entry["fn"].removeprefix("var:"), entry["preview"]) for entry in json.loads(desk.out)]


FIG, PLUM, TELL, READ = ("weigh", "fig"), ("weigh", "plum"), ("tell", "fig"), ("read", "fig")


def test_by_function_phase_run_and_age(desk: Desk) -> None:
    assert listed(desk, "--fn", "@weigh") == [FIG, PLUM]
    assert listed(desk, "--phase", "telling")[:2] == [TELL, READ]
    assert listed(desk, "--phase", "telling", "--fn", "tell") == [TELL]
    desk.orch("job.mld", "-q", "--new")
    assert listed(desk, "--run", "r1") == []
    assert FIG in listed(desk, "--run", "last")
    assert listed(desk, "--older-than", "1d") == []
    db = sqlite3.connect(desk.root / ".orch/store.db")
    db.execute("UPDATE checkpoints SET created = '2020-01-01T00:00:00.000Z' WHERE preview = 'plum'")
    db.commit()
    db.close()
    assert listed(desk, "--older-than", "1d") == [PLUM]
    assert desk.orch("checkpoint", "list", "job.mld", "--older-than", "soon") == 2
    assert "not a duration" in desk.err
    assert desk.orch("checkpoint", "list", "job.mld", "--run", "r9") == 2
    assert desk.err.startswith('error[E810]: there is no run "r9"')


@pytest.mark.parametrize(
    ("file", "before", "after", "stale"),
    [
        ("job.mld", "`@c in @unit`", "`@c of @unit`", [FIG, PLUM]),
        ("job.mld", '@unit = "g"', '@unit = "kg"', [FIG, PLUM]),
        ("job.mld", 'exe llm @weigh(c) =', 'exe llm @scale(c) =', [FIG, PLUM]),
        ("job.mld", 'show @weigh("fig")', '>> a comment\nshow @weigh("fig")', []),
        ("words.mld", "please", "now", [TELL]),
        ("ask.att", "Tell of", "Speak of", [TELL]),
        ("soil.md", "clay", "sand", [READ]),
        ("job.mld", 'var llm @total = "sum"', 'var llm @total = "all"', [("total", "")]),
    ],
)  # fmt: skip
def test_what_older_code_or_files_made(
    desk: Desk, file: str, before: str, after: str, stale: list[tuple[str, str]]
) -> None:
    assert listed(desk, "--stale") == []
    text = (desk.root / file).read_text()
    assert before in text
    desk.write(file, text.replace(before, after))
    assert listed(desk, "--stale") == stale


def test_a_script_that_is_gone_leaves_nothing_but_stale_answers(desk: Desk) -> None:
    (desk.root / "job.mld").unlink()
    assert len(listed(desk, "--stale")) == 5


def test_clean_puts_aside_what_is_chosen(desk: Desk) -> None:
    assert desk.orch("checkpoint", "clean", "job.mld", "--phase", "weighing") == 0
    assert desk.err == "2 results are kept until they are made again; orch checkpoint restore job.mld\n"
    desk.orch("job.mld", "-q", "--explain")
    assert [line.split("(")[0] for line in desk.err.splitlines() if line.startswith("resumed")] == [
        "resumed @weigh"
    ] * 2
    desk.write("soil.md", "sand")
    assert desk.orch("checkpoint", "clean", "job.mld", "--stale") == 0
    assert desk.err.startswith("1 result is kept")
    assert desk.orch("checkpoint", "clean", "job.mld", "--fn", "@nobody", "--phase", "weighing") == 2
    assert desk.err.startswith('error[E803]: unknown function "@nobody"')


def test_gc_drops_what_is_chosen_and_nothing_else(desk: Desk) -> None:
    desk.write("soil.md", "sand")
    assert desk.orch("checkpoint", "gc", "job.mld", "--stale", "--dry-run") == 0
    assert desk.out.splitlines()[1].split() == ["entries", "5", "4"]
    assert "nothing was dropped" in desk.err
    assert len(listed(desk)) == 5
    assert desk.orch("checkpoint", "gc", "--stale") == 0  # of all scripts
    assert READ not in listed(desk) and len(listed(desk)) == 4
    assert desk.orch("checkpoint", "gc", "job.mld", "--phase", "weighing", "--fn", "weigh") == 0
    assert {fn for fn, _ in listed(desk)} == {"tell", "total"}
    assert desk.orch("checkpoint", "gc", "job.mld", "--run", "r1", "--json") == 0
    assert json.loads(desk.out)["after"]["entries"] == 0
