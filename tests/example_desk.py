"""A copy of an example in a folder of its own, run as its reader would run it, to its end or until it is killed.

What it should have done is judged by the tests.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestra.cli.forked import fork, preload
from orchestra.cli.in_process import Finished, run_in_process

EXAMPLES = Path(__file__).parent.parent / "examples"
MADE = shutil.ignore_patterns(".orch", "output", "__pycache__")
PATIENCE = 60.0  # seconds until a run must have stored an answer


class Copy:
    """The example `name` below `home`, with `python` and `orch` of the tests on its path."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home
        self.project = home / name
        shutil.copytree(EXAMPLES / name, self.project, ignore=MADE)

    def put(self, path: str, text: str) -> None:
        target = self.project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def orch(self, *words: str, **more: str) -> Finished:
        """`orch WORDS` to its end; `more` are further variables of the environment."""
        return run_in_process(list(words), self.project, "", {**self._environ(), **more})

    def run(self, *words: str, **more: str) -> Finished:
        """`orch run NAME WORDS` likewise."""
        return self.orch("run", self.name, *words, **more)

    def killed(self, answers: int, *words: str) -> dict[str, str]:
        """The same, killed when so many answers are stored: those that are, with the times they were given."""
        preload()
        with open(os.devnull, "r+") as nothing:
            child = fork(["run", self.name, *words], self.project, self._environ(), [nothing.fileno()] * 3)
        deadline = time.monotonic() + PATIENCE
        while len(self.stored()) < answers and time.monotonic() < deadline:
            assert os.waitpid(child, os.WNOHANG) == (0, 0), "it was not running any more"
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
        return self.stored()

    def stored(self) -> dict[str, str]:
        """Keys of the answers in the store, with the times they were given."""
        store = self.project / ".orch/store.db"
        if not store.exists():
            return {}
        raw = sqlite3.connect(store)
        try:
            return dict(raw.execute("SELECT key, created FROM checkpoints"))
        except sqlite3.OperationalError:  # looked at before the tables were made
            return {}
        finally:
            raw.close()

    @property
    def made(self) -> Path:
        """The folder of the newest run."""
        return sorted((self.project / "llm/output" / self.name).iterdir())[-1]

    def _environ(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8"}


@contextmanager
def endpoint(models: Path) -> Iterator[str]:
    """The address at which a server on this machine gives the answers of a file."""
    words = [sys.executable, "-m", "orchestra", "fake-endpoint", "--models", str(models)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def summary(done: Finished) -> str:
    """The calls in the last line of stderr, such as `2 calls, 3 cached`."""
    parts = done.stderr.splitlines()[-1].split(", ")
    return ", ".join(part for part in parts if part.split()[-1] in ("call", "calls", "cached"))
