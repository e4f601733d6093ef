"""A whole command line inside this process, with streams, environment and folder of its own: for tests and embedding.

What a command does is decided in `dispatch`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestra.cli.dispatch import dispatch
from orchestra.cli.shell import Shell

__all__ = ["Finished", "run_in_process"]


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command line did."""

    exit: int
    stdout: str
    stderr: str


def run_in_process(argv: Sequence[str], cwd: Path, stdin: str, environ: Mapping[str, str]) -> Finished:
    """Run `orch ARGV` in `cwd` without touching the streams or the folder of this process."""
    out, err = io.StringIO(), io.StringIO()
    exit = dispatch(argv, Shell(io.StringIO(stdin), out, err, environ, cwd))
    return Finished(exit, out.getvalue(), err.getvalue())
