"""The one interface between the agent loop and a model: a turn goes in, events and one reply come out.

How a reply is obtained is left to the modules in `providers.TYPES`, what is done with it to the loop.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

__all__ = [
    "STOPS",
    "Block",
    "Caps",
    "Event",
    "Message",
    "Reply",
    "Stop",
    "Surroundings",
    "TextDelta",
    "ThinkingDelta",
    "ToolCall",
    "Turn",
    "TurnModel",
    "Usage",
    "estimated_usage",
    "once",
]

Block = dict[str, Any]
Message = dict[str, Any]

Stop = Literal[
    "end_turn",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "max_tokens",
    "refusal",
    "model_context_window_exceeded",
]
STOPS: frozenset[str] = frozenset(get_args(Stop))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or several turns. `input` does not contain `cache_write` and `cache_read`.

    cache_write_long: the part of `cache_write` that lives an hour and is dearer
    estimated:        the provider reported nothing, so that four characters were counted as a token
    """

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0
    cache_write_long: int = 0
    estimated: bool = False

    @property
    def prompt(self) -> int:
        """The size of the whole prompt, whatever part of it came from a cache."""
        return self.input + self.cache_write + self.cache_read

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_write + other.cache_write,
            self.cache_read + other.cache_read,
            self.cache_write_long + other.cache_write_long,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Caps:
    """What a provider can do besides answering in text."""

    tools: bool = True
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One request: the conversation so far, to be answered by one reply.

    messages:   `{"role": "user" | "assistant", "content": [block, …]}`, oldest first
    tools:      `{"name", "description", "input_schema"}`
    call_id:    the same for all turns of a call
    prompt:     the prompt as the script gave it, before anything was added
    asked:      the model as the script wrote it; `model` is what it was resolved to
    poll, dir:  the file to be written, if any, and the folder of the tools
    agent, purpose: whom the script asks and what for, if it says so
    position:   where in the run the call is made: step, item, step, …; see `apart`
    schema:     what the answer will be held to; a provider may use it, and need not
    """

    call_id: str
    fn: str
    prompt: str
    asked: str
    model: str
    messages: list[Message]
    dir: Path
    system: str | None = None
    tools: list[dict[str, Any]] = field(default_factory=list)
    max_tokens: int = 32_000
    poll: Path | None = None
    effort: str | None = None
    show_thinking: bool = False
    agent: str | None = None
    purpose: str | None = None
    position: tuple[int, ...] = ()
    schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer, as it arrives."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """A piece of the reasoning that precedes the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asks to be done. `input` is what it sent, unchecked; text if it was no JSON."""

    id: str
    name: str
    input: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete assistant message. `content` is sent back unchanged in the next turn.

    malformed: id of a tool's use → what stood in place of its input, for which `content` has an empty object
    """

    content: list[Block]
    stop: Stop
    usage: Usage = Usage()
    model: str | None = None
    request_id: str | None = None
    category: str | None = None  # of a refusal
    malformed: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(str(block.get("text", "")) for block in self.content if block.get("type") == "text")

    @property
    def calls(self) -> list[ToolCall]:
        return [
            ToolCall(str(block["id"]), str(block["name"]), self.malformed.get(str(block["id"]), block.get("input")))
            for block in self.content
            if block.get("type") == "tool_use"
        ]


Event = TextDelta | ThinkingDelta | Reply


class TurnModel(Protocol):
    """A provider that answers turn by turn."""

    name: str
    caps: Caps

    def turn(self, turn: Turn) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """The events of one reply, the last of which is the `Reply`. Raises `ProviderError`."""
        ...

    async def close(self) -> None:
        """Gives back connections. May be called once, after the last turn."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a provider knows of the run: the project root and the environment it may read.

    log:   takes what programs print, as they print it, for those who look for a fault
    clock: gives the time in Unix seconds
    """

    root: Path
    environment: Mapping[str, str]
    log: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = time.time


async def once(reply: Reply) -> AsyncIterator[Event]:
    """The stream of a provider that answers in one piece."""
    if reply.text:
        yield TextDelta(reply.text)
    yield reply


def estimated_usage(messages: list[Message], content: list[Block]) -> Usage:
    """A guess for providers that report no figures."""
    return Usage(len(str(messages)) // 4, len(str(content)) // 4, estimated=True)
