"""Test files: which there are, and what came of running one of them.

`NAME.test.mld` is a script, `NAME.test.txt` a session (see `sessions`). Beside them may lie `NAME.replies.jsonl`
(answers of models), beside a script `NAME.expected.txt` (what it prints), `NAME.args` (its arguments, one a line) and
`NAME.stdin`. How results are shown is left to `test`.
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
from orchestra.cli.sessions import Step, printed, read_session, rewritten
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.errors import OrchError, internal_error, render

__all__ = ["SUFFIX", "Trial", "Verdict", "attempt", "find_trials"]

SUFFIX = ".test.mld"
SESSION = ".test.txt"
CLOCK = "2026-01-01T00:00:00.000Z"
SEED = 1
LONGEST = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Trial:
    """One test file. `file` is its path as the user sees it, `name` the same without the suffix.

    A `session` that has a folder to itself has the name of that folder.
    """

    path: Path
    file: str

    @property
    def name(self) -> str:
        short = self.file.removesuffix(self.suffix)
        return self.path.parent.name if self.path.name == f"session{SESSION}" else short

    @property
    def suffix(self) -> str:
        return SESSION if self.path.name.endswith(SESSION) else SUFFIX

    def beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name.removesuffix(self.suffix) + suffix)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a test. `problem` is empty if it passed; `diff` goes from what was expected to what was printed.

    updated: the expectation was rewritten, by which `diff` is no problem any more
    """

    name: str
    ms: int
    file: str = ""
    problem: str = ""
    diff: str = ""
    line: int | None = None
    updated: bool = False

    @property
    def passed(self) -> bool:
        return not self.problem

    def as_data(self) -> dict[str, Any]:
        outcome = "passed" if self.passed else "failed"
        told = {name: getattr(self, name) for name in ("file", "line", "problem", "diff", "updated")}
        return {"name": self.name, "outcome": outcome, "ms": self.ms} | {k: v for k, v in told.items() if v}


