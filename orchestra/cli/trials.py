"""Test files: which there are, and what came of running one of them.

`NAME.test.mld` is a script. Beside it may lie `NAME.replies.jsonl` (answers of models), `NAME.expected.txt` (what it
prints), `NAME.args` (its arguments, one a line) and `NAME.stdin`. How results are shown is left to `test`.
"""

from __future__ import annotations

import difflib
import io
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestra.cli.options import CommandLine, read, with_arguments
from orchestra.cli.scratch import LEFT_OUT, Scratch
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.errors import OrchError, internal_error, render
from orchestra.runtime.redact import is_secret_name

__all__ = ["SUFFIX", "Trial", "Verdict", "attempt", "find_trials"]

SUFFIX = ".test.mld"
CLOCK = "2026-01-01T00:00:00.000Z"
SEED = 1
LONGEST = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Trial:
    """One test file. `name` is its path as the user sees it, without the suffix."""

    path: Path
    name: str

    def beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name.removesuffix(SUFFIX) + suffix)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a test. `problem` is empty if it passed; `diff` goes from what was expected to what was printed.

    updated: the expectation was rewritten, by which `diff` is no problem any more
    """

    name: str
    ms: int
    problem: str = ""
    diff: str = ""
    line: int | None = None
    updated: bool = False

    @property
    def passed(self) -> bool:
        return not self.problem

    def as_data(self) -> dict[str, Any]:
        outcome = "passed" if self.passed else "failed"
        told = {"problem": self.problem, "diff": self.diff, "line": self.line, "updated": self.updated or None}
        return {"name": self.name, "outcome": outcome, "ms": self.ms} | {k: v for k, v in told.items() if v}


def find_trials(paths: Iterable[Path], cwd: Path) -> list[Trial]:
    """The tests in files and below folders, by name. Raises E401 for a path that is not there."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise OrchError("E401", f"file not found: {path}", exit=2)
        if path.is_file() and not path.name.endswith(SUFFIX):
            raise OrchError("E810", f"{path.name} is no test", help=f"tests are called NAME{SUFFIX}", exit=2)
        found |= dict.fromkeys(_below(path) if path.is_dir() else [path])
    return sorted((Trial(path, _name(path, cwd)) for path in found), key=lambda trial: trial.name)


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and path.name not in LEFT_OUT:
            yield from _below(path)
        elif path.name.endswith(SUFFIX) and path.is_file():
            yield path


def _name(path: Path, cwd: Path) -> str:
    shown = path.relative_to(cwd) if path.is_relative_to(cwd) else path
    return str(shown).removesuffix(SUFFIX)


# ── one test ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Done:
    exit: int
    stdout: str
    stderr: str
    fault: OrchError | None


def attempt(trial: Trial, scratch: Scratch, environ: Mapping[str, str], update: bool) -> Verdict:
    """Run the test in the copy, which is as new afterwards, and judge it."""
    began = time.monotonic()
    done = _run(trial, scratch, environ)
    verdict = _judge(trial, done, scratch, update)
    scratch.restore()
    return replace(verdict, ms=round((time.monotonic() - began) * 1000))


def _run(trial: Trial, scratch: Scratch, environ: Mapping[str, str]) -> _Done:
    source = scratch.root / trial.path.relative_to(scratch.original)
    stdin = trial.beside(".stdin")
    given = stdin.read_text(encoding="utf-8") if stdin.exists() else ""
    out, err = io.StringIO(), io.StringIO()
    shell = Shell(io.StringIO(given), out, err, _environ(environ, scratch), scratch.root)
    try:
        return _Done(start(source, _line(trial, scratch), shell.config(), shell), out.getvalue(), err.getvalue(), None)
    except OrchError as error:
        return _Done(error.exit, out.getvalue(), err.getvalue(), error)
    except Exception as error:
        return _Done(1, out.getvalue(), err.getvalue(), internal_error(error))


def _line(trial: Trial, scratch: Scratch) -> CommandLine:
    """The arguments of the test, and what makes every run of it the same."""
    args, replies = trial.beside(".args"), trial.beside(".replies.jsonl")
    words = args.read_text(encoding="utf-8").splitlines() if args.exists() else []
    line = with_arguments(read(words, scratch.root), 0)
    options = line.options
    if not replies.exists():
        replies = scratch.home / "replies.jsonl"  # no model is ever asked: a call without a reply is an error
        replies.write_text("", encoding="utf-8")
    return replace(
        line,
        options=replace(
            options,
            clock=options.clock or CLOCK,
            seed=SEED if options.seed is None else options.seed,
            replay=options.replay or replies,
            strict_models=True,
            quiet=True,
            timeout=options.timeout or LONGEST,
        ),
    )


def _environ(environ: Mapping[str, str], scratch: Scratch) -> dict[str, str]:
    """The user's environment without secrets and without what decides about runs."""
    kept = {
        name: value
        for name, value in environ.items()
        if not (is_secret_name(name) or name.startswith(("ORCH_", "MLLD_", "ANTHROPIC_")))
    }
    return {**kept, "HOME": str(scratch.home)}


def _judge(trial: Trial, done: _Done, scratch: Scratch, update: bool) -> Verdict:
    """A run must end with 0; then what it printed must be what is expected, if that is written down."""
    stdout, stderr = (text.replace(str(scratch.root), str(scratch.original)) for text in (done.stdout, done.stderr))
    if done.fault is not None:
        place = done.fault.span
        problem = render(done.fault, scratch.root)
        line = place.line if place is not None and place.source.path == _copy_of(trial, scratch) else None
        return Verdict(trial.name, 0, problem.replace(str(scratch.root), str(scratch.original)), line=line)
    if done.exit:
        return Verdict(trial.name, 0, f"{stderr}ended with exit code {done.exit}")
    return _compared(trial, stdout, update)


def _copy_of(trial: Trial, scratch: Scratch) -> Path:
    return scratch.root / trial.path.relative_to(scratch.original)


def _compared(trial: Trial, stdout: str, update: bool) -> Verdict:
    expected = trial.beside(".expected.txt")
    known = expected.read_bytes().decode("utf-8", "replace") if expected.exists() else None
    if stdout == known or (known is None and not (update and stdout)):
        return Verdict(trial.name, 0)
    diff = _diff(known or "", stdout, expected.name)
    if not update:
        return Verdict(trial.name, 0, f"prints something else than {expected.name}", diff)
    expected.write_bytes(stdout.encode("utf-8", "replace"))
    return Verdict(trial.name, 0, diff=diff, updated=True)


def _diff(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, "printed", lineterm="", n=2)
    if before.splitlines() == after.splitlines():
        return "only the line break at the end differs"
    return "\n".join(lines)
