"""A command line in a process of its own that has everything loaded already: a fraction of the time of a start.

Unlike `in_process` it may be killed, limited and left alone; what it is told to do is the caller's business.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from orchestra.cli import main

__all__ = ["Ended", "fork", "preload", "run_forked"]

LOADED = ("orchestra.cli.run", "orchestra.check.script", "orchestra.runtime.launch", "orchestra.runtime.agent")
CHUNK = 65536  # bytes
LOOK = 0.01  # seconds between two looks whether the process has ended


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process did. exit: minus the number of the signal that killed it; None if it had to be ended."""

    exit: int | None
    stdout: str
    stderr: str
    seconds: float


def preload() -> None:
    """Load what runs need, once for all of them: modules, and the tables of the parser."""
    for module in (*LOADED, "orchestra.store"):
        import_module(module)
    from orchestra.scan.scanner import ScanInput
    from orchestra.source import Source
    from orchestra.syntax import build

    build(ScanInput(Source("", "")), "script")


def fork(
    argv: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    streams: Sequence[int],
    before: Callable[[], object] = lambda: None,
) -> int:
    """Begin `orch ARGV` with three streams, in a session of its own. Gives the number of the process.

    before: what it does first of all
    """
    child = os.fork()
    if child == 0:
        _become(argv, cwd, environ, streams, before)
    return child


def run_forked(
    argv: Sequence[str], cwd: Path, environ: Mapping[str, str], *, limit: int | None, patience: float
) -> Ended:
    """Run `orch ARGV` to its end. What it leaves running is ended too, as when a machine stops.

    limit:    bytes beyond which it cannot write a file
    patience: seconds
    """
    began = time.monotonic()
    outputs = os.pipe(), os.pipe()
    streams = [os.open(os.devnull, os.O_RDONLY), *(writing for _, writing in outputs)]
    child = fork(argv, cwd, environ, streams, lambda: _limit_files(limit))
    for stream in streams:
        os.close(stream)
    try:
        exit, (out, err) = _followed(child, [reading for reading, _ in outputs], began + patience)
    finally:
        for reading, _ in outputs:
            os.close(reading)
    return Ended(exit, out, err, time.monotonic() - began)


def _limit_files(limit: int | None) -> None:
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def _become(
    argv: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    streams: Sequence[int],
    before: Callable[[], object],
) -> NoReturn:
    """Turn this process into one that was started for the command line."""
    code = 1
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environ)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        before()
        code = main(argv)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _followed(child: int, outputs: Sequence[int], deadline: float) -> tuple[int | None, list[str]]:
    """How the process ended, and what it said."""
    texts = dict.fromkeys(outputs, b"")
    with selectors.DefaultSelector() as selector:
        for output in outputs:
            os.set_blocking(output, False)
            selector.register(output, selectors.EVENT_READ)
        ended, status = 0, 0
        while not ended and time.monotonic() < deadline:
            for key, _ in selector.select(LOOK):
                texts[key.fd] += (piece := os.read(key.fd, CHUNK))
                if not piece:
                    selector.unregister(key.fd)
            ended, status = os.waitpid(child, os.WNOHANG)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not ended:
        os.waitpid(child, 0)
    said = [(texts[output] + _rest(output)).decode(errors="replace") for output in outputs]
    return os.waitstatus_to_exitcode(status) if ended else None, said


def _rest(output: int) -> bytes:
    """What still lies in a pipe, whoever may yet hold its other end."""
    rest = b""
    with suppress(BlockingIOError):
        while piece := os.read(output, CHUNK):
            rest += piece
    return rest
