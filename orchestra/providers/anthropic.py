"""The Messages API through the official SDK, always streamed.

Waiting and trying again are the loop's business, so that the SDK's own retries are off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import httpx2

from orchestra.providers.faults import Kind, ProviderError, classify
from orchestra.providers.protocol import (
    STOPS,
    Caps,
    Event,
    Reply,
    Surroundings,
    TextDelta,
    ThinkingDelta,
    Turn,
    Usage,
)

__all__ = ["AnthropicModel", "open_model"]

BASE = "https://api.anthropic.com"
SILENCE = 120.0  # seconds without a byte after which a connection counts as lost; the API sends pings meanwhile


def open_model(name: str, settings: Mapping[str, Any], around: Surroundings) -> AnthropicModel:
    """The provider `name`, from its table: `keyEnv` names the variable with the key, `base` another address.

    Raises ProviderError of kind `auth` without credentials.
    """
    environment = around.environment
    variable = settings.get("keyEnv", "ANTHROPIC_API_KEY")
    key = environment.get(variable) or None
    token = None if key else environment.get("ANTHROPIC_AUTH_TOKEN") or None
    if key is None and token is None:
        raise ProviderError("auth", f"{name}: there are no credentials", help=f"export {variable}=…")
    base = settings.get("base") or environment.get("ANTHROPIC_BASE_URL") or BASE
    timeout = httpx2.Timeout(SILENCE, connect=20.0)
    client = anthropic.AsyncAnthropic(api_key=key, auth_token=token, base_url=base, max_retries=0, timeout=timeout)
    return AnthropicModel(name, client)


class AnthropicModel:
    """One client for all calls of a run, so that connections are shared."""

    caps = Caps(stream=True)

    def __init__(self, name: str, client: anthropic.AsyncAnthropic) -> None:
        self.name = name
        self._client = client

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[AsyncIterator[Event]]:
        kind: Kind
        # Both the request and the reading of the stream raise here: the loop reads inside of this block.
        try:
            async with self._client.messages.stream(**_parameters(turn)) as stream:
                yield self._events(stream)
        except anthropic.APIStatusError as error:
            raise _status_fault(self.name, error) from None
        except anthropic.APIConnectionError as error:
            kind = "timeout" if isinstance(error, anthropic.APITimeoutError) else "transient"
            raise ProviderError(kind, f"{self.name}: {_short(error.message)}") from None
        except httpx2.HTTPError as error:
            told = str(error) or type(error).__name__
            kind = "timeout" if isinstance(error, httpx2.TimeoutException) else "transient"
            raise ProviderError(kind, f"{self.name}: the answer broke off: {told}") from None
        except anthropic.AnthropicError as error:
            raise ProviderError("broken", f"{self.name}: {error}") from None

    async def close(self) -> None:
        await self._client.close()

    async def _events(self, stream: anthropic.AsyncMessageStream[None]) -> AsyncIterator[Event]:
        started = False
        async for event in stream:
            started = started or event.type == "message_start"
            if event.type == "text":
                yield TextDelta(event.text)
            elif event.type == "thinking":
                yield ThinkingDelta(event.thinking)
        message = stream.current_message_snapshot if started else None
        if message is None or message.stop_reason is None:
            raise ProviderError("transient", f"{self.name}: the answer broke off before its end")
        if message.stop_reason not in STOPS:
            raise ProviderError("broken", f'{self.name}: unknown stop reason "{message.stop_reason}"')
        yield Reply(
            [block.to_dict(mode="json") for block in message.content],
            message.stop_reason,
            _usage(message.usage),
            message.model,
            stream.request_id,
            message.stop_details.category if message.stop_details else None,
        )


def _parameters(turn: Turn) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "model": turn.model,
        "max_tokens": turn.max_tokens,
        "messages": turn.messages,
    }
    if turn.system:
        parameters["system"] = turn.system
    if turn.tools:
        # A call with tools has several turns, each of which repeats the ones before it.
        parameters |= {"tools": turn.tools, "cache_control": {"type": "ephemeral"}}
    if turn.effort:
        parameters["output_config"] = {"effort": turn.effort}
    if turn.show_thinking:
        parameters["thinking"] = {"type": "adaptive", "display": "summarized"}
    return parameters


def _usage(usage: anthropic.types.Usage) -> Usage:
    lifetimes = usage.cache_creation
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_input_tokens or 0,
        usage.cache_read_input_tokens or 0,
        lifetimes.ephemeral_1h_input_tokens if lifetimes else 0,
    )


def _status_fault(name: str, error: anthropic.APIStatusError) -> ProviderError:
    kind = classify(error.status_code, error.type, error.error_code)
    headers = error.response.headers
    notes = (f"request {error.request_id}",) if error.request_id else ()
    status = f" ({error.status_code})" if error.status_code >= 400 else ""
    return ProviderError(
        kind,
        f"{name}: {error.api_message or _short(error.message)}{status}",
        retry_after=_seconds(headers.get("retry-after")),
        final=headers.get("x-should-retry") == "false",
        notes=notes,
        help="check the key in ANTHROPIC_API_KEY" if kind == "auth" else None,
    )


def _seconds(header: str | None) -> float | None:
    """The wait that a server asks for. The other legal form, a date, is not sent by this API."""
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None


def _short(message: str) -> str:
    first = message.strip().split("\n")[0].split(". ")[0]
    return first[:1].lower() + first[1:].rstrip(".")
