"""`orch plan`: what it counts, what it leaves open, and that it leaves everything as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_desk import Desk

RATE = "exe llm @rate(crop) = js { return 'good ' + crop }\n"
MODEL = "import { @haiku } from @orch/llm\nexe llm @rate(crop) = @haiku(`Rate @crop.`)\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("replies.jsonl", '{"reply": "fine", "times": 1000}\n')
    return desk


def planned(desk: Desk, script: str, *words: str) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    desk.write("llm/run/job.mld", script)
    assert desk.orch("plan", "job", "--json", *words) == 0, desk.err
    data = json.loads(desk.out)
    names = ("cached", "stale", "new", "depends")
    return {f"{line['phase']} {line['function']}": tuple(line[name] for name in names) for line in data["calls"]}, data[
        "open"
    ]


def files(desk: Desk) -> set[Path]:
    """All but what SQLite makes beside a database that somebody reads."""
    return {path for path in desk.root.rglob("*") if path.suffix not in (".db-shm", ".db-wal")}


def figures(desk: Desk) -> list[Any]:
    return [line["each"] for line in json.loads(desk.out)["calls"]]


def test_after_half_a_run(desk: Desk) -> None:
    script = RATE + f"var @list = {list(range(100))}\nvar @n = @payload.n * 1\n"
    script += "var @all = for parallel @i in @list.slice(0, @n) => @rate(@i)\nshow @all.length\n"
    desk.write("llm/run/job.mld", script)
    assert desk.orch("run", "job", "--n", "47", "-q") == 0, desk.err
    assert planned(desk, script, "--n", "100") == ({"None rate": (47, 0, 53, 0)}, [])


def test_nothing_is_asked_done_or_written(desk: Desk) -> None:
    script = (
        MODEL + 'run cmd { touch made }\nvar @a = @rate("fig")\nshow @a\nlog @a\noutput @a to "a.txt"\n'
        'append @a to "b.txt"\nvar @c = js { return 1 }\nshow @rate(@mx.outDir)\nvar @d = @rate(@c)\n'
    )
    calls, open = planned(desk, script, "--models", "replies.jsonl")
    assert calls == {"None rate": (0, 0, 2, 1)}
    assert open == []
    assert sorted(path.name for path in desk.root.iterdir()) == ["llm", "orch.toml", "replies.jsonl"]
    assert not (desk.root / "llm/output").exists()
    desk.orch("run", "job", "--models", "replies.jsonl", "-q")
    store = desk.root / ".orch/store.db"
    before = store.read_bytes(), files(desk)
    assert planned(desk, script, "--models", "replies.jsonl") == ({"None rate": (2, 0, 0, 1)}, [])
    assert (store.read_bytes(), files(desk)) == before


def test_older_code_and_what_is_to_be_made_again(desk: Desk) -> None:
    script = RATE + 'show @rate("fig")\nshow @rate("plum")\n'
    desk.write("llm/run/job.mld", script)
    desk.orch("run", "job", "-q")
    assert planned(desk, script, "--resume", '@rate("plum")')[0] == {"None rate": (1, 1, 0, 0)}
    assert planned(desk, script)[0] == {"None rate": (2, 0, 0, 0)}
    edited = script.replace("good", "poor")
    assert planned(desk, edited)[0] == {"None rate": (0, 2, 0, 0)}
    assert planned(desk, edited, "--stale", "use")[0] == {"None rate": (2, 0, 0, 0)}
    assert planned(desk, script, "--new")[0] == {"None rate": (0, 2, 0, 0)}


def test_an_equal_call_is_one_call(desk: Desk) -> None:
    assert planned(desk, RATE + 'show @rate("fig")\nshow @rate("fig")\n')[0] == {"None rate": (0, 0, 1, 0)}


@pytest.mark.parametrize(
    "statement",
    [
        'if @a == "x" [ show @rate(2) ] else [ show @rate(3) ]',
        "if @a > 3 [ show @rate(2) ]",
        "if !@a [ show @rate(2) ]",
        "if @a == @a [ show @rate(2) ]",
        'when @a [ "x" => show @rate(2); * => show @rate(3) ]',
        "for @b in @a.items [ show @rate(2) ]",
        "show @choose(@a)",
        "try [ show @a.trim() ] catch @e [ show @rate(3) ]",
        "var @all = for parallel @i in [1, 2] [ if @a == @i [ => @rate(2) ] ]",
    ],
)
def test_no_branch_is_guessed(desk: Desk, statement: str) -> None:
    choose = 'exe @choose(v) = when [ @v == "x" => @rate(2); * => @rate(3) ]\n'
    calls, open = planned(desk, RATE + choose + f"var @a = @rate(1)\n{statement}\nshow @rate(9)\n")
    assert calls == {"None rate": (0, 0, 2, 0)}
    assert len(open) == 1
    assert open[0].startswith("llm/run/job.mld:")


def test_a_statement_that_cannot_be_told_leaves_its_variable_open(desk: Desk) -> None:
    calls, open = planned(desk, RATE + "var @a = @rate(1)\nvar @b = @a.items[0]\nshow @rate(@b)\n")
    assert calls == {"None rate": (0, 0, 1, 1)}
    assert len(open) == 1


def test_every_item_is_counted(desk: Desk) -> None:
    body = '[ let @r = @rate(@i)\n if @r == "x" [ => @rate("again") ]\n => @r ]'
    calls, open = planned(desk, RATE + f"var @all = for parallel @i in [1, 2, 3, 4, 5, 6] {body}\nshow @all\n")
    assert calls == {"None rate": (0, 0, 6, 0)}
    assert len(open) == 1


def test_figures(desk: Desk) -> None:
    planned(desk, MODEL + 'show @rate("fig")\n')
    (each,) = figures(desk)
    assert each["tokens"][0] == len("Rate fig.") // 4
    assert 0 < each["cost"][0] < each["cost"][1]
    desk.orch("run", "job", "--models", "replies.jsonl", "-q")
    planned(desk, MODEL + 'show @rate("plum")\n', "--models", "replies.jsonl")
    (each,) = figures(desk)
    assert 0 < each["tokens"][0] == each["tokens"][1] < 100
    assert desk.orch("plan", "job") == 0
    assert desk.out.split()[:8] == ["phase", "function", "cached", "stale", "new", "depends", "tokens", "cost"]


def test_an_error_of_the_script_is_one_of_the_plan(desk: Desk) -> None:
    desk.write("llm/run/job.mld", RATE + "show @nobody\n")
    assert desk.orch("plan", "job") == 1
    assert desk.err.startswith("error[E201]")
    assert desk.orch("plan", "nowhere") == 2
    assert desk.orch("plan") == 2
    desk.write("llm/run/job.mld", "show 1\n")
    assert desk.orch("plan", "job") == 0
    assert desk.out == "no labelled calls\n"
    assert desk.orch("plan", "--help") == 0
