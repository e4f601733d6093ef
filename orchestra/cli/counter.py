"""Where the `orch` of a session is served: a fork of this process, which has everything loaded, instead of a start.

Commands come through `messenger`, which the shell of the session finds as `orch`. What a fork becomes is in `forked`.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from orchestra.cli import messenger
from orchestra.cli.forked import fork, preload

__all__ = ["Counter"]

STREAMS = 3
LENGTH = 4  # bytes of the number before an order
CHUNK = 65536  # bytes
LONGEST_ORDER = 60.0  # seconds: a messenger that was stopped holds up nobody for longer


@dataclass(frozen=True, slots=True)
class _Command:
    """One under way. line: to its messenger, closed when that is gone; life: closed when the process has ended."""

    pid: int
    line: socket.socket
    life: int


class Counter:
    """Serves commands as long as a pipe is followed.

    home: the folder in which `bin/orch` is put
    """

    def __init__(self, home: Path) -> None:
        preload()
        self.folder = home / "bin"
        self.folder.mkdir(exist_ok=True)
        address = self.folder / "orch.socket"
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(address))
        self._door.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._door, selectors.EVENT_READ, self._begin)
        self._commands: dict[int, _Command] = {}
        program = self.folder / "orch"
        words = shlex.join([sys.executable, "-IS", messenger.__file__, str(address)])
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        program.chmod(0o755)

    def follow(self, output: int, seconds: float) -> bytes:
        """What comes out of a pipe until it is closed. Raises TimeoutError."""
        said, deadline = bytearray(), time.monotonic() + seconds
        self._selector.register(output, selectors.EVENT_READ, lambda: self._hear(output, said))
        while output in self._selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"not done after {seconds:g} s")
            for key, _ in self._selector.select(left):
                if key.fd in self._selector.get_map():  # one before it may have ended it
                    key.data()
        return bytes(said)

    def close(self) -> None:
        """End what still runs."""
        for command in list(self._commands.values()):
            self._give_up(command)
        self._selector.close()
        self._door.close()

    def _hear(self, output: int, said: bytearray) -> None:
        piece = os.read(output, CHUNK)
        said += piece
        if not piece:
            self._selector.unregister(output)

    def _begin(self) -> None:
        line, _ = self._door.accept()
        line.settimeout(LONGEST_ORDER)
        text, streams = _received(line)
        try:
            if text:
                self._start(line, text.split(b"\0")[:-1], streams)
            else:
                line.close()  # the messenger was killed while it spoke
        finally:
            for stream in streams:
                os.close(stream)

    def _start(self, line: socket.socket, order: list[bytes], streams: list[int]) -> None:
        folder, mask, ignored, count, *rest = order
        words = [os.fsdecode(word) for word in rest[: int(count)]]
        settings = (os.fsdecode(setting).partition("=") for setting in rest[int(count) :])
        environ = {name: value for name, _, value in settings}
        life, held = os.pipe()
        ours = [self._door, line, *(command.line for command in self._commands.values())]
        before = partial(_settle, int(mask, 8), [int(number) for number in ignored.split()], ours)
        pid = fork(words, Path(os.fsdecode(folder)), environ, streams, before)
        os.close(held)  # the fork alone holds it now, until it ends
        command = self._commands[pid] = _Command(pid, line, life)
        self._selector.register(life, selectors.EVENT_READ, partial(self._end, command))
        self._selector.register(line, selectors.EVENT_READ, partial(self._give_up, command))
        _tell(line, pid)

    def _give_up(self, command: _Command) -> None:
        """The messenger was killed, and so is the command."""
        with suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)
        self._end(command)

    def _end(self, command: _Command) -> None:
        del self._commands[command.pid]
        self._selector.unregister(command.life)
        self._selector.unregister(command.line)
        os.close(command.life)
        _, status = os.waitpid(command.pid, 0)
        _tell(command.line, os.waitstatus_to_exitcode(status))
        command.line.close()


def _received(line: socket.socket) -> tuple[bytes, list[int]]:
    """The order of a messenger without its length, as far as it comes, and the streams that it hands over."""
    text, streams = b"", list[int]()
    with suppress(TimeoutError, ConnectionError):
        while len(text) < LENGTH or len(text) < LENGTH + int.from_bytes(text[:LENGTH], "big"):
            piece, handed, _, _ = socket.recv_fds(line, CHUNK, STREAMS)
            text += piece
            streams += handed
            if not piece:
                return b"", streams
    return text[LENGTH:], streams


def _tell(line: socket.socket, number: int) -> None:
    with suppress(BrokenPipeError):
        line.sendall(number.to_bytes(4, "big", signed=True))


def _settle(mask: int, ignored: list[int], ours: list[socket.socket]) -> None:
    """What a started process takes over from the one that starts it, and what it does not."""
    for held in ours:
        held.close()  # lest it seems that this process is still there when it is gone
    os.umask(mask)
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
