"""Runs shell commands as process groups that never outlive the call that started them.

What the command says is decided in `nodes.shell_text`; what a failure means to the script is the caller's.
"""

from __future__ import annotations

import codecs
import math
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any, Literal

import trio

from orchestra.errors import OrchError
from orchestra.nodes.shell_text import variable_text

__all__ = ["CommandRequest", "CommandResult", "end_group", "exit_code", "failure", "last_lines", "run_command"]

EXPORTED_VALUE = 64 * 1024  # bytes; the kernel takes 128 KiB in one string
EXPORTED_TOTAL = 1024 * 1024  # bytes; the kernel takes about 2 MiB of arguments and environment together
SHOWN_COMMAND = 200  # characters
SHOWN_LINES = 20
GRACE = 1.0  # seconds between SIGTERM and SIGKILL

OnChunk = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """One command, ready to run.

    text:     what the shell executes
    shell:    "sh" runs /bin/sh, "bash" the bash on the path
    params:   become variables of the shell, exported unless they are large; hyphens in names become `_`
    stdin:    text for standard input; None closes it
    env:      the whole environment, params excepted
    timeout:  seconds, None for no limit
    on_chunk: is told ("stdout" or "stderr", text) as output arrives; must not raise
    """

    text: str
    cwd: Path
    env: Mapping[str, str]
    shell: Literal["sh", "bash"] = "sh"
    params: Mapping[str, Any] = field(default_factory=dict)
    stdin: str | None = None
    timeout: float | None = None
    on_chunk: OnChunk | None = None


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What came of it: output as printed, exit code (128 + n after signal n), duration in milliseconds."""

    stdout: str
    stderr: str
    exit: int
    ms: int


async def run_command(request: CommandRequest) -> CommandResult:
    """Run to the end and report, whatever the exit code.

    Raises E402 for a folder that does not exist, E505 without the shell, E502 for text that no process can
    be given and E503 after the time limit. After time-out or cancellation the whole process group is dead.
    """
    started = trio.current_time()
    output: dict[str, list[str]] = {"stdout": [], "stderr": []}

    def result(exit: int) -> CommandResult:
        ms = round((trio.current_time() - started) * 1000)
        return CommandResult("".join(output["stdout"]), "".join(output["stderr"]), exit, ms)

    with _invocation(request) as (argv, env):
        process = await _start(request, argv, env)
        complete = False
        try:
            with trio.move_on_after(math.inf if request.timeout is None else request.timeout):
                await _converse(process, request, output)
                complete = True
        finally:
            if not complete:  # even when the shell is gone, what it left in the background may be running
                await end_group(process)
            await _close_pipes(process)
    if not complete:
        raise _timed_out(request, result(exit_code(process)))
    return result(exit_code(process))


def failure(request: CommandRequest, result: CommandResult) -> OrchError:
    """The error of a command that exited non-zero."""
    return OrchError("E501", f"command failed with exit code {result.exit}", details=_details(request, result))


def _timed_out(request: CommandRequest, result: CommandResult) -> OrchError:
    message = f"command ran longer than {request.timeout:g} s and was stopped"
    return OrchError("E503", message, details=_details(request, result), retryable=True)


def _details(request: CommandRequest, result: CommandResult) -> dict[str, Any]:
    command = request.text.strip()
    if len(command) > SHOWN_COMMAND:
        command = command[: SHOWN_COMMAND - 1] + "…"
    return {
        "command": command,
        "exitCode": result.exit,
        "duration": result.ms,
        "stdout": last_lines(result.stdout),
        "stderr": last_lines(result.stderr),
        "workingDirectory": str(request.cwd),
    }


def last_lines(text: str) -> str:
    """The end of an output, as much as an error shows of it."""
    return "\n".join(text.rstrip().splitlines()[-SHOWN_LINES:])


# ── what the shell is given ──────────────────────────────────────────────────────────────────────


@contextmanager
def _invocation(request: CommandRequest) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Command line and environment; text and values too large for them go through a script file."""
    variables = {name.replace("-", "_"): variable_text(value) for name, value in request.params.items()}
    texts = {"the command": request.text, **{f"@{name}": text for name, text in variables.items()}}
    for name, text in texts.items():
        _refuse_nul(name, text)
    exported, large = _divide(variables)
    env = {**request.env, **exported}
    shell = _shell(request)
    if not large and len(request.text.encode(errors="replace")) <= EXPORTED_VALUE:
        yield [shell, "-c", "--", _encodable(request.text)], env
        return
    lines = [*(f"{name}={shlex.quote(text)}" for name, text in large.items()), request.text]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace", prefix="orch-") as script:
        script.write("\n".join(lines))
        script.flush()
        yield [shell, script.name], env


