"""What every way of talking to a model shares: attempts at its gate, and the count of what they cost.

Talking turn by turn, with our own tools, is `conversation`; handing all of it to an agent program is `errands`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import trio

from orchestra.errors import Note, OrchError
from orchestra.providers import ProviderError, Reply, TextDelta, ThinkingDelta, Usage
from orchestra.providers.faults import Kind
from orchestra.providers.prices import Price, cost
from orchestra.providers.protocol import Message
from orchestra.runtime.calls import LLMRequest
from orchestra.runtime.limits import Gate
from orchestra.runtime.retry import SLOWING, WAITED_FOR, next_delay

__all__ = ["Dialogue", "Emit", "Line", "TurnsSpent", "as_orch_error", "checked"]

T = TypeVar("T")

Emit = Callable[[str, dict[str, Any]], None]


class TurnsSpent(Exception):
    """The model still wants to go on, but has had all its turns."""


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one model: its id and how it may be used.

    chance:   gives a random number from 0 to 1
    max_wait: seconds; a longer wait fails the call
    """

    model: str
    gate: Gate
    price: Price | None
    chance: Callable[[], float]
    max_wait: float


class Dialogue(ABC):
    """One history with one model, and the count of its turns, attempts, tokens and dollars."""

    def __init__(self, request: LLMRequest, line: Line, emit: Emit) -> None:
        self._request = request
        self._line = line
        self._emit = emit
        self._since = 0.0  # when the current attempt got its slot
        self.history: list[Message] = []
        self.turns = 0
        self.attempts = 0
        self.usage = Usage()
        self.cost: float | None = 0.0

    @abstractmethod
    async def say(self, text: str) -> Reply:
        """What the model says to `text` when it has done all it wants to do. Raises OrchError, TurnsSpent."""

    async def _patiently(self, receive: Callable[[], Awaitable[T]]) -> T:
        """What `receive` gets, tried until it comes or there is no point in going on. Raises OrchError."""
        attempt = 0
        while True:
            attempt += 1
            self.attempts += 1
            try:
                async with self._line.gate.slot() as self._since:
                    received = await receive()
            except ProviderError as error:
                await self._wait(attempt, error)
            else:
                self._line.gate.accepted(self._since)
                self._line.gate.succeeded(self._since)
                return received

    def _show(self, event: TextDelta | ThinkingDelta) -> None:
        if self._request.stream:
            self._emit("llm:text" if isinstance(event, TextDelta) else "llm:thinking", {"text": event.text})

    async def _wait(self, attempt: int, error: ProviderError) -> None:
        """Sleeps before the next attempt, or raises what the error means for the script."""
        delay = next_delay(attempt, error, retries=self._request.retries, chance=self._line.chance())
        if error.kind in SLOWING:
            # Who names no time is asked again after ours, which holds for all calls then.
            own = (delay or 0.0) if error.kind in WAITED_FOR else 0.0
            self._line.gate.slowed(self._since, own if error.retry_after is None else error.retry_after)
        if delay is None:
            raise as_orch_error(error) from None
        if delay > self._line.max_wait or trio.current_time() + delay > trio.current_effective_deadline():
            raise as_orch_error(error, delay) from None
        self._emit("llm:retry", {"delay": delay, "reason": error.message, "attempt": attempt})
        await trio.sleep(delay)

    def _account(self, usage: Usage, told: float | None = None) -> None:
        """Adds what a turn used. `told` is what it cost, where the provider says so itself."""
        spent = cost(self._line.model, usage, self._line.price) if told is None else told
        self.usage += usage
        self.cost = None if self.cost is None or spent is None else self.cost + spent
        self._emit("llm:usage", {"input": usage.prompt, "output": usage.output, "cost": spent})

    def _check_cost(self) -> None:
        limit = self._request.max_cost
        if limit is None:
            return
        if self.cost is None:
            raise OrchError("E712", f"maxCost cannot be kept: the price of {self._line.model} is not known")
        if self.turns and self.cost >= limit:
            raise OrchError("E712", f"the call has cost ${self.cost:.4f}, its maxCost is ${limit:.4f}")


def checked(reply: Reply) -> Reply:
    """The reply, unless it is none. Raises E708, E709."""
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
