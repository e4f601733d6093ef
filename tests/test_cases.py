"""Runs every folder of `cases/` as one program and compares what it did with what lies beside it.

What a case needs is in its folder: `example.mld` or `example.md` and, where they apply, `args`, `stdin`,
`files/` (copied beside the script), `replies.jsonl` (answers of the models), and the expectations:
`expected.txt` (stdout), `stderr.txt` (stderr up to the error; `…` stands for anything), both empty if absent;
`error.txt` (the error exactly) or `fault.txt` (pattern of its code, words of its message or help, its line or
`line:column`); `exit`; `made/` (files that exist afterwards); `again.txt`, `again.args`, `again.stderr.txt`
for a second run in the same folder. How programs run is left to the command line, rewriting to `accept`.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run did: `noise` is stderr up to the error, `error` the error as shown."""

    exit: int
    stdout: str
    noise: str
    error: str


def read(path: Path, default: str = "") -> str:
    """The text of a file of the case, byte for byte."""
    return path.read_bytes().decode() if path.exists() else default


def names() -> list[str]:
    """All cases as `area/name`."""
    return sorted(str(found.parent.relative_to(CASES)) for found in CASES.glob("*/*/example.m*"))


def prepare(case: Path, work: Path) -> None:
    """Fill the working folder with the script and the files of the case."""
    shutil.copytree(case / "files", work) if (case / "files").exists() else work.mkdir()
    for found in (*case.glob("example.m*"), *case.glob("replies.jsonl")):
        shutil.copy(found, work)


def run(case: Path, work: Path, args: str) -> Outcome:
    """Run the script in a prepared folder with an environment of its own."""
    from orchestra.cli.in_process import run_in_process

    environ = {"PATH": os.environ["PATH"], "HOME": str(work.parent), "LANG": "C.UTF-8"}
    if (work / "replies.jsonl").exists():
        environ["ORCH_LLM_REPLAY"] = str(work / "replies.jsonl")
    script = next(case.glob("example.m*")).name
    done = run_in_process([script, *args.splitlines()], work, read(case / "stdin"), environ)
    noise, mark, error = done.stderr.partition("error[") if done.exit else (done.stderr, "", "")
    return Outcome(done.exit, done.stdout, noise, mark + error)


def like(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, in which `…` stands for anything."""
    return re.fullmatch(re.escape(pattern).replace("…\\\n", ".*").replace("…", ".*"), text, re.DOTALL) is not None


def fault_of(error: str) -> tuple[str, str, str]:
    """Code, message with help, and `line:column` of an error as shown."""
    code = re.match(r"error\[(\w+)\]", error)
    place = re.search(r"^  --> .*?:(\d+:\d+)$", error, re.MULTILINE)
    said = "\n".join(line for line in error.splitlines() if line.startswith(("error[", "   = ")))
    return (code[1] if code else "", said, place[1] if place else "")


def check_error(case: Path, done: Outcome) -> None:
    """Compare the error with `error.txt` or `fault.txt`; a case without either must not fail."""
    if (case / "error.txt").exists():
        assert done.error == read(case / "error.txt")
    elif (case / "fault.txt").exists():
        code, words, *place = read(case / "fault.txt").splitlines()
        shown, said, where = fault_of(done.error)
        assert re.fullmatch(code, shown), done.error
        assert words in said
        assert not place or where == place[0] or where.startswith(place[0] + ":")
    else:
        assert done.error == ""


def expected_exit(case: Path, error: str) -> int:
    """The exit code of `exit`, or else 2 where the program or command line is wrong, 1 for other errors."""
    if (case / "exit").exists():
        return int(read(case / "exit"))
    return 2 if error.startswith(("error[E1", "error[E8")) else 1 if error else 0


@pytest.mark.parametrize("name", names())
def test_case(name: str, tmp_path: Path) -> None:
    case, work = CASES / name, tmp_path / "work"
    prepare(case, work)
    done = run(case, work, read(case / "args"))
    assert done.stdout == read(case / "expected.txt"), done.noise + done.error
    check_error(case, done)
    assert like(read(case / "stderr.txt"), done.noise), done.noise
    assert done.exit == expected_exit(case, done.error)
    if (case / "again.txt").exists():
        again = run(case, work, read(case / "again.args", read(case / "args")))
        assert again.stdout == read(case / "again.txt"), again.noise + again.error
        assert like(read(case / "again.stderr.txt", "…"), again.noise), again.noise
    for made in (found for found in (case / "made").rglob("*") if found.is_file()):
        assert read(work / made.relative_to(case / "made"), "(missing)") == read(made)
