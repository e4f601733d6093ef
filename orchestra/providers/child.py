"""Runs a program to its end with bounded time and output, and leaves no process behind.

What the output means is for the caller to say.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import trio

__all__ = ["Finished", "run_child"]

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
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _end(process: trio.Process) -> None:
    """Kills what is left of the group, reaps the program and closes its pipes."""
    _kill_group(process)
    with trio.CancelScope(shield=True):
        await process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                await pipe.aclose()
