"""Taking times: of functions in this process, and of children with the memory they needed.

What is measured is up to the other files; each prints ratios to something it timed in the same minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ORCH", "Child", "best", "child", "row", "scratch"]

ORCH = [sys.executable, "-m", "orchestra"]
BYTECODE = "bytecode"  # folder of compiled modules, so that no start compiles what another one did


@dataclass(frozen=True, slots=True)
class Child:
    """One process. seconds: wall clock; cpu: its own and the kernel's seconds; peak: MB of memory at most."""

    seconds: float
    cpu: float
    peak: float


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder. Whoever measures in it makes new subfolders: ext4 is slow where files were deleted."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        yield Path(name)


def child(command: Sequence[str], folder: Path, root: Path) -> Child:
    """Run a command in `folder`. Bytecode is kept below `root`. Ends the bench if the command fails."""
    environment = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": str(root / BYTECODE),
        "XDG_CACHE_HOME": str(root / "cache"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}\n{said.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, kilobytes elsewhere
    return Child(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20)


def best(work: Callable[[], object], rounds: int, clock: Callable[[], float] = time.process_time) -> float:
    """The shortest of several runs in seconds: what the machine can do when nothing disturbs it.

    The clock counts the time of this process alone; give time.perf_counter where waiting belongs to the work.
    """

    def once() -> float:
        began = clock()
        work()
        return clock() - began

    return min(once() for _ in range(rounds))


def row(*cells: str) -> None:
    """One line of a table: the first cell to the left, the others to the right."""
    print(f"{cells[0]:<34}" + "".join(f"{cell:>14}" for cell in cells[1:]), flush=True)
