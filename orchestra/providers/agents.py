"""The second interface to models: a program with tools and a loop of its own gets a whole errand, not a turn.

What the errand is for, how often it is tried and what its answer is worth is decided in `runtime.session`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from orchestra.providers.protocol import Stop, TextDelta, ThinkingDelta, ToolCall, Usage

__all__ = ["AgentEvent", "AgentModel", "Errand", "Returned", "Step", "ToolAnswer"]


@dataclass(frozen=True, slots=True)
class Errand:
    """What an agent is to do, in one go.

    retold:   the whole story, for an agent that cannot go on with `session`
    tools:    names of the tools it may have, None for those that it has by itself
    grants:   what it may do with them, in the notation of scripts: `Bash(git:*)`
    denials:  likewise what it may not do
    schema:   the form of its answer
    session:  an earlier errand that this one goes on with
    name:     what the session is to be called
    written:  gives a stamp of the file that was asked for, None as long as this errand has not written it
    """

    text: str
    retold: str
    model: str
    dir: Path
    system: str | None = None
    tools: tuple[str, ...] | None = None
    grants: tuple[str, ...] = ()
    denials: tuple[str, ...] = ()
    max_turns: int = 50
    max_tokens: int | None = None
    max_cost: float | None = None
    effort: str | None = None
    schema: dict[str, Any] | None = None
    session: str | None = None
    name: str | None = None
    bare: bool = False
    stream: bool = False
    written: Callable[[], Hashable | None] | None = None


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool of the agent gave it."""

    id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something that only those want to know who look for a fault."""

    text: str


@dataclass(frozen=True, slots=True)
class Returned:
    """How the errand ended. `cost` is in dollars, None if the agent does not say; `session` may be gone on with."""

    text: str
    stop: Stop | Literal["turns", "cost"]
    usage: Usage
    cost: float | None
    turns: int
    session: str | None


AgentEvent = TextDelta | ThinkingDelta | ToolCall | ToolAnswer | Step | Returned


@runtime_checkable
class AgentModel(Protocol):
    """A provider that is handed whole errands."""

    name: str

    def errand(self, errand: Errand) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """What happens, the last of which is the `Returned`. Raises `ProviderError`; leaves no process behind."""
        ...

    async def close(self) -> None:
        """May be called once, after the last errand."""
        ...
