"""A model that is a program: one process per turn, JSON on standard input and JSON on standard output.

The loop, the tools and their permissions stay with us; the program only says what the model says.

The program is started in the project root, reads one object

    {"version": 1, "model": "small", "system": "…" | null, "max_tokens": 32000,
     "messages": [{"role": "user", "content": [{"type": "text", "text": "…"}]}, …],
     "tools": [{"name": "Read", "description": "…", "input_schema": {…}}, …]}

and writes one object, then exits with 0:

    {"content": [{"type": "text", "text": "…"},
                 {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "a.md"}}],
     "stop": "tool_use",
     "usage": {"input": 1200, "output": 80}}

`content` may be a plain string. `stop` is `end_turn`, `tool_use`, `max_tokens` or `refusal`; without it, it
is `tool_use` if a tool is asked for and `end_turn` otherwise. Results of tools come back in the next turn as
blocks `{"type": "tool_result", "tool_use_id": "t1", "content": "…", "is_error": true}` of a user message.
Without `usage` tokens are estimated. A limit or fault is reported, with exit code 0, as

    {"error": {"status": 429, "message": "…", "retry_after": 20}}
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from orchestra.errors import OrchError
from orchestra.providers.child import Finished, run_child
from orchestra.providers.faults import ProviderError, fault
from orchestra.providers.protocol import (
    STOPS,
    Block,
    Caps,
    Event,
    Reply,
    Stop,
    Surroundings,
    Turn,
    Usage,
    estimated_usage,
    once,
)

__all__ = ["CommandModel", "open_model", "read_reply"]

WIRE_VERSION = 1
TIMEOUT = 600.0  # seconds a program may take for one turn unless configured
TAIL = 5  # lines of stderr that are shown
EXCERPT = 200


def open_model(name: str, settings: Mapping[str, Any], around: Surroundings) -> CommandModel:
    """The provider `name`, from its table: `command` (list of words) and `timeout` (seconds). Raises E812."""
    command, timeout = settings.get("command"), settings.get("timeout", TIMEOUT)
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise OrchError(
            "E812",
            f'provider "{name}" needs a command',
            help='command = ["python3", "tools/model.py"]',
        )
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise OrchError("E812", f'timeout of provider "{name}" must be a number of seconds', help="timeout = 60")
    return CommandModel(name, command, float(timeout), around)


class CommandModel:
    """See the module's description for what the program reads and writes."""

    caps = Caps()

    def __init__(self, name: str, command: list[str], timeout: float, around: Surroundings) -> None:
        self.name = name
        self._command = command
        self._timeout = timeout
        self._around = around

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[AsyncIterator[Event]]:
        yield once(self._reply(await self._run(turn), turn))

    async def close(self) -> None:
        """Nothing outlives a turn."""

    async def _run(self, turn: Turn) -> Finished:
        try:
            done = await run_child(
                self._command,
                cwd=self._around.root,
                environment=self._around.environment,
                input=json.dumps(_request(turn)).encode(),
                timeout=self._timeout,
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise ProviderError(
                "broken", f'{self.name}: the program "{self._command[0]}" cannot be started: {reason}'
            ) from None
        if done.overflow:
            raise self._broken("printed more than 16 MiB", done)
        if done.code is None:
            raise ProviderError(
                "timeout",
                f"{self.name}: the program gave no answer within {self._timeout:g} s",
                final=True,
                notes=_tail(done),
            )
        return done

    def _reply(self, done: Finished, turn: Turn) -> Reply:
        if done.code:
            ending = f"exited with {done.code}" if done.code > 0 else f"was killed by signal {-done.code}"
            raise self._broken(ending, done)
        text = done.stdout.decode("utf-8", "replace").strip()
        if not text:
            raise self._broken("printed nothing", done)
        try:
            data = json.loads(text)
        except ValueError:
            raise self._broken(f"printed something that is not JSON: {text[:EXCERPT]}", done) from None
        if isinstance(data, dict) and "error" in data:
            raise fault(data["error"], self.name)
        try:
            return read_reply(data, turn)
        except ValueError as error:
            raise self._broken(f"gave a wrong answer: {error}", done) from None

    def _broken(self, what: str, done: Finished) -> ProviderError:
        return ProviderError("broken", f"{self.name}: the program {what}", notes=_tail(done))


def _request(turn: Turn) -> dict[str, Any]:
    return {
        "version": WIRE_VERSION,
        "model": turn.model,
        "system": turn.system,
        "messages": turn.messages,
        "tools": turn.tools,
        "max_tokens": turn.max_tokens,
    }


def _tail(done: Finished) -> tuple[str, ...]:
    lines = done.stderr.decode("utf-8", "replace").rstrip().splitlines()
    return tuple(f"stderr: {line}" for line in lines[-TAIL:])


def read_reply(data: object, turn: Turn) -> Reply:
    """The reply that a program wrote. Raises ValueError saying what is wrong with it."""
    if not isinstance(data, dict) or "content" not in data:
        raise ValueError('an object with "content" is expected')
    content = data["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise ValueError('"content" must be a list of blocks or a string')
    blocks = [_block(block, number) for number, block in enumerate(content, 1)]
    return Reply(blocks, _stop(data.get("stop"), blocks), _usage(data.get("usage"), turn, blocks))


def _block(block: object, number: int) -> Block:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(block, dict) or not isinstance(kind, str):
        raise ValueError(f"block {number} has no type")
    if kind == "text" and not isinstance(block.get("text"), str):
        raise ValueError(f'block {number}: "text" must be a string')
    if kind == "tool_use":
        if not isinstance(block.get("name"), str):
            raise ValueError(f'block {number}: "name" of the tool is missing')
        return {**block, "id": str(block.get("id") or f"call-{number}"), "input": block.get("input") or {}}
    return block


def _stop(stop: object, blocks: list[Block]) -> Stop:
    if stop is None:
        return "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    if not isinstance(stop, str) or stop not in STOPS:
        raise ValueError(f'"stop" is {json.dumps(stop)}')
    known: Stop = stop  # type: ignore[assignment]  # the set holds exactly the literals of the type
    return known


def _usage(usage: object, turn: Turn, blocks: list[Block]) -> Usage:
    if not isinstance(usage, dict):
        return estimated_usage(turn.messages, blocks)
    names = ("input", "output", "cache_write", "cache_read")
    counts = [usage.get(name, 0) for name in names]
    if any(isinstance(count, bool) or not isinstance(count, int) or count < 0 for count in counts):
        raise ValueError('"usage" must hold whole numbers')
    return Usage(*counts)