def _divide(variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Variables that fit into the environment, and those that do not."""
    exported: dict[str, str] = {}
    large: dict[str, str] = {}
    total = 0
    for name, text in variables.items():
        size = len(text.encode(errors="replace"))
        if size > EXPORTED_VALUE or total + size > EXPORTED_TOTAL:
            large[name] = text
        else:
            exported[name] = _encodable(text)
            total += size
    return exported, large


def _encodable(text: str) -> str:
    """`text` with lone surrogates, which no process can be given, as question marks."""
    return text.encode(errors="replace").decode()


def _refuse_nul(name: str, text: str) -> None:
    if "\0" in text:
        raise OrchError("E502", f"{name} contains a NUL character, which no command can take")


def _shell(request: CommandRequest) -> str:
    if request.shell == "sh":
        return "/bin/sh"
    found = shutil.which("bash", path=request.env.get("PATH"))
    if found is None:
        raise OrchError("E505", "bash is not on the path", help="install bash, or use cmd { … }")
    return found


# ── the process ──────────────────────────────────────────────────────────────────────────────────


async def _start(request: CommandRequest, argv: list[str], env: dict[str, str]) -> trio.Process:
    if not request.cwd.is_dir():
        raise OrchError("E402", f"the folder {request.cwd} does not exist")
    return await trio.lowlevel.open_process(
        argv,
        stdin=DEVNULL if request.stdin is None else PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=request.cwd,
        env=env,
        start_new_session=True,  # so that the terminal's Ctrl-C reaches only us, and the group can be killed
    )


async def _converse(process: trio.Process, request: CommandRequest, output: dict[str, list[str]]) -> None:
    assert process.stdout and process.stderr
    async with trio.open_nursery() as nursery:
        if process.stdin is not None:
            nursery.start_soon(_feed, process.stdin, request.stdin or "")
        nursery.start_soon(_collect, process.stdout, "stdout", output["stdout"], request.on_chunk)
        nursery.start_soon(_collect, process.stderr, "stderr", output["stderr"], request.on_chunk)
        await process.wait()


async def _feed(stream: trio.abc.SendStream, text: str) -> None:
    try:
        await stream.send_all(text.encode(errors="replace"))
    except trio.BrokenResourceError:
        pass  # the command does not want to read more, as `head` does
    await stream.aclose()


async def _collect(stream: trio.abc.ReceiveStream, name: str, into: list[str], tell: OnChunk | None) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    async for chunk in stream:
        _keep(decoder.decode(chunk), name, into, tell)
    _keep(decoder.decode(b"", final=True), name, into, tell)


def _keep(text: str, name: str, into: list[str], tell: OnChunk | None) -> None:
    if text:
        into.append(text)
        if tell is not None:
            tell(name, text)


async def end_group(process: trio.Process) -> None:
    """Stop the process and all it started, politely first, and reap it even while being cancelled."""
    with trio.CancelScope(shield=True):
        _signal(process, signal.SIGTERM)
        with trio.move_on_after(GRACE):
            await process.wait()
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: trio.Process, number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


async def _close_pipes(process: trio.Process) -> None:
    with trio.CancelScope(shield=True):
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                await stream.aclose()


def exit_code(process: trio.Process) -> int:
    """The exit code of a process that has ended; 128 + n after signal n, as shells say it."""
    code = process.returncode
    assert code is not None
    return code if code >= 0 else 128 - code
