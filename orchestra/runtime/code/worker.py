"""The program of a worker process that runs blocks of Python.

It is started by path with the Python of the user, so it uses the standard library alone, back to Python 3.8.
What a block prints is its value; requests and replies are lines of JSON on the two pipes named as arguments.
"""

from __future__ import annotations

import io
import json
import linecache
import os
import sys
import threading
import traceback
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = "<block>"
FUNCTION = "<function "


class HostError(Exception):
    """A function of the script failed."""


class Channel:
    """The two pipes to the parent process."""

    def __init__(self, requests: int, replies: int) -> None:
        for descriptor in (requests, replies):
            os.set_inheritable(descriptor, False)
        self._requests = os.fdopen(requests, "rb")
        self._replies = os.fdopen(replies, "wb", 0)

    def receive(self) -> dict[str, Any] | None:
        line = self._requests.readline()
        return json.loads(line) if line else None

    def send(self, reply: dict[str, Any]) -> None:
        line = memoryview(json.dumps(reply).encode() + b"\n")
        while line:
            line = line[self._replies.write(line) or 0 :]

    def ask(self, name: str, arguments: list[Any]) -> Any:
        """The result of a function that only the parent can run."""
        self.send({"host": name, "args": arguments})
        answer = self.receive()
        if answer is None:
            raise SystemExit(1)
        if "error" in answer:
            raise HostError(answer["error"])
        return answer["value"]


def serve(channel: Channel, run: Callable[[dict[str, Any], Channel], dict[str, Any]]) -> None:
    """Say that we are ready, then answer requests until the parent closes the pipe."""
    channel.send({})
    while True:
        request = channel.receive()
        if request is None:
            return
        os.chdir(request["cwd"])
        reply = run(request, channel)
        for stream in (sys.stdout, sys.stderr):
            stream.write(request["mark"])
            stream.flush()
        channel.send(reply)


# ── what the code sees ───────────────────────────────────────────────────────────────────────────


class ScriptList(list):  # type: ignore[type-arg]
    """An array of the script. `mx` holds what is known about it: labels, taint, sources, file name …"""

    mx: dict[str, Any]


class ScriptDict(dict):  # type: ignore[type-arg]
    """An object of the script. `mx` holds what is known about it: labels, taint, sources, file name …"""

    mx: dict[str, Any]


class ScriptTools:
    """What a block sees as `orch`, and under the name that published scripts use."""

    @staticmethod
    def is_variable(value: Any) -> bool:
        """Whether `value` is an array or object that the script passed."""
        return isinstance(value, (ScriptList, ScriptDict))


class Doubled:
    """A standard output that also remembers what a helper prints."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._parts: list[str] = []

    def write(self, text: str) -> int:
        self._parts.append(text)
        self._stream.write(text)
        return len(text)

    def text(self) -> str:
        return "".join(self._parts).rstrip()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def surroundings(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Fresh globals of a block: helpers, then parameters, which win."""
    module = ModuleType("__main__")
    sys.modules["__main__"] = module  # dataclasses, pickle and typing look their module up there
    names = module.__dict__
    names["orch"] = names["mlld"] = ScriptTools()  # published scripts know the second name
    for name, shadow in request["shadow"].items():
        names[name] = host_function(name, channel) if "host" in shadow else helper(name, shadow, names)
    names.update({name: parameter(param, names) for name, param in request["params"].items()})
    return names


def parameter(param: dict[str, Any], names: dict[str, Any]) -> Any:
    if "function" in param:
        return names[param["function"]]
    if "number" in param:
        return float(param["number"].replace("Infinity", "inf"))
    value = param.get("data")
    if isinstance(value, list):
        value = ScriptList(value)
        value.mx = param["mx"]
    elif isinstance(value, dict):
        value = ScriptDict(value)
        value.mx = param["mx"]
    return value


def host_function(name: str, channel: Channel) -> Callable[..., Any]:
    return lambda *arguments: channel.ask(name, list(arguments))


def helper(name: str, shadow: dict[str, Any], names: dict[str, Any]) -> Callable[..., str]:
    """A function that runs the source of `shadow`; it prints, and returns what it printed."""

    def call(*arguments: Any) -> str:
        given = dict.fromkeys(shadow["params"])
        given.update(zip(shadow["params"], arguments))  # noqa: B905 - `strict` came with Python 3.10
        before = sys.stdout
        sys.stdout = doubled = Doubled(before)
        try:
            execute(shadow["code"], f"{FUNCTION}{name}>", {**names, **given})
        finally:
            sys.stdout = before
        return doubled.text()

    return call


# ── running ──────────────────────────────────────────────────────────────────────────────────────


def execute(code: str, place: str, names: dict[str, Any]) -> None:
    linecache.cache[place] = (len(code), None, code.splitlines(True), place)
    exec(compile(code, place, "exec", dont_inherit=True), names)


def run_block(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Run one block with globals of its own; the process is as before afterwards."""
    environment, path, streams = dict(os.environ), list(sys.path), (sys.stdin, sys.stdout, sys.stderr)
    threads = threading.active_count()
    os.environ.update(request["env"])
    if request["stdin"] is not None:
        sys.stdin = io.TextIOWrapper(io.BytesIO(request["stdin"].encode(errors="replace")), encoding="utf-8")
    try:
        reply = outcome(request, channel)
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        sys.path[:] = path
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
    if threading.active_count() > threads:
        reply["spent"] = True
    return reply


def outcome(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    try:
        execute(request["code"], BLOCK, surroundings(request, channel))
    except SystemExit as end:
        return ended(end.code)
    except BaseException as error:
        return {"error": described(error)}
    return {}


def ended(code: Any) -> dict[str, Any]:
    """`sys.exit(text)` prints the text and means 1, as everywhere in Python."""
    if code is None or isinstance(code, int):
        return {"exit": code} if code else {}
    print(code, file=sys.stderr)
    return {"exit": 1}


def described(error: BaseException) -> dict[str, Any]:
    name = type(error).__name__
    if isinstance(error, HostError):
        text = str(error)
    elif isinstance(error, SyntaxError) and error.msg:
        text = f"{name}: {error.msg}"
    else:
        text = f"{name}: {error}" if str(error) else name
    report = traceback.TracebackException(type(error), error, error.__traceback__)
    reduce(report)
    return {
        "message": text,
        "name": name,
        "line": line_of(error, report),
        "traceback": "".join(report.format()),
    }


def reduce(report: traceback.TracebackException | None) -> None:
    """Leave only lines of the block and its helpers in a traceback and those it came from."""
    while report is not None:
        report.stack[:] = [frame for frame in report.stack if frame.filename.startswith((BLOCK, FUNCTION))]
        report = report.__cause__ or report.__context__


def line_of(error: BaseException, report: traceback.TracebackException) -> int | None:
    """The last line of the block that was running, counted from 1."""
    if isinstance(error, SyntaxError) and error.filename == BLOCK:
        return error.lineno
    lines = [frame.lineno for frame in report.stack if frame.filename == BLOCK]
    return lines[-1] if lines else None


def prepare() -> Channel:
    """Make the process look like `python3 -c`, apart from the pipes."""
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    sys.argv[:] = ["-c"]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="replace")  # type: ignore[union-attr]
    return channel


if __name__ == "__main__":
    pipes = prepare()
    sys.path[0] = ""  # imports look in the folder of the script, not in ours
    serve(pipes, run_block)
