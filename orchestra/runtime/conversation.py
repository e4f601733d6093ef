"""The loop shared by all providers: turns, tools, retries, and what they cost.

What the first message says and whether the last one will do is decided in `llm_call`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import trio

from orchestra.errors import Note, OrchError
from orchestra.providers import ProviderError, Reply, TextDelta, ThinkingDelta, Turn, TurnModel, Usage
from orchestra.providers.faults import Kind
from orchestra.providers.prices import Price, cost
from orchestra.providers.protocol import Message
from orchestra.runtime.calls import LLMRequest
from orchestra.runtime.limits import Gate
from orchestra.runtime.retry import SLOWING, next_delay
from orchestra.runtime.tools.toolbox import Toolbox, ToolResult

__all__ = ["Conversation", "Line", "TurnsSpent", "as_orch_error"]

Emit = Callable[[str, dict[str, Any]], None]


class TurnsSpent(Exception):
    """The model still wants to go on, but has had all its turns."""


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one model: its id, who answers for it, and how it may be used.

    chance:   gives a random number from 0 to 1
    max_wait: seconds; a longer wait fails the call
    """

    model: str
    provider: TurnModel
    gate: Gate
    price: Price | None
    chance: Callable[[], float]
    max_wait: float


class Conversation:
    """One history with one model, and the count of its turns, attempts, tokens and dollars."""

    def __init__(self, request: LLMRequest, line: Line, toolbox: Toolbox, emit: Emit) -> None:
        self._request = request
        self._line = line
        self._toolbox = toolbox
        self._emit = emit
        self._max_tokens = request.max_tokens
        self._since = 0.0  # when the current attempt got its slot
        self.history: list[Message] = []
        self.turns = 0
        self.attempts = 0
        self.usage = Usage()
        self.cost: float | None = 0.0

    async def say(self, text: str) -> Reply:
        """What the model says to `text` after all the tools it asks for. Raises OrchError, TurnsSpent."""
        self.history.append({"role": "user", "content": [{"type": "text", "text": text}]})
        while True:
            reply = await self._turn()
            if reply.stop == "max_tokens":
                self._allow_more()
                continue
            if reply.content:
                self.history.append({"role": "assistant", "content": reply.content})
            if reply.stop == "tool_use":
                await self._run_tools(reply)
            elif reply.stop != "pause_turn":
                return _checked(reply)

    def _allow_more(self) -> None:
        """A reply that was cut is thrown away, half a tool call with it, and asked for once more."""
        if self._max_tokens > self._request.max_tokens:
            raise OrchError(
                "E707",
                f"the answer was cut after {self._max_tokens} tokens",
                help="raise maxTokens, or ask for less at a time",
            )
        self._max_tokens *= 2

    async def _run_tools(self, reply: Reply) -> None:
        if not reply.calls:
            raise OrchError("E718", "the model stopped for a tool but asked for none")
        for call in reply.calls:
            self._emit("llm:tool_call", {"id": call.id, "name": call.name, "input": call.input})
        results = await self._toolbox.run_all(reply.calls, self._tell_result)
        self.history.append({"role": "user", "content": [result.block() for result in results]})

    def _tell_result(self, result: ToolResult) -> None:
        data = {
            "id": result.call.id,
            "name": result.call.name,
            "is_error": result.is_error,
            "text": result.text,
        }
        self._emit("llm:tool_result", data)

    async def _turn(self) -> Reply:
        """One reply, tried until it comes or there is no point in going on."""
        if self.turns >= self._request.max_turns:
            raise TurnsSpent
        self._check_cost()
        self.turns += 1
        attempt = 0
        while True:
            attempt += 1
            self.attempts += 1
            try:
                reply = await self._receive()
            except ProviderError as error:
                await self._wait(attempt, error)
            else:
                self._line.gate.succeeded()
                self._account(reply)
                return reply

    async def _receive(self) -> Reply:
        reply = None
        async with (
            self._line.gate.slot() as self._since,
            self._line.provider.turn(self._next_turn()) as events,
        ):
            async for event in events:
                if isinstance(event, Reply):
                    reply = event
                else:
                    self._show(event)
        if reply is None:
            raise ProviderError("transient", f"{self._line.provider.name}: the answer has no end")
        return reply

    def _next_turn(self) -> Turn:
        request = self._request
        return Turn(
            call_id=request.call_id,
            fn=request.fn,
            prompt=request.prompt,
            asked=request.model,
            model=self._line.model,
            messages=list(self.history),
            dir=request.dir,
            system=request.system,
            tools=self._toolbox.schemas(),
            max_tokens=self._max_tokens,
            poll=request.poll,
            effort=request.effort,
            show_thinking=request.stream,
        )

    def _show(self, event: TextDelta | ThinkingDelta) -> None:
        if self._request.stream:
            self._emit("llm:text" if isinstance(event, TextDelta) else "llm:thinking", {"text": event.text})

    async def _wait(self, attempt: int, error: ProviderError) -> None:
        """Sleeps before the next attempt, or raises what the error means for the script."""
        delay = next_delay(attempt, error, retries=self._request.retries, chance=self._line.chance())
        if error.kind in SLOWING:
            self._line.gate.slowed(self._since, error.retry_after or 0.0)
        if delay is None:
            raise as_orch_error(error) from None
        if delay > self._line.max_wait or trio.current_time() + delay > trio.current_effective_deadline():
            raise as_orch_error(error, delay) from None
        self._emit("llm:retry", {"delay": delay, "reason": error.message, "attempt": attempt})
        await trio.sleep(delay)

    def _account(self, reply: Reply) -> None:
        spent = cost(self._line.model, reply.usage, self._line.price)
        self.usage += reply.usage
        self.cost = None if self.cost is None or spent is None else self.cost + spent
        self._emit("llm:usage", {"input": reply.usage.prompt, "output": reply.usage.output, "cost": spent})

    def _check_cost(self) -> None:
        limit = self._request.max_cost
        if limit is None:
            return
        if self.cost is None:
            raise OrchError("E712", f"maxCost cannot be kept: the price of {self._line.model} is not known")
        if self.turns and self.cost >= limit:
            raise OrchError("E712", f"the call has cost ${self.cost:.4f}, its maxCost is ${limit:.4f}")


