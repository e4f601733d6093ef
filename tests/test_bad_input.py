"""What goes wrong around a script: each fault has one clear error, the right exit code, and loses nothing.

Faults in the language of a script are cases; the project and its model are in `process_desk`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from process_desk import Finished, Project

from orchestra.cli.in_process import run_in_process
from orchestra.errors import OrchError
from orchestra.store import Checkpoints

HEAD = "import { @claude } from @orch/llm\nexe llm @ask(n) = @claude(`ask @n`)\n"
ASK = HEAD + "show @ask(1)\n"
HANGS = "import time\ntime.sleep(60)\n"
DIES = "import sys\nprint('no key', file=sys.stderr)\nsys.exit(3)\n"


@dataclass
class Fault:
    """A script, what lies around it, and the lines of the error that name it."""

    script: str
    exit: int
    said: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    words: tuple[str, ...] = ("run", "job")


FAULTS = {
    "unknown script": Fault(
        "show 1\n",
        2,
        [
            "Available scripts:",
            "  job",
            'error[E811]: script "jop" not found',
            "   = help: did you mean orch run job?",
        ],
        words=("run", "jop"),
    ),
    "syntax error": Fault("show 1\nvar @x = )\n", 2, ["  --> llm/run/job.mld:2:10"]),
    "missing template": Fault(
        'exe @t(x) = template "./t.att"\nshow @t(1)\n', 2, ["error[E401]: file not found: ./t.att"]
    ),
    "a file that is not text": Fault(
        "show <./bin.dat>\n",
        1,
        [
            "error[E403]: ./llm/run/bin.dat is not text: byte 2 (0xff) is not valid UTF-8",
            "   = help: only UTF-8 text can be loaded; convert the file, or let a command read it",
        ],
        {"llm/run/bin.dat": b"\0\1\xff\xfe"},
    ),
    "a model that answers nonsense": Fault(
        ASK,
        1,
        ["error[E718]: program: the program printed something that is not JSON: what?"],
        {"fault": b"what?"},
    ),
    "a model that answers nothing": Fault(
        ASK, 1, ["error[E717]: the model answered nothing"], {"fault": b'{"content": ""}'}
    ),
    "a program that dies": Fault(
        ASK,
        1,
        ["error[E718]: program: the program exited with 3", "   = note: stderr: no key"],
        {"model.py": DIES.encode()},
    ),
    "a program that hangs": Fault(
        ASK,
        1,
        ["error[E706]: program: the program gave no answer within 0.2 s"],
        {"model.py": HANGS.encode()},
    ),
    "an output folder that cannot be": Fault(
        "show @mx.outDir\n",
        1,
        ["error[E420]: cannot make the output folder in llm/output: not a directory"],
        {"llm/output": b"a file"},
    ),
    "a stored folder that is in the way": Fault(
        ASK,
        1,
        [
            "error[E806]: the store cannot be used: ROOT/.orch/store.db: File exists",
            "   = help: make it writable, or run with --no-checkpoint",
        ],
        {".orch": b"a file"},
    ),
}


def run(project: Project, *words: str) -> Finished:
    done = run_in_process(words or ("run", "job"), project.root, "", project.environ())
    return Finished(done.exit, done.stdout, done.stderr.replace(str(project.root), "ROOT"))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_and_placed(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    project = Project(tmp_path / "p", fault.script)
    settings = (project.root / "orch.toml").read_text()
    project.put("orch.toml", settings + "timeout = 0.2\n" if "hangs" in name else settings)
    for path, content in fault.files.items():
        (project.root / path).write_bytes(content)
    done = run(project, *fault.words)
    lines = done.err.splitlines()
    assert [line for line in fault.said if line not in lines] == [], done.err
    assert (done.exit, done.out) == (fault.exit, "")
    assert project.stored() == set() and project.programs() == []


def test_an_empty_pattern_is_an_empty_list(tmp_path: Path) -> None:
    project = Project(
        tmp_path / "p", HEAD + "var @r = for parallel(4) @x in <./none/*.py> => @ask(@x)\nshow @r.length\n"
    )
    assert (run(project).exit, run(project).out) == (0, "0\n")
    assert not (project.root / ".orch/store.db").exists()


def test_a_damaged_store_is_kept_and_a_new_one_begun(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", ASK)
    project.put(".orch/store.db", "this is no database, but it is long enough to have a header" * 4)
    done = run(project)
    assert (done.exit, done.out) == (0, "ask 1: 5\n")
    assert "the store was damaged and is kept as store.db.damaged-" in done.err
    assert len(list((project.root / ".orch").glob("store.db.damaged-*"))) == 1


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", ASK)
    (project.root / ".orch").mkdir()
    raw = sqlite3.connect(project.root / ".orch/store.db")
    raw.execute("CREATE TABLE theirs (x)")
    raw.close()
    before = (project.root / ".orch/store.db").read_bytes()
    done = run(project)
    assert done.exit == 1 and project.asked() == []
    assert "error[E806]: the store cannot be used: ROOT/.orch/store.db is a database of another program\n" in done.err
    assert (project.root / ".orch/store.db").read_bytes() == before


def test_without_checkpoints_no_store_is_needed(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", ASK)
    project.put(".orch", "a file")
    done = run(project, "run", "job", "--no-checkpoint")
    assert (done.exit, done.out) == (0, "ask 1: 5\n")
    assert "the store cannot be used: ROOT/.orch/store.db: File exists; no record is kept of this run\n" in done.err


def test_an_answer_that_cannot_be_stored_is_still_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "p", HEAD + "show @ask(1)\nshow @ask(2)\nshow @ask(3)\n")
    put = Checkpoints.put

    def full(self: Checkpoints, *given: object, **named: object) -> None:
        if named["first_arg"] == "2":
            raise OrchError("E806", "the store cannot be used: database or disk is full", help="make room")
        put(self, *given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "put", full)
        done = run(project)
    assert (done.exit, done.out) == (1, "ask 1: 5\nask 2: 5\n")
    assert done.err.endswith("error[E806]: the store cannot be used: database or disk is full\n   = help: make room\n")
    again = run(project)
    assert (again.exit, again.out) == (0, "ask 1: 5\nask 2: 5\nask 3: 5\n")
    assert project.asked() == ["ask 1", "ask 2", "ask 3"]  # the row of the call kept what the checkpoint could not


def test_a_failed_run_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", ASK)
    project.put("fault", "what?")
    assert run(project).exit == 1
    assert " failed " in run(project, "runs").out
    project.put("fault", "")
    assert run(project).exit == 0
    assert " done " in run(project, "runs").out


# ── options and settings do what they say ────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "script", "exit"),
    [
        ('commandTimeout = "200ms"', "run cmd { sleep 5 }\n", 1),
        ('timeout = "200ms"', "run cmd { sleep 5 }\n", 1),
        ('errorBehavior = "continue"', "run sh { exit 3 }\n", 0),
        ('errorBehavior = "halt"', "run sh { exit 3 }\n", 1),
    ],
)
def test_settings_of_run_hold_where_the_command_line_is_silent(
    tmp_path: Path, settings: str, script: str, exit: int
) -> None:
    (tmp_path / "orch.toml").write_text(f"[run]\n{settings}\n")
    (tmp_path / "job.mld").write_text(script)
    assert run_in_process(["job.mld"], tmp_path, "", {}).exit == exit


def test_the_command_line_is_stronger_than_the_settings(tmp_path: Path) -> None:
    (tmp_path / "orch.toml").write_text('[run]\nerrorBehavior = "continue"\n')
    (tmp_path / "job.mld").write_text("run sh { exit 3 }\n")
    assert run_in_process(["job.mld", "--error-behavior", "halt"], tmp_path, "", {}).exit == 1


@pytest.mark.parametrize("script", ["show 1\n", HEAD + "show @ask(1)\n"])
def test_replies_left_over_fail_under_strict_models(tmp_path: Path, script: str) -> None:
    (tmp_path / "job.mld").write_text(script)
    (tmp_path / "r.jsonl").write_text('{"match": {"contains": "ask"}, "reply": "x"}\n{"reply": "never"}\n')
    assert run_in_process(["job.mld", "--models", "r.jsonl"], tmp_path, "", {}).exit == 0
    done = run_in_process(["job.mld", "--models", "r.jsonl", "--strict-models", "--new"], tmp_path, "", {})
    assert done.exit == 2
    assert "answered nothing: " in done.stderr and "r.jsonl:2" in done.stderr
