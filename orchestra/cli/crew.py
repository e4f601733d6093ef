"""Processes that run tests at the same time, each with copies of the projects of its own.

What a test is and how it is judged stands in `trials`.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from orchestra.cli.scratch import Scratch
from orchestra.cli.trials import Trial, Verdict, attempt
from orchestra.paths import CONFIG_FILE

__all__ = ["verdicts"]


def verdicts(trials: Sequence[Trial], environ: Mapping[str, str], update: bool, width: int) -> Iterator[Verdict]:
    """The outcomes, as they come."""
    if width <= 1 or len(trials) <= 1:
        with ExitStack() as stack:
            desk = _Desk(stack, environ, update)
            yield from map(desk.attempt, trials)
        return
    yield from _Crew(min(width, len(trials)), environ, update).run(trials)


class _Desk:
    """Runs tests one after another; a project is copied for the first of its tests."""

    def __init__(self, stack: ExitStack, environ: Mapping[str, str], update: bool) -> None:
        self._stack = stack
        self._environ = environ
        self._update = update
        self._copies: dict[Path, Scratch] = {}

    def attempt(self, trial: Trial) -> Verdict:
        root = _project(trial.path)
        if root not in self._copies:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="orch-test-"))
            self._copies[root] = Scratch(root, Path(folder).resolve())
        return attempt(trial, self._copies[root], self._environ, self._update)


def _project(test: Path) -> Path:
    """What is copied for a test: the folder upwards with a configuration, else the folder of the test itself.

    The marks of other kinds of projects do not count, which may be large.
    """
    folder = test.absolute().parent
    return next((above for above in (folder, *folder.parents) if (above / CONFIG_FILE).exists()), folder)


class _Crew:
    def __init__(self, width: int, environ: Mapping[str, str], update: bool) -> None:
        import_module("orchestra.runtime.launch")  # once, not in every worker
        context = multiprocessing.get_context("fork")
        self._workers: dict[Connection, BaseProcess] = {}
        self._busy: dict[Connection, Trial] = {}
        for _ in range(width):
            ours, theirs = context.Pipe()
            worker = context.Process(target=_work, args=(theirs, dict(environ), update), daemon=True)
            worker.start()
            theirs.close()
            self._workers[ours] = worker

    def run(self, trials: Sequence[Trial]) -> Iterator[Verdict]:
        waiting = list(reversed(trials))
        try:
            for worker in self._workers:
                self._hand_out(worker, waiting)
            while self._busy:
                for ready in wait(list(self._busy)):
                    assert isinstance(ready, Connection)
                    yield self._take(ready)
                    self._hand_out(ready, waiting)
        finally:
            self._send_home()

    def _hand_out(self, worker: Connection, waiting: list[Trial]) -> None:
        if waiting and self._workers[worker].is_alive():
            self._busy[worker] = waiting.pop()
            worker.send(self._busy[worker])

    def _take(self, worker: Connection) -> Verdict:
        trial = self._busy.pop(worker)
        try:
            verdict: Verdict = worker.recv()
        except EOFError:
            self._workers[worker].join()
            return Verdict(
                trial.name, 0, problem=f"the process that ran it died (exit {self._workers[worker].exitcode})"
            )
        return verdict

    def _send_home(self) -> None:
        for worker, process in self._workers.items():
            if process.is_alive():
                worker.send(None)
            worker.close()
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()
                process.join()


def _work(orders: Connection, environ: Mapping[str, str], update: bool) -> None:
    """The life of a worker: tests come, and None at the end."""
    with ExitStack() as stack:
        desk = _Desk(stack, environ, update)
        while True:
            try:
                trial = orders.recv()
            except (EOFError, KeyboardInterrupt):
                return
            if trial is None:
                return
            orders.send(desk.attempt(trial))