def _checked(reply: Reply) -> Reply:
    if reply.stop == "refusal":
        category = f" ({reply.category})" if reply.category else ""
        raise OrchError("E708", f"the model refused to answer{category}")
    if reply.stop == "model_context_window_exceeded":
        raise OrchError(
            "E709",
            "the conversation no longer fits into the model",
            help="give it less to read, or split the work",
        )
    return reply


# Kind of fault → code, whether the same call may succeed later, whether the run ends, exit code.
MEANING: dict[Kind, tuple[str, bool, bool, int]] = {
    "auth": ("E703", False, True, 1),
    "money": ("E711", True, True, 75),
    "request": ("E718", False, False, 1),
    "rate": ("E711", True, False, 75),
    "overload": ("E711", True, False, 75),
    "transient": ("E716", True, False, 1),
    "timeout": ("E706", True, False, 1),
    "broken": ("E718", False, False, 1),
    "replay": ("E715", False, False, 1),
}


def as_orch_error(error: ProviderError, wait: float | None = None) -> OrchError:
    """What a script gets to see. `wait` is a wait that was too long, in seconds."""
    code, retryable, fatal, exit = MEANING[error.kind]
    later = f"; the next attempt would be in {wait:.0f} s" if wait is not None else ""
    details: dict[str, Any] = {"kind": error.kind}
    if wait is not None or error.retry_after is not None:
        details["retryAfter"] = wait if wait is not None else error.retry_after
    return OrchError(
        code,
        error.message + later,
        help=error.help,
        notes=[Note(note) for note in error.notes],
        exit=exit,
        details=details,
        retryable=retryable,
        fatal=fatal,
    )
