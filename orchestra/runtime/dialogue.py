"""What every way of talking to a model shares: attempts at its gate, and the count of what they cost.

Talking turn by turn, with our own tools, is `conversation`; handing all of it to an agent program is `errands`.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import trio

from orchestra.errors import Note, OrchError
from orchestra.providers import ProviderError, Reply, TextDelta, ThinkingDelta, Usage
from orchestra.providers.faults import Kind
from orchestra.providers.prices import Price
from orchestra.providers.protocol import Message
from orchestra.runtime.calls import LLMRequest
from orchestra.runtime.limits import Gate
from orchestra.runtime.meter import Meter
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
    max_wait: seconds; a longer wait ends the run, which can go on later
    meter:    the account of the call
    """

    model: str
    gate: Gate
    price: Price | None
    chance: Callable[[], float]
    max_wait: float
    meter: Meter


class Dialogue(ABC):
    """One history with one model; its turns, attempts, tokens and dollars are counted by the meter of the line.

    time: what bounds the call; waits for which the run has all the time in the world move its end on
    """

    def __init__(self, request: LLMRequest, line: Line, emit: Emit) -> None:
        self._request = request
        self._line = line
        self._emit = emit
        self._since = 0.0  # when the current attempt got its slot
        self.history: list[Message] = []
        self.meter = line.meter
        self._allowed = self._longest  # tokens that the answer to the current attempt may have
        self.time: trio.CancelScope | None = None

    @abstractmethod
    async def say(self, text: str) -> Reply:
        """What the model says to `text` when it has done all it wants to do. Raises OrchError, TurnsSpent."""

    @property
    def _price(self) -> Price | None:
        """The price from which the cost of the next attempt is guessed, None for that of the model."""
        return self._line.price

    @property
    def _longest(self) -> int:
        """Tokens that an answer may have, if there is money for so many."""
        return self._request.max_tokens

    @property
    def _least(self) -> int:
        """Tokens without which another attempt is of no use."""
        return 0

    @property
    def _caches(self) -> bool:
        """Whether the provider is asked to keep the prompt for the next turn."""
        return False

    def _size(self) -> int:
        """Bytes of what the next attempt sends."""
        return len(json.dumps(self.history)) + len((self._request.system or "").encode())

    async def _patiently(self, receive: Callable[[], Awaitable[T]]) -> T:
        """What `receive` gets, tried until it comes or there is no point in going on. Raises OrchError."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._attempt(receive)
            except ProviderError as error:
                if error.usage is None:
                    self.meter.release()
                else:
                    self._account(error.usage)
                await self._wait(attempt, error)

    async def _attempt(self, receive: Callable[[], Awaitable[T]]) -> T:
        """One attempt: money for it, a slot, an answer."""
        line, meter = self._line, self.meter
        under_way = False
        try:
            self._allowed = await meter.reserve(
                line.model, self._price, self._size(), self._longest, least=self._least, caches=self._caches
            )
            async with line.gate.slot(self._bear, self._in_line) as self._since:
                under_way = True
                meter.begin()
                received = await receive()
        except (OrchError, ProviderError):
            raise
        except BaseException:  # cancelled: whether the turn is paid for nobody knows
            (meter.give_up if under_way else meter.release)()
            raise
        line.gate.accepted(self._since)
        line.gate.succeeded(self._since)
        return received

    def _show(self, event: TextDelta | ThinkingDelta) -> None:
        if self._request.stream:
            self._emit("llm:text" if isinstance(event, TextDelta) else "llm:thinking", {"text": event.text})

    async def _wait(self, attempt: int, error: ProviderError) -> None:
        """Sleeps before the next attempt, or raises what the error means for the script."""
        retries = math.inf if self._patient and error.kind == "rate" else self._request.retries
        delay = next_delay(attempt, error, retries=retries, chance=self._line.chance())
        if error.kind in SLOWING:
            # Who names no time is asked again after ours, which holds for all calls then.
            own = (delay or 0.0) if error.kind in WAITED_FOR else 0.0
            self._line.gate.slowed(self._since, own if error.retry_after is None else error.retry_after)
        if delay is None:
            raise as_orch_error(error) from None
        self._bear(delay, error)
        if trio.current_time() + delay > trio.current_effective_deadline():
            raise as_orch_error(error, delay) from None
        self._emit("llm:retry", {"delay": delay, "reason": error.message, "attempt": attempt})
        await trio.sleep(delay)

    @property
    def _patient(self) -> bool:
        return self._line.max_wait == math.inf

    def _bear(self, seconds: float, reason: ProviderError | None = None) -> None:
        """A wait is ahead. Raises E711 if it is longer than the run waits for anything; then the run is to end."""
        if self._patient:
            if self.time is not None:
                self.time.deadline += seconds
        elif seconds > self._line.max_wait:
            reason = reason or ProviderError("rate", f"{self._line.model}: the provider's limit is reached")
            raise as_orch_error(reason, seconds, ends_run=True) from None

    @contextmanager
    def _in_line(self) -> Iterator[None]:
        """Standing in line behind other calls of the run takes nothing of this one's time."""
        if self.time is None:
            yield
            return
        left = self.time.deadline - trio.current_time()
        self.time.deadline = math.inf
        try:
            yield
        finally:
            self.time.deadline = trio.current_time() + left

    def _account(self, usage: Usage, told: float | None = None) -> None:
        """Adds what a turn used. `told` is what it cost, where the provider says so itself."""
        spent = self.meter.settle(self._line.model, self._line.price, usage, told)
        self._emit("llm:usage", {"input": usage.prompt, "output": usage.output, "cost": spent})


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


def as_orch_error(error: ProviderError, wait: float | None = None, ends_run: bool = False) -> OrchError:
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
        exit=75 if ends_run else exit,
        details=details,
        retryable=retryable,
        fatal=fatal or ends_run,
    )
