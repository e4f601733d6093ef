"""`orch checkpoint import`: answers kept by mlld are served once for calls that were never made here."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cli_desk import Desk

FOLDER = ".mlld/checkpoints/shelf"
PROGRAM = """\
exe llm @weigh(crop) = js { console.error("asked " + crop); return crop.length }
exe llm @sum(ns) = js { console.error("summed"); return 0 }
show @weigh("fig")
show @weigh(7)
show @sum([3, 4])
"""


def name(fn: str, args: list[Any]) -> str:
    text = json.dumps({"args": args, "fn": fn}, separators=(",", ":"), sort_keys=True)
    return sha256(text.encode()).hexdigest()


def keep(desk: Desk, fn: str, args: list[Any], value: Any, ts: Any = "2024-05-06T07:08:09.000Z") -> None:
    key = name(fn, args)
    line = {"key": key, "fn": fn, "argsPreview": str(args[0]), "ts": ts, "durationMs": 3, "invocationIndex": 0}
    index = desk.root / FOLDER / "llm-cache.jsonl"
    before = index.read_text() if index.exists() else ""
    desk.write(f"{FOLDER}/llm-cache.jsonl", before + json.dumps(line) + "\n")
    desk.write(f"{FOLDER}/results/{key}.json", json.dumps({"value": value}))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("llm/run/shelf.mld", PROGRAM)
    return desk


def test_answers_are_accepted_once(desk: Desk) -> None:
    keep(desk, "weigh", ["fig"], 33)
    keep(desk, "weigh", ["7"], "seven")
    keep(desk, "sum", [[3, 4]], {"total": 7}, ts=1714979289000)
    assert desk.orch("checkpoint", "import", FOLDER) == 0
    assert desk.out == "3 results for llm/run/shelf.mld\n"
    desk.orch("checkpoint", "list", "shelf")
    assert desk.out.count("| imported\n") == 3
    assert desk.orch("run", "shelf", "-q") == 0
    assert desk.out == '33\nseven\n{"total": 7}\n'
    assert desk.err.splitlines() == [
        f"imported answers of @{fn} are accepted, whatever code they were made by" for fn in ("weigh", "sum")
    ]
    desk.orch("checkpoint", "list", "shelf")
    assert "imported" not in desk.out
    assert "Total: 3" in desk.out
    assert desk.orch("run", "shelf", "-q") == 0
    assert desk.err == ""
    desk.orch("sql", "SELECT first_arg, created, hits FROM checkpoints WHERE fn = 'weigh'")
    assert desk.out.splitlines()[0] == '"fig"|2024-05-06T07:08:09.000Z|2'
    desk.write("llm/run/shelf.mld", PROGRAM.replace("crop.length", "crop.length + 1"))
    desk.orch("run", "shelf", "-q")
    assert "asked fig" in desk.err


def test_other_arguments_are_asked(desk: Desk) -> None:
    keep(desk, "weigh", ["plum"], 4)
    assert desk.orch("checkpoint", "import", FOLDER, "shelf", "--json") == 0
    assert json.loads(desk.out) == {"script": "llm/run/shelf.mld", "imported": 1, "unusable": 0}
    assert desk.orch("run", "shelf", "-q") == 0
    assert desk.err.splitlines() == ["asked fig", "asked 7", "summed"]


def test_what_is_to_be_made_again_is_not_accepted(desk: Desk) -> None:
    keep(desk, "weigh", ["fig"], 33)
    desk.orch("checkpoint", "import", FOLDER)
    assert desk.orch("run", "shelf", "-q", "--resume", "@weigh") == 0
    assert desk.out.splitlines()[0] == "3"


def test_the_last_line_counts_and_broken_ones_are_told(desk: Desk) -> None:
    keep(desk, "weigh", ["fig"], 1)
    keep(desk, "weigh", ["fig"], 2)
    keep(desk, "weigh", ["7"], "  ")  # no answer
    index = desk.root / FOLDER / "llm-cache.jsonl"
    index.write_text(index.read_text() + '{"key": "../../x", "fn": "weigh"}\n[]\n{"key": "ab')
    assert desk.orch("checkpoint", "import", FOLDER) == 0
    assert desk.out == "1 results for llm/run/shelf.mld, 4 could not be used\n"
    desk.orch("run", "shelf", "-q")
    assert desk.out.splitlines()[0] == "2"


def test_no_such_folder_and_no_such_script(desk: Desk) -> None:
    assert desk.orch("checkpoint", "import", "nowhere") == 2
    assert desk.err.startswith('error[E811]: script "nowhere" not found')
    assert desk.orch("checkpoint", "import", "nowhere", "shelf") == 2
    assert "cannot read" in desk.err
    assert not (desk.root / ".orch").exists()


@pytest.mark.parametrize("harm", ["binary", "half", "no results", "index is a folder", "a value cut off", "lists"])
def test_a_damaged_folder_is_taken_as_far_as_it_goes(desk: Desk, harm: str) -> None:
    folder = desk.root / ".mlld/checkpoints/job"
    index = folder / "llm-cache.jsonl"
    desk.write("llm/run/job.mld", "show 1")
    keys = [f"sha256:{number:064x}" for number in (1, 2)]
    desk.write(str(index), "".join(json.dumps({"key": key, "fn": "ask", "argsPreview": "x"}) + "\n" for key in keys))
    for key in keys:
        desk.write(str(folder / "results" / f"{key}.json"), json.dumps({"value": "good"}))
    said = {"binary": 1, "half": 1, "no results": 2, "a value cut off": 1, "lists": 1}.get(harm)
    if harm == "binary":
        index.write_bytes(index.read_bytes().splitlines(keepends=True)[0] + b"\xff\xfe\0" * 20 + b"\n")
    if harm == "half":
        index.write_bytes(index.read_bytes()[:-20])
    if harm == "no results":
        for file in (folder / "results").iterdir():
            file.unlink()
    if harm == "index is a folder":
        index.unlink()
        index.mkdir()
    if harm in ("a value cut off", "lists"):
        (folder / "results" / f"{keys[0]}.json").write_text('{"value": "go' if harm == "a value cut off" else "[1]")
    code = desk.orch("checkpoint", "import", str(folder))
    if said is None:
        assert code == 2
        assert desk.err.startswith("error[E810]: cannot read ") and "is a directory" in desk.err
        assert not (desk.root / ".orch").exists()
    else:
        assert code == 0, desk.err
        assert desk.out == f"{2 - said} results for llm/run/job.mld, {said} could not be used\n"
