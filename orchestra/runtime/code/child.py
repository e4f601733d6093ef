"""One worker process: its pipes, one call at a time, and its end.

Messages go over two pipes of their own, because standard output and error belong to the code. Which process
gets which call is the business of `workers`.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from subprocess import DEVNULL, PIPE
from typing import Any

import trio

from orchestra.errors import OrchError
from orchestra.runtime.code.calls import CodeCall, OnOutput
from orchestra.runtime.code.wire import message, request
from orchestra.runtime.commands import end_group, exit_code

__all__ = ["Answer", "Child", "Died"]

Answer = Callable[[str, list[Any]], Awaitable[Any]]
"""Runs the host function of that name with these arguments."""


class Died(Exception):
    """The process ended too early."""


class Child:
    """A running worker process. `await Child.start(…)`, any number of `call`s one after the other, `end`."""

    def __init__(self, process: trio.Process, sender: trio.lowlevel.FdStream, receiver: Lines) -> None:
        assert process.stdout and process.stderr
        self._process = process
        self._sender = sender
        self._receiver = receiver
        self._outputs = {"stdout": process.stdout, "stderr": process.stderr}
        self._calls = 0
        self._killed = False

    @classmethod
    async def start(cls, argv: Sequence[str], env: Mapping[str, str]) -> Child:
        """Start a worker program, which gets the numbers of its two pipes as its last arguments.

        Returns when the program is ready. Raises `Died` when it ends before that.
        """
        request_end, sender = os.pipe()
        receiver, reply_end = os.pipe()
        try:
            process = await trio.lowlevel.open_process(
                [*argv, str(request_end), str(reply_end)],
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                env=env,
                pass_fds=(request_end, reply_end),
                start_new_session=True,  # out of reach of the terminal's Ctrl-C, and killed as a group
            )
        except BaseException:
            os.close(sender)
            os.close(receiver)
            raise
        finally:
            os.close(request_end)
            os.close(reply_end)
        child = cls(process, trio.lowlevel.FdStream(sender), Lines(trio.lowlevel.FdStream(receiver)))
        await child._greet()
        return child

    async def _greet(self) -> None:
        try:
            if await self._receiver.next() is None:
                raise Died
        except BaseException:
            await self.end()
            raise

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int:
        """The exit code of a process that has ended."""
        return exit_code(self._process)

    async def call(self, call: CodeCall, answer: Answer) -> tuple[dict[str, Any], str, str]:
        """The worker's last message about the call, and what the code printed on both streams. Raises `Died`."""
        self._calls += 1
        mark = f"\0{self._calls}\0"
        printed: list[str] = []
        warned: list[str] = []
        failed: BaseException | None = None
        reply: dict[str, Any] = {}
        async with trio.open_nursery() as watch:
            watch.start_soon(self._close_pipes_on_death)
            async with trio.open_nursery() as output:
                output.start_soon(read_to_mark, self._outputs["stdout"], mark, printed, _named("stdout", call))
                output.start_soon(read_to_mark, self._outputs["stderr"], mark, warned, _named("stderr", call))
                try:
                    reply = await self._converse(request(call, mark), answer)
                except trio.Cancelled:
                    raise
                except Died as error:
                    failed = error
                    await self._kill()  # so that the output ends; what was printed so far is still read
                except BaseException as error:  # kept, because the nurseries would wrap it in a group
                    failed = error
                    watch.cancel_scope.cancel()
            watch.cancel_scope.cancel()
        if failed is not None:
            raise failed
        return reply, "".join(printed), "".join(warned)

    async def _converse(self, opening: bytes, answer: Answer) -> dict[str, Any]:
        await self._send(opening)
        while True:
            line = await self._receiver.next()
            if line is None:
                raise Died
            reply: dict[str, Any] = json.loads(line)
            if "host" not in reply:
                return reply
            await self._send(await _answered(reply, answer))

    async def _send(self, data: bytes) -> None:
        try:
            await self._sender.send_all(data)
        except trio.BrokenResourceError:
            raise Died from None

    async def _close_pipes_on_death(self) -> None:
        """What the code started may hold the pipes open when the worker is gone, and we would wait for it."""
        await self._process.wait()
        await self._kill()

    async def end(self) -> None:
        """Kill the process and all it started, and reap it, even while being cancelled."""
        with trio.CancelScope(shield=True):
            await self._kill()
            streams: list[trio.abc.AsyncResource] = [self._sender, self._receiver, *self._outputs.values()]
            for stream in streams:
                await stream.aclose()

    async def _kill(self) -> None:
        if not self._killed:
            self._killed = True
            await end_group(self._process)


async def _answered(asked: Mapping[str, Any], answer: Answer) -> bytes:
    try:
        return message({"value": await answer(asked["host"], asked["args"])})
    except OrchError as error:
        return message({"error": error.message})


def _named(name: str, call: CodeCall) -> Callable[[str], None]:
    tell: OnOutput | None = call.on_output
    return (lambda text: tell(name, text)) if tell is not None else (lambda _: None)


class Lines(trio.abc.AsyncResource):
    """The lines that arrive on a stream."""

    def __init__(self, stream: trio.lowlevel.FdStream) -> None:
        self._stream = stream
        self._rest = b""

    async def next(self) -> bytes | None:
        """The next line, or None at the end; a line without its end does not count."""
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            chunk = await self._stream.receive_some()
            if not chunk:
                return None
            parts.append(chunk)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    async def aclose(self) -> None:
        await self._stream.aclose()


async def read_to_mark(stream: trio.abc.ReceiveStream, mark: str, into: list[str], tell: Callable[[str], None]) -> None:
    """Read up to `mark`, or to the end of the stream; bytes that are no UTF-8 are replaced."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    sought, pending, found = mark.encode(), b"", -1
    while found < 0:
        chunk = await stream.receive_some()
        pending += chunk
        found = pending.find(sought)
        ready = found if found >= 0 else len(pending) if not chunk else _before_half_mark(pending, sought)
        text = decoder.decode(pending[:ready], final=found >= 0 or not chunk)
        pending = pending[ready:]
        if text:
            into.append(text)
            tell(text)
        if not chunk:
            return


def _before_half_mark(data: bytes, mark: bytes) -> int:
    """Where the beginning of a mark may stand at the end of `data`."""
    start = max(0, len(data) - len(mark) + 1)
    while start < len(data) and not mark.startswith(data[start:]):
        start += 1
    return start
