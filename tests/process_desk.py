"""A project whose model is a program that keeps a log, and `orch` working on it as a process of its own.

What happens to that process, a signal or nothing at all, is decided by the tests.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orchestra

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
        """The same orchestra as that of the tests, with a cache folder that the projects of a test share."""
        home, path = str(self.root.parent), str(Path(orchestra.__file__).parents[1])
        return {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "PYTHONPATH": path}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "orchestra", *words]

    @contextmanager
    def started(self, *words: str, before: Callable[[], object] | None = None) -> Iterator[subprocess.Popen[str]]:
        """`orch WORDS` as a process that begins with `before`; whatever the test did with it, it is gone afterwards."""
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def orch(self, *words: str) -> Finished:
        """`orch WORDS` to its end."""
        with self.started(*words) as process:
            return ended(process)


def ended(process: subprocess.Popen[str]) -> Finished:
    """Wait for a process and collect what it said."""
    out, err = process.communicate(timeout=60)
    return Finished(process.returncode, out, err)


def interrupted(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> Finished:
    process.send_signal(number)
    return ended(process)


def said(process: subprocess.Popen[str], word: str) -> None:
    """Wait for a line on stderr."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return
    raise AssertionError(f"it never said {word}")


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