def find_trials(paths: Iterable[Path], cwd: Path) -> list[Trial]:
    """The tests in files and below folders, by name. Raises E401 for a path that is not there."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise OrchError("E401", f"file not found: {path}", exit=2)
        if path.is_file() and not path.name.endswith((SUFFIX, SESSION)):
            raise OrchError("E810", f"{path.name} is no test", help=f"tests are called NAME{SUFFIX}", exit=2)
        found |= dict.fromkeys(_below(path) if path.is_dir() else [path])
    return sorted((Trial(path, _shown(path, cwd)) for path in found), key=lambda trial: trial.name)


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and path.name not in LEFT_OUT:
            yield from _below(path)
        elif path.name.endswith((SUFFIX, SESSION)) and path.is_file():
            yield path


def _shown(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd) if path.is_relative_to(cwd) else path)


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
    if trial.suffix == SESSION:
        verdict = _replayed(trial, scratch, environ, update)
    else:
        verdict = _judge(trial, _run(trial, scratch, environ), scratch, update)
    scratch.restore()
    return replace(verdict, ms=round((time.monotonic() - began) * 1000), file=trial.file)


def _replayed(trial: Trial, scratch: Scratch, environ: Mapping[str, str], update: bool) -> Verdict:
    """Run a session; the first command that prints something else is the problem."""
    text = trial.path.read_text(encoding="utf-8")
    steps = read_session(text)
    if not steps:
        return Verdict(trial.name, 0, problem="no line begins with $ and a command")
    surroundings = {**scratch.environ(environ), "ORCH_LLM_REPLAY": str(_replies(trial, scratch))}
    try:
        outputs = printed(steps, scratch.root, surroundings, scratch.home, LONGEST)
    except TimeoutError as error:
        return Verdict(trial.name, 0, problem=str(error))
    outputs = [_as_in_project(output, scratch) for output in outputs]
    wrong = next((pair for pair in zip(steps, outputs, strict=False) if not pair[0].fits(pair[1])), None)
    if wrong is None:
        return _ended_early(trial, steps, len(outputs))
    step, output = wrong
    diff = _diff(step.expected, output, "expected")
    if not update or len(outputs) < len(steps):
        return Verdict(trial.name, 0, problem=f"$ {step.command}", diff=diff, line=step.line)
    trial.path.write_text(rewritten(text, steps, outputs), encoding="utf-8")
    return Verdict(trial.name, 0, diff=diff, updated=True)


def _ended_early(trial: Trial, steps: list[Step], done: int) -> Verdict:
    if done == len(steps):
        return Verdict(trial.name, 0)
    return Verdict(trial.name, 0, problem=f"$ {steps[done - 1].command}\nended the session", line=steps[done - 1].line)


def _run(trial: Trial, scratch: Scratch, environ: Mapping[str, str]) -> _Done:
    source = scratch.root / trial.path.relative_to(scratch.original)
    stdin = trial.beside(".stdin")
    given = stdin.read_text(encoding="utf-8") if stdin.exists() else ""
    out, err = io.StringIO(), io.StringIO()
    shell = Shell(io.StringIO(given), out, err, scratch.environ(environ), scratch.root)
    try:
        return _Done(start(source, _line(trial, scratch), shell.config(), shell), out.getvalue(), err.getvalue(), None)
    except OrchError as error:
        return _Done(error.exit, out.getvalue(), err.getvalue(), error)
    except Exception as error:
        return _Done(1, out.getvalue(), err.getvalue(), internal_error(error))


def _line(trial: Trial, scratch: Scratch) -> CommandLine:
    """The arguments of the test, and what makes every run of it the same."""
    args = trial.beside(".args")
    words = args.read_text(encoding="utf-8").splitlines() if args.exists() else []
    line = with_arguments(read(words, scratch.root), 0)
    options = line.options
    return replace(
        line,
        options=replace(
            options,
            clock=options.clock or CLOCK,
            seed=SEED if options.seed is None else options.seed,
            replay=options.replay or _replies(trial, scratch),
            strict_models=True,
            quiet=True,
            timeout=options.timeout or LONGEST,
        ),
    )


def _replies(trial: Trial, scratch: Scratch) -> Path:
    """Where models answer from. None is ever asked: without a file a call is an error."""
    replies = trial.beside(".replies.jsonl")
    if not replies.exists():
        replies = scratch.home / "replies.jsonl"
        replies.write_text("", encoding="utf-8")
    return replies


def _as_in_project(text: str, scratch: Scratch) -> str:
    return text.replace(str(scratch.root), str(scratch.original))


def _judge(trial: Trial, done: _Done, scratch: Scratch, update: bool) -> Verdict:
    """A run must end with 0; then what it printed must be what is expected, if that is written down."""
    if done.fault is not None:
        place = done.fault.span
        line = place.line if place is not None and place.source.path == _copy_of(trial, scratch) else None
        problem = _as_in_project(done.stderr + render(done.fault, scratch.root), scratch)  # warnings may tell why
        return Verdict(trial.name, 0, problem=problem, line=line)
    if done.exit:
        told = _as_in_project(done.stderr, scratch)
        return Verdict(trial.name, 0, problem=f"{told}ended with exit code {done.exit}")
    return _compared(trial, _as_in_project(done.stdout, scratch), update)


def _copy_of(trial: Trial, scratch: Scratch) -> Path:
    return scratch.root / trial.path.relative_to(scratch.original)


def _compared(trial: Trial, stdout: str, update: bool) -> Verdict:
    expected = trial.beside(".expected.txt")
    known = expected.read_bytes().decode("utf-8", "replace") if expected.exists() else None
    if stdout == known or (known is None and not (update and stdout)):
        return Verdict(trial.name, 0)
    diff = _diff(known or "", stdout, expected.name)
    if not update:
        return Verdict(trial.name, 0, problem=f"prints something else than {expected.name}", diff=diff)
    expected.write_bytes(stdout.encode("utf-8", "replace"))
    return Verdict(trial.name, 0, diff=diff, updated=True)


def _diff(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, "printed", lineterm="", n=2)
    if before.splitlines() == after.splitlines():
        return "only the line break at the end differs"
    return "\n".join(lines)
