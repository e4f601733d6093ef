"""Sees every turn that goes to a model, for `--calls-out` and `--record`, whatever the provider.

What is written about a request stands here, what is kept of an answer in `reply_recorder`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from orchestra.providers import Event, ProviderError, Reply, Turn, TurnModel
from orchestra.providers.agents import AgentEvent, AgentModel, Errand
from orchestra.runtime.calls import LLMRequest
from orchestra.runtime.files import writer
from orchestra.runtime.redact import Redactor
from orchestra.runtime.reply_recorder import ReplyRecorder

__all__ = ["CallsOut", "Witnessed", "WitnessedAgent"]


class CallsOut:
    """A file with one JSON object for each request, in the order in which they were sent."""

    def __init__(self, path: Path) -> None:
        """Begins the file anew. Raises E420."""
        self._path = path
        writer.write(path, "")

    def sent(self, request: dict[str, Any], redactor: Redactor) -> None:
        """Written before the request leaves, in one piece; what is None is left out."""
        known = {name: value for name, value in request.items() if value is not None}
        writer.append(self._path, json.dumps(redactor.clean_data(known), ensure_ascii=False))


def _turn(turn: Turn, provider: str) -> dict[str, Any]:
    return {
        "call": turn.call_id,
        "fn": turn.fn,
        "agent": turn.agent,
        "purpose": turn.purpose,
        "provider": provider,
        "model": turn.model,
        "asked": turn.asked,
        "system": turn.system,
        "messages": turn.messages,
        "tools": [tool["name"] for tool in turn.tools],
        "max_tokens": turn.max_tokens,
        "effort": turn.effort,
    }


def _errand(errand: Errand, request: LLMRequest, provider: str) -> dict[str, Any]:
    return {
        "call": request.call_id,
        "fn": request.fn,
        "agent": request.agent,
        "purpose": request.purpose,
        "provider": provider,
        "model": errand.model,
        "asked": request.model,
        "system": errand.system,
        "messages": [{"role": "user", "content": [{"type": "text", "text": errand.text}]}],
        "session": errand.session,
        "tools": None if errand.tools is None else list(errand.tools),
        "grants": list(errand.grants),
        "max_tokens": errand.max_tokens,
        "effort": errand.effort,
    }


class Witnessed:
    """A provider whose turns are told to whoever keeps a record."""

    def __init__(
        self, model: TurnModel, redactor: Redactor, calls_out: CallsOut | None, recorder: ReplyRecorder | None
    ) -> None:
        self.name = model.name
        self.caps = model.caps
        self._model = model
        self._redactor = redactor
        self._calls_out = calls_out
        self._recorder = recorder
        self.unused: Callable[[], list[str]] = getattr(model, "unused", list)

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[AsyncIterator[Event]]:
        if self._calls_out is not None:
            self._calls_out.sent(_turn(turn, self.name), self._redactor)
        try:
            async with self._model.turn(turn) as events:
                yield self._seen(turn, events)
        except ProviderError as error:
            if self._recorder is not None:
                self._recorder.failed(turn.call_id, error)
            raise

    async def _seen(self, turn: Turn, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        async for event in events:
            if self._recorder is not None and isinstance(event, Reply):
                self._recorder.replied(turn, event)
            yield event

    async def close(self) -> None:
        await self._model.close()


class WitnessedAgent:
    """An agent program during one call. What it answers is known from the result; its faults are told here."""

    def __init__(
        self,
        model: AgentModel,
        request: LLMRequest,
        redactor: Redactor,
        calls_out: CallsOut | None,
        recorder: ReplyRecorder | None,
    ) -> None:
        self.name = model.name
        self._model = model
        self._request = request
        self._redactor = redactor
        self._calls_out = calls_out
        self._recorder = recorder

    @asynccontextmanager
    async def errand(self, errand: Errand) -> AsyncIterator[AsyncIterator[AgentEvent]]:
        if self._calls_out is not None:
            self._calls_out.sent(_errand(errand, self._request, self.name), self._redactor)
        try:
            async with self._model.errand(errand) as events:
                yield events
        except ProviderError as error:
            if self._recorder is not None:
                self._recorder.failed(self._request.call_id, error)
            raise

    async def close(self) -> None:
        await self._model.close()
