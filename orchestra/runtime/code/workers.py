"""Runs blocks of Python and JavaScript in worker processes that live as long as the run.

What a value means to the script is decided by the caller; the processes themselves are `child`.
"""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import trio

from orchestra.errors import OrchError
from orchestra.runtime.code.calls import CodeCall, CodeResult, HostFunction, Lang, OnOutput, Shadow
from orchestra.runtime.code.child import Child, Died
from orchestra.runtime.code.wire import data, outcome

__all__ = ["CodeWorkers"]

MOST = 20  # processes of one kind that work at the same time
PATIENCE = 0.05  # seconds without progress after which waiting calls get more processes
HERE = Path(__file__).parent
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class CodeWorkers:
    """The worker processes of one run. Close it in any case: `async with CodeWorkers(env) as workers`.

    env:   the environment of the processes; its PATH decides which Python and Node are used
    width: processes of one kind at first (default: number of processors). When all of them are busy and none
           gets done, there will be more, up to 20, so that calls which wait do not hold up others.
    """

    def __init__(self, env: Mapping[str, str], width: int | None = None) -> None:
        self._env = env
        self._width = width or os.cpu_count() or 1
        self._pools: dict[tuple[str, ...], _Pool] = {}

    async def __aenter__(self) -> CodeWorkers:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def run(
        self,
        lang: Lang,
        code: str,
        params: Mapping[str, Any],
        shadow: Mapping[str, Shadow],
        cwd: Path,
        timeout: float | None = None,
        on_output: OnOutput | None = None,
        env: Mapping[str, str] = NO_VARIABLES,
        stdin: str | None = None,
    ) -> CodeResult:
        """Run one block. `timeout` in seconds; `on_output` is told (stream, text) as the code prints.

        Raises E504 for an exception, an exit code or the death of the process, E503 after the time limit,
        E505 without an interpreter, E402 for a folder that does not exist. A host function's own error comes
        back as it was raised, unless the code caught it.
        """
        if not cwd.is_dir():
            raise OrchError("E402", f"the folder {cwd} does not exist")
        call = CodeCall(lang, code, cwd, params, shadow, timeout, on_output, env, stdin)
        argv = _program(lang, self._env.get("PATH"))
        pool = self._pools.setdefault(argv, _Pool(argv, self._env, self._width))
        with trio.move_on_after(math.inf if timeout is None else timeout):
            return await pool.run(call)
        raise OrchError("E503", f"{lang} code ran longer than {timeout:g} s and was stopped", retryable=True)

    async def close(self) -> None:
        """End all processes, also while being cancelled."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.close()


def _program(lang: Lang, path: str | None) -> tuple[str, ...]:
    """The command line of the worker program for a language."""
    if lang == "py":
        python = shutil.which("python3", path=path) or sys.executable
        return python, "-X", "utf8", str(HERE / "worker.py")
    node = shutil.which("node", path=path)
    if node is not None:
        return node, str(HERE / "worker.cjs")
    if lang == "node":
        raise OrchError("E505", "node code needs Node.js, which is not on the path", help="install Node.js")
    if importlib.util.find_spec("py_mini_racer") is None:
        raise OrchError(
            "E505",
            "js code needs Node.js or mini-racer, and neither is installed",
            help="install Node.js, or pip install 'orch[js]'",
        )
    return sys.executable, "-X", "utf8", str(HERE / "isolate.py")


class _Pool:
    """The processes that run one program."""

    def __init__(self, argv: tuple[str, ...], env: Mapping[str, str], width: int) -> None:
        self._argv = argv
        self._env = env
        self._limit = min(width, MOST)  # of calls that work at the same time
        self._idle: list[Child] = []
        self._working = 0  # calls in progress, those that wait for a host function not counted
        self._starting = 0
        self._progress = -math.inf  # when a process was ready, a call ended or the limit rose
        self._waiting = trio.lowlevel.ParkingLot()
        self._closed = False

    async def run(self, call: CodeCall) -> CodeResult:
        await self._turn()
        try:
            return await self._run(call)
        finally:
            self._leave()

    async def _turn(self) -> None:
        """Wait until this call may work, and count it."""
        while self._working >= self._limit:
            with trio.move_on_after(PATIENCE if self._limit < MOST else math.inf) as patience:
                await self._waiting.park()
            if patience.cancelled_caught:
                self._widen()
        self._working += 1

    def _widen(self) -> None:
        """Raise the limit if the calls at work seem to wait for something."""
        now = trio.current_time()
        if not self._starting and now >= self._progress + PATIENCE:
            self._progress = now
            self._limit = min(2 * self._limit, MOST)
            self._waiting.unpark_all()

    def _leave(self) -> None:
        self._working -= 1
        self._progress = trio.current_time()
        self._waiting.unpark()

    async def _run(self, call: CodeCall) -> CodeResult:
        hosts = _Hosts(call, self)
        child = await self._child()
        try:
            reply, printed, warned = await child.call(call, hosts.answer)
        except Died:
            await child.end()
            raise _death(call, child.exit_code) from None
        except BaseException:
            await child.end()
            raise
        if self._closed or reply.get("spent") or "exit" in reply:
            await child.end()
        else:
            self._idle.append(child)
        hosts.raise_own_error(reply)
        return outcome(call, reply, printed, warned)

    async def _child(self) -> Child:
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            await child.end()
        self._starting += 1
        try:
            return await Child.start(self._argv, self._env)
        except Died:
            raise OrchError("E505", f"{self._argv[0]} cannot be used, it ended at once") from None
        finally:
            self._starting -= 1
            self._progress = trio.current_time()

    async def lend(self, function: HostFunction, arguments: list[Any]) -> Any:
        """Run a host function. Its call counts as idle meanwhile: the function may need processes itself."""
        self._leave()
        try:
            return data(await function(*arguments))
        finally:
            self._working += 1

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            await self._idle.pop().end()


class _Hosts:
    """The host functions of one call, and the error of the last of them that failed."""

    def __init__(self, call: CodeCall, pool: _Pool) -> None:
        self._functions = {name.replace("-", "_"): helper.host for name, helper in call.shadow.items() if helper.host}
        self._pool = pool
        self._error: OrchError | None = None

    async def answer(self, name: str, arguments: list[Any]) -> Any:
        try:
            return await self._pool.lend(self._functions[name], arguments)
        except OrchError as error:
            self._error = error
            raise

    def raise_own_error(self, reply: Mapping[str, Any]) -> None:
        """A host function's error that the code let pass is more than the exception made of it."""
        ending = reply.get("error")
        if self._error is not None and ending and ending["message"].endswith(self._error.message):
            raise self._error


def _death(call: CodeCall, code: int) -> OrchError:
    return OrchError(
        "E504",
        f"the process of the {call.lang} code ended in the middle of it, with exit code {code}",
        details={"language": call.lang, "exitCode": code},
    )
