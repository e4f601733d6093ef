"""The Messages API through the official SDK, always streamed.

Waiting and trying again are the loop's business, so that the SDK's own retries are off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import anthropic
import httpx2

from orchestra.providers.faults import Kind, ProviderError, classify
from orchestra.providers.http import (
    address,
    damage,
    excerpt,
    misdirection,
    open_client,
    retry_wait,
    silence,
    transport_fault,
)
from orchestra.providers.protocol import (
    STOPS,
    Block,
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
PATH = "/v1/messages"
KINDS = ("text/event-stream",)
SILENCE = 120.0  # seconds without a byte after which a connection counts as lost; the API sends pings meanwhile


def open_model(name: str, settings: Mapping[str, Any], around: Surroundings) -> AnthropicModel:
    """The provider `name`, from its table: `keyEnv` names the variable with the key, `base` another address.

    Raises E812, and ProviderError of kind `auth` without credentials.
    """
    environment = around.environment
    variable = str(settings.get("keyEnv", "ANTHROPIC_API_KEY"))
    key = settings.get("key") or environment.get(variable) or None
    token = None if key else environment.get("ANTHROPIC_AUTH_TOKEN") or None
    if key is None and token is None:
        raise ProviderError("auth", f"{name}: there are no credentials", help=f"export {variable}=…")
    base = address(name, settings.get("base") or environment.get("ANTHROPIC_BASE_URL") or BASE).removesuffix("/v1")
    seconds = silence(name, settings, SILENCE)
    client = anthropic.AsyncAnthropic(
        api_key=key, auth_token=token, base_url=base, max_retries=0, http_client=open_client(base, seconds)
    )
    return AnthropicModel(name, base, client, variable, seconds, around.clock)


class AnthropicModel:
    """One client for all calls of a run, so that connections are shared."""

    caps = Caps(stream=True)

    def __init__(
        self,
        name: str,
        base: str,
        client: anthropic.AsyncAnthropic,
        variable: str,
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._base = base
        self._client = client
        self._variable = variable
        self._silence = seconds
        self._clock = clock

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[AsyncIterator[Event]]:
        async with AsyncExitStack() as stack:
            with self._faults():
                opened = self._client.messages.stream(**_parameters(turn))
                stream = await stack.enter_async_context(opened)
            fault = misdirection(self.name, self._base, stream.response, PATH, KINDS)
            if fault is not None:
                raise fault
            yield self._events(stream)

    async def models(self) -> list[str]:
        """The ids of the models that can be used. Raises ProviderError."""
        with self._faults():
            return [model.id async for model in self._client.models.list()]

    async def close(self) -> None:
        await self._client.close()

    async def _events(self, stream: anthropic.AsyncMessageStream[None]) -> AsyncIterator[Event]:
        started = False
        inputs: dict[int, str] = {}
        with _billed(stream), self._faults():
            async for event in stream:
                started = started or event.type == "message_start"
                if event.type == "text":
                    yield TextDelta(event.text)
                elif event.type == "thinking":
                    yield ThinkingDelta(event.thinking)
                elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                    inputs[event.index] = inputs.get(event.index, "") + event.delta.partial_json
        message = stream.current_message_snapshot if started else None
        if message is None or message.stop_reason is None:
            billed = _usage(message.usage) if message is not None else None
            raise ProviderError("transient", f"{self.name}: the answer broke off before its end", usage=billed)
        if message.stop_reason not in STOPS:
            raise ProviderError("broken", f'{self.name}: unknown stop reason "{message.stop_reason}"')
        content = [block.to_dict(mode="json") for block in message.content]
        yield Reply(
            content,
            message.stop_reason,
            _usage(message.usage),
            message.model,
            stream.request_id,
            message.stop_details.category if message.stop_details else None,
            _malformed(content, inputs),
        )

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """What the client and its transport raise, as our faults."""
        try:
            yield
        except anthropic.APIStatusError as error:
            raise self._status_fault(error) from None
        except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
            raise transport_fault(self.name, self._base, error.__cause__ or error, self._silence) from None
        except anthropic.AnthropicError as error:
            raise ProviderError("broken", f"{self.name}: {error}") from None
        except UnicodeEncodeError:
            raise ProviderError("request", f"{self.name}: the prompt holds characters that are no text") from None
        except (ValueError, LookupError, RuntimeError) as error:  # of the client, at events that make no sense
            raise damage(self.name, error) from None

    def _status_fault(self, error: anthropic.APIStatusError) -> ProviderError:
        moved = misdirection(self.name, self._base, error.response, PATH, KINDS) if error.status_code < 400 else None
        if moved is not None and error.response.is_redirect:
            return moved
        kind = classify(error.status_code, error.type, error.error_code)
        headers = error.response.headers
        status = f" ({error.status_code})" if error.status_code >= 400 else ""
        return ProviderError(
            kind,
            f"{self.name}: {error.api_message or excerpt(error.response.text)}{status}",
            retry_after=retry_wait(headers, self._clock),
            final=headers.get("x-should-retry") == "false",
            notes=(f"request {error.request_id}",) if error.request_id else (),
            help=self._remedy(kind, error.status_code),
        )

    def _remedy(self, kind: Kind, status: int) -> str | None:
        if kind == "auth":
            return f"check the key in {self._variable}"
        if kind == "money":
            return "the same command goes on when the account is in credit again"
        return f"`orch models {self.name}` lists its models" if status == 404 else None


def _malformed(content: list[Block], inputs: Mapping[int, str]) -> dict[str, str]:
    """Inputs of tools that are no JSON, by the id of the use, which is left with an empty object.

    The client completes what was cut: half a command would be run as if it were whole.
    """
    found = {}
    for index, text in inputs.items():
        block = content[index]
        if block["type"] == "tool_use" and text and not _is_json(text):
            block["input"] = {}
            found[str(block["id"])] = text
    return found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@contextmanager
def _billed(stream: anthropic.AsyncMessageStream[None]) -> Iterator[None]:
    """Adds to a fault in the middle of an answer what had been counted until then: it is to be paid."""
    try:
        yield
    except ProviderError as error:
        with suppress(AssertionError):  # the client has no message yet
            error.usage = _usage(stream.current_message_snapshot.usage)
        raise


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
