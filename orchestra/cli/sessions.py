"""Sessions as tests: `NAME.test.txt` holds commands, each after a `$`, and below them what they print.

In what they print `…` stands for anything. Where a session runs is decided by `trials`; its `orch` is the one that
runs the test, served by `counter`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from orchestra.cli.counter import Counter

__all__ = ["Step", "printed", "read_session", "rewritten"]

PROMPT = "$ "
MARK = "\x1e"  # record separator: no program prints it by itself


@dataclass(frozen=True, slots=True)
class Step:
    """A command, what it is to print, and its line."""

    command: str
    expected: str
    line: int

    def fits(self, text: str) -> bool:
        pattern = re.escape(self.expected.rstrip("\n")).replace("…", ".*")
        return re.fullmatch(pattern, text.rstrip("\n"), re.DOTALL) is not None


def read_session(text: str) -> list[Step]:
    """The steps of a session; what stands before the first command is for the reader."""
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if line.startswith(PROMPT):
            steps.append(Step(line.removeprefix(PROMPT).strip(), "", number))
        elif steps:
            last = steps[-1]
            steps[-1] = Step(last.command, last.expected + line, last.line)
    return steps


def printed(steps: Sequence[Step], folder: Path, environ: Mapping[str, str], home: Path, seconds: float) -> list[str]:
    """What each command prints on both streams, in one shell. Raises TimeoutError.

    Shorter than `steps` if a command ended the shell.
    """
    script = "".join(f"{step.command}\n__status=$?; printf '{MARK}'; (exit $__status)\n" for step in steps)
    with closing(Counter(home)) as counter:
        path = f"{counter.folder}{os.pathsep}{environ.get('PATH', os.defpath)}"
        with subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", f"exec 2>&1\n{script}"], cwd=folder, env={**environ, "PATH": path},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        ) as shell:  # fmt: skip
            assert shell.stdout is not None
            try:
                output = counter.follow(shell.stdout.fileno(), seconds)
            except BaseException:  # Ctrl-C too: the shell is not told of it
                os.killpg(shell.pid, signal.SIGKILL)
                raise
    *whole, rest = output.decode("utf-8", "replace").split(MARK)
    return whole if len(whole) == len(steps) else [*whole, rest]


def rewritten(text: str, steps: Sequence[Step], outputs: Sequence[str]) -> str:
    """The session with what was printed where it is not what was expected."""
    lines = text.splitlines(keepends=True)
    parts = lines[: steps[0].line - 1]
    for step, output in zip(steps, outputs, strict=True):
        shown = step.expected if step.fits(output) else output if not output or output.endswith("\n") else output + "\n"
        parts += [lines[step.line - 1].rstrip("\n") + "\n", shown]
    return "".join(parts)
