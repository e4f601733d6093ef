"""Runs programs and leaves no process behind: to their end with bounded time and output, or read line by line.

What the output means is for the caller to say.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import trio

__all__ = ["Finished", "Lines", "child_reading", "run_child"]

TERM_GRACE = 1.0  # between being asked to end and being killed
PIPE_GRACE = 1.0  # a grandchild that left the group may keep the pipes open


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. `code` is None if it was stopped: its time was up or its output too large."""

    stdout: bytes
    stderr: bytes
    code: int | None
    overflow: bool = False


async def run_child(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    input: bytes = b"",
    timeout: float = float("inf"),
    limit: int = 16 * 1024 * 1024,
    merge: bool = False,
) -> Finished:
    """Runs `command` in a session of its own; time-out, excess output and cancellation kill the whole group.

    limit: bytes of output after which the program is stopped
    merge: stderr goes into stdout, in the order of writing
    Raises OSError if the program cannot be started.
    """
    process = await trio.lowlevel.open_process(
        list(command),
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge else subprocess.PIPE,
        start_new_session=True,
    )
    output, errors = bytearray(), bytearray()
    ended = False
    try:
        with trio.move_on_after(timeout):
            ended = await _converse(process, input, output, errors, limit)
    finally:
        await _end(process)
    overflow = max(len(output), len(errors)) > limit
    code = process.returncode if ended and not overflow else None
    return Finished(bytes(output[:limit]), bytes(errors[:limit]), code, overflow)


@asynccontextmanager
async def child_reading(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], input: IO[bytes], errors: IO[bytes]
) -> AsyncIterator[trio.Process]:
    """A program that reads one file and writes its faults to another; its stdout is a pipe for the caller.

    When the block is left, however that may be, the program's group is asked to end and killed if it does not.
    Raises OSError if the program cannot be started.
    """
    process = await trio.lowlevel.open_process(
        list(command), cwd=cwd, env=dict(environment), stdin=input, stdout=subprocess.PIPE, stderr=errors,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            if process.poll() is None:
                _signal_group(process, signal.SIGTERM)
                with trio.move_on_after(TERM_GRACE):
                    await process.wait()
        await _end(process)


class Lines:
    """Cuts what arrives in chunks into lines. Bytes that are no UTF-8 are replaced; a line may be `limit` long."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines that are complete now. Raises ValueError for one that is too long."""
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            yield self._taken(line)
        self._parts.append(rest)
        self._size += len(rest)
        if self._size > self._limit:
            raise ValueError(f"a line of more than {self._limit // 1024**2} MiB")

    def rest(self) -> Iterator[str]:
        """A last line without its end."""
        if last := self._taken(b""):
            yield last

    def _taken(self, end: bytes) -> str:
        line = b"".join([*self._parts, end])
        self._parts, self._size = [], 0
        return line.decode("utf-8", "replace").rstrip("\r")


async def _converse(process: trio.Process, input: bytes, output: bytearray, errors: bytearray, limit: int) -> bool:
    """Feeds the program and collects what it says; whether it came to its end by itself."""
    ended = False
    async with trio.open_nursery() as nursery:
        scope = nursery.cancel_scope
        nursery.start_soon(_feed, process, input)
        nursery.start_soon(_collect, process.stdout, output, limit, scope)
        if process.stderr is not None:
            nursery.start_soon(_collect, process.stderr, errors, limit, scope)
        await process.wait()
        ended = True
        _kill_group(process)  # what the program left behind would keep its pipes open
        scope.deadline = trio.current_time() + PIPE_GRACE
    return ended


async def _feed(process: trio.Process, data: bytes) -> None:
    """Writes `data` and closes the pipe. A program that does not read to the end is within its rights."""
    stdin = process.stdin
    assert stdin is not None
    with suppress(trio.BrokenResourceError):
        async with stdin:
            await stdin.send_all(data)


async def _collect(stream: trio.abc.ReceiveStream | None, into: bytearray, limit: int, scope: trio.CancelScope) -> None:
    assert stream is not None
    async for chunk in stream:
        into += chunk
        if len(into) > limit:
            scope.cancel()
            return


def _kill_group(process: trio.Process) -> None:
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: trio.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


async def _end(process: trio.Process) -> None:
    """Kills what is left of the group, reaps the program and closes its pipes."""
    _kill_group(process)
    with trio.CancelScope(shield=True):
        await process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                await pipe.aclose()
