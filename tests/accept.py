"""Rewrites the expectations of one case from an actual run: `python tests/accept.py area/name`.

It prints what changed and leaves the judgement to whoever reviews it; `test_cases` knows how a case runs.
"""

from __future__ import annotations

import sys
import tempfile
from difflib import unified_diff
from pathlib import Path

from test_cases import CASES, Outcome, expected_exit, fault_of, like, prepare, read, run


def rewrite(path: Path, text: str | None) -> None:
    """Bring one expectation up to date (None removes it) and print the difference."""
    before = read(path)
    lines = unified_diff(before.splitlines(True), (text or "").splitlines(True), str(path), str(path), lineterm="\n")
    sys.stdout.writelines(line if line.endswith("\n") else line + "\n" for line in lines)
    if text is None:
        path.unlink(missing_ok=True)
    elif text != before or not path.exists():
        path.write_bytes(text.encode())


def accept_error(case: Path, error: str) -> None:
    """A case keeps the kind of expectation it has; a new error is recorded exactly."""
    if not error:
        rewrite(case / "error.txt", None)
        rewrite(case / "fault.txt", None)
    elif (case / "fault.txt").exists():
        code, said, place = fault_of(error)
        message = said.splitlines()[0].partition(": ")[2]
        rewrite(case / "fault.txt", "\n".join(part for part in (code, message, place) if part) + "\n")
    else:
        rewrite(case / "error.txt", error)


def accept_first(case: Path, done: Outcome) -> None:
    """Record the first run; patterns of stderr that still hold stay as they are."""
    rewrite(case / "expected.txt", done.stdout or None)
    accept_error(case, done.error)
    if not like(read(case / "stderr.txt"), done.noise):
        rewrite(case / "stderr.txt", done.noise or None)
    rewrite(case / "exit", None)
    if done.exit != expected_exit(case, done.error):
        rewrite(case / "exit", f"{done.exit}\n")


def accept_again(case: Path, work: Path) -> None:
    """Record the second run, for cases that have one."""
    done = run(case, work, read(case / "again.args", read(case / "args")))
    rewrite(case / "again.txt", done.stdout)
    if not like(read(case / "again.stderr.txt", "…"), done.noise):
        rewrite(case / "again.stderr.txt", done.noise)


def main(name: str) -> None:
    case = CASES / name
    if not any(case.glob("example.m*")):
        sys.exit(f"no case named {name}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        prepare(case, work)
        accept_first(case, run(case, work, read(case / "args")))
        if (case / "again.txt").exists():
            accept_again(case, work)
        for made in (found for found in (case / "made").rglob("*") if found.is_file()):
            actual = work / made.relative_to(case / "made")
            rewrite(made, read(actual) if actual.exists() else None)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/accept.py AREA/NAME")
    main(sys.argv[1])
