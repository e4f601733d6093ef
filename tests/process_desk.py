"""A project whose model is a program that keeps a log, and `orch` working on it as a process of its own.

What happens to that process, a signal or nothing at all, is decided by the tests.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import orchestra
from orchestra.cli.forked import fork, preload
from orchestra.paths import cache_dir

MODEL = """\
import json, os, sys, time
request = json.load(sys.stdin)
prompt = request["messages"][0]["content"][0]["text"]
with open("asked.log", "a") as log:
    log.write(json.dumps([os.getpid(), prompt]) + "\\n")
time.sleep(eval(open("pause").read()))
fault = open("fault").read()
print(fault or json.dumps({"content": f"{prompt}: {len(prompt)}", "usage": {"input": 7, "output": 3}}))
"""

SETTINGS = """\
[llm]
provider = "program"

[llm.providers.program]
type = "command"
command = [%s, "-I", "-S", "model.py"]
concurrency = 4
"""


@dataclass
class Finished:
    """How a process ended: exit code (minus the number of the signal that killed it), stdout, stderr."""

    exit: int
    out: str
    err: str


class Project:
    """A folder with a script `job` and a model that takes `pause` seconds for an answer."""

    def __init__(self, root: Path, script: str, pause: float = 0.0) -> None:
        self.root = root
        self.put("orch.toml", SETTINGS % json.dumps(sys.executable))
        self.put("model.py", MODEL)
        self.put("llm/run/job.mld", script)
        self.put("fault", "")
        self.pause(pause)

    def put(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def pause(self, seconds: float) -> None:
        self.put("pause", str(seconds))

    def asked(self) -> list[str]:
        """The prompts that reached the model, in order."""
        return [prompt for _, prompt in self._log()]

    def programs(self) -> list[int]:
        """The processes of the model that are there now, zombies included."""
        return [pid for pid, _ in self._log() if Path(f"/proc/{pid}").exists()]

    def _log(self) -> list[tuple[int, str]]:
        log = self.root / "asked.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def stored(self) -> set[str]:
        """The first arguments of all calls whose results are in the store."""
        rows = self.rows("SELECT first_arg FROM checkpoints WHERE state = 'live'")
        return {json.loads(text) for (text,) in rows}

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What a reader of the store file sees; nothing as long as there is no store."""
        if not (self.root / ".orch/store.db").exists():
            return []
        raw = sqlite3.connect(self.root / ".orch/store.db")
        try:
            return raw.execute(sql).fetchall()
        except sqlite3.OperationalError:  # killed before the tables were made
            return []
        finally:
            raw.close()

    def environ(self) -> dict[str, str]:
        """The same orchestra as that of the tests, with the cache folder of the tests."""
        home, path, cache = str(self.root.parent), str(Path(orchestra.__file__).parents[1]), str(cache_dir().parent)
        return {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "LANG": "C.UTF-8",
            "PYTHONPATH": path,
            "XDG_CACHE_HOME": cache,
        }

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "orchestra", *words]

    @contextmanager
    def started(
        self, *words: str, before: Callable[[], object] = lambda: None, anew: bool = False
    ) -> Iterator[Process]:
        """`orch WORDS` as a process that begins with `before`; whatever the test did with it, it is gone afterwards.

        anew: in an interpreter of its own, for tests of how that begins and ends; else in a fork of this one
        """

        def exchange() -> None:
            os.execve(sys.executable, self.command(*words), self.environ())

        preload()
        with TemporaryFile() as out, TemporaryFile() as err, open(os.devnull) as nothing:
            streams = [nothing.fileno(), out.fileno(), err.fileno()]
            process = Process(fork(words, self.root, self.environ(), streams, exchange if anew else before), out, err)
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def orch(self, *words: str) -> Finished:
        """`orch WORDS` to its end."""
        with self.started(*words) as process:
            return ended(process)


class Process:
    """A child of this process, with files for what it says."""

    def __init__(self, pid: int, out: IO[bytes], err: IO[bytes]) -> None:
        self.pid = pid
        self._exit: int | None = None
        self._streams = out, err

    def poll(self) -> int | None:
        """The exit code, or None as long as it runs."""
        if self._exit is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._exit = os.waitstatus_to_exitcode(status) if pid else None
        return self._exit

    def wait(self) -> int:
        until(lambda: self.poll() is not None, 60)
        assert self._exit is not None
        return self._exit

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def said(self) -> tuple[str, str]:
        """What stands on stdout and stderr so far."""
        out, err = (os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0) for stream in self._streams)
        return out.decode(), err.decode()


def ended(process: Process) -> Finished:
    """Wait for a process and collect what it said."""
    return Finished(process.wait(), *process.said())


def interrupted(process: Process, number: signal.Signals = signal.SIGINT) -> Finished:
    process.send_signal(number)
    return ended(process)


def said(process: Process, word: str) -> None:
    """Wait for a line on stderr."""
    until(lambda: word in process.said()[1])


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
