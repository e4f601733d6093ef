"""`orch chaos`: what it does to the examples leaves no trace, what it would find is found, and it says how.

The thousand blows of `make chaos` are dealt by `chaos`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from chaos import examples, ordeal
from small_examples import small

from orchestra.cli.blows import FAULTS
from orchestra.cli.in_process import Finished, run_in_process

KILLS = 4  # of each example; `make chaos` deals a thousand
GARDEN = """\
import { @claude } from @orch/llm
exe llm @plan(crop) = [
  let @answer = @claude(`when to sow @crop`)
  append { crop: @crop } to "@root/plans.jsonl"
  output @answer to "@root/out/@crop\\.txt"
  => @answer
]
var @plans = for parallel(2) @c in ["fig", "plum", "kale"] => @plan(@c)
append "planned" to "@root/log.txt"
output @plans to "@mx.outDir/plans.json"
show @plans
"""
REPLIES = '{"match": {"contains": "sow"}, "reply": "in spring"}\n'


class Garden:
    """A project with one script, and `orch chaos` in it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "garden"
        self.put("orch.toml", "")
        self.put("replies.jsonl", REPLIES)

    def put(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def chaos(self, script: str, *words: str) -> Finished:
        self.put("llm/run/grow.mld", script)
        command = ["chaos", "grow", "--models", "replies.jsonl", *words]
        return run_in_process(command, self.root, "", dict(os.environ))


@pytest.fixture
def garden(tmp_path: Path) -> Garden:
    return Garden(tmp_path)


@pytest.mark.parametrize("name", examples())
def test_an_example_survives_being_killed(name: str, tmp_path: Path) -> None:
    done = ordeal(name, tmp_path, "--kills", str(KILLS), "--faults", "none", "--seed", "7")
    assert done.exit == 0, done.stdout + done.stderr
    assert f"{KILLS}/{KILLS} kill points: same output, 0 repeated calls\n" in done.stdout
    untouched, _ = small(name, tmp_path / "untouched")
    assert found(tmp_path / name) == found(untouched.project)


def found(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_every_fault_is_survived(garden: Garden) -> None:
    done = garden.chaos(GARDEN, "--kills", "3", "--seed", "3")
    assert done.exit == 0, done.stdout + done.stderr
    undisturbed, kills, faults = done.stdout.splitlines()
    assert re.fullmatch(r"undisturbed: \d+ events, 3 calls, 6 files", undisturbed)
    assert kills == "3/3 kill points: same output, 0 repeated calls"
    assert faults == f"{2 * len(FAULTS)}/{2 * len(FAULTS)} faults: same output, 0 repeated calls"


ASKING = """\
exe llm @plan(crop) = `plan @crop`
var @plans = for parallel(2) @c in ["fig", "plum"] => @plan(@c)
gate "sow" with { present: @plans, options: ["yes", "no"] }
append "sown" to "@root/log.txt"
show @plans
"""


@pytest.mark.parametrize(("answer", "files"), [([], 0), (["--answer", "sow=yes"], 1)])
def test_a_run_that_asks_a_person_asks_the_same_again(garden: Garden, answer: list[str], files: int) -> None:
    done = garden.chaos(ASKING, *answer, "--kills", "6", "--faults", "page,wal,term", "--seed", "3")
    assert done.exit == 0, done.stdout + done.stderr
    undisturbed, *rest = done.stdout.splitlines()
    assert undisturbed.endswith(f" 2 calls, {files} files")
    assert rest == [
        "6/6 kill points: same output, 0 repeated calls",
        "6/6 faults: same output, 0 repeated calls",
    ]


def test_a_signal_at_any_event_ends_a_run_in_order(garden: Garden) -> None:
    script = "exe llm @plan(crop) = `plan @crop`\n"
    script += 'var @plans = for parallel(2) @c in ["fig", "plum"] => @plan(@c)\nshow @plans\n'
    blows = [f"{signal}@{event}" for event in range(1, 16) for signal in ("TERM", "INT")]
    done = garden.chaos(script, *(word for blow in blows for word in ("--only", blow)))
    assert done.exit == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "undisturbed: 15 events, 2 calls, 0 files",
        "30/30 faults: same output, 0 repeated calls",
    ]


def test_a_script_that_does_not_take_it_is_told_with_the_blow_that_hurt(garden: Garden) -> None:
    counting = 'var @n = sh { echo x >> count; wc -l < count }\nshow "counted"\nshow @n\n'
    done = garden.chaos(counting, "--only", "KILL@2")
    assert done.exit == 1
    assert done.stdout.splitlines()[1:] == [
        "KILL@2: stdout differs",
        "    --- undisturbed",
        "    +++ found",
        "    @@ -1,2 +1,2 @@",
        "     counted",
        "    -1",
        "    +2",
        "  count differs",
        "    --- undisturbed",
        "    +++ found",
        "    @@ -1 +1,2 @@",
        "     x",
        "    +x",
        "  once more: orch chaos grow --models replies.jsonl --only KILL@2",
        "0/1 kill points: see above",
    ]


def test_files_that_are_not_to_be_compared(garden: Garden) -> None:
    noting = 'run sh { echo x >> trace.log }\nshow "done"\n'
    assert garden.chaos(noting, "--only", "KILL@3").exit == 1
    done = garden.chaos(noting, "--only", "KILL@3", "--ignore", "*.log")
    assert (done.exit, done.stdout.splitlines()[-1]) == (0, "1/1 kill points: same output, 0 repeated calls")


def test_what_other_programs_make_again_is_not_compared(garden: Garden) -> None:
    compiling = 'run sh { mkdir -p lib/__pycache__; echo x >> lib/__pycache__/a.pyc }\nshow "done"\n'
    done = garden.chaos(compiling, "--only", "KILL@3")
    assert (done.exit, done.stdout.splitlines()[-1]) == (0, "1/1 kill points: same output, 0 repeated calls")


def test_a_script_that_is_never_the_same_is_no_subject(garden: Garden) -> None:
    done = garden.chaos("var @n = sh { date +%N }\nshow @n\n", "--kills", "1")
    assert done.exit == 2
    assert "stdout differs" in done.stdout
    assert "error[E813]: two undisturbed runs differ from each other" in done.stderr


def test_a_script_that_fails_by_itself_is_no_subject(garden: Garden) -> None:
    done = garden.chaos('throw "no"\n', "--kills", "1")
    assert done.exit == 2
    assert "error[E813]: the script does not come to its end undisturbed (exit 1)" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "KICK@3"], '"KICK@3" is no strike'),
        (["--only", "page"], '"page" is no strike'),
        (["--only", "flood:KILL@3"], '"flood:KILL@3" is no blow'),
        (["--only", "INT@3+2"], '"INT@3+2" is no strike'),
        (["--faults", "disk,flood"], 'unknown fault "flood"'),
    ],
)
def test_what_is_no_blow(garden: Garden, words: list[str], message: str) -> None:
    done = garden.chaos('show "x"\n', *words)
    assert (done.exit, done.stdout) == (2, "")
    assert f"error[E810]: {message}" in done.stderr


def test_a_run_strikes_itself_only_if_it_is_told_to(garden: Garden) -> None:
    garden.put("llm/run/grow.mld", 'show "x"\n')
    done = run_in_process(["run", "grow"], garden.root, "", {**os.environ, "ORCH_CHAOS": "at noon"})
    assert done.exit == 2 and 'error[E810]: "at noon" is no strike' in done.stderr
    done = run_in_process(["run", "grow"], garden.root, "", {**os.environ, "ORCH_CHAOS": ""})
    assert (done.exit, done.stdout) == (0, "x\n")


def test_events_tell_what_was_stored_and_written(garden: Garden) -> None:
    garden.put("llm/run/grow.mld", GARDEN)
    done = run_in_process(["run", "grow", "--models", "replies.jsonl", "--json"], garden.root, "", dict(os.environ))
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    stored = [one for one in told if one["event"] == "call:stored"]
    assert [one["fn"] for one in stored] == ["plan"] * 3
    assert {(one["path"], one["mode"]) for one in told if one["event"] == "write"} >= {
        ("plans.jsonl", "append"),
        ("out/fig.txt", "output"),
        ("log.txt", "append"),
    }
