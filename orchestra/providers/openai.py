"""Servers that speak the Chat Completions API: Ollama, vLLM, LM Studio, llama.cpp and many hosted ones.

The form of requests and answers stands in `openai_wire`; waiting and trying again are the loop's business.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import trio

from orchestra.providers.choice import NO_KEY
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
from orchestra.providers.openai_wire import Assembly, request_body
from orchestra.providers.protocol import Caps, Event, Surroundings, Turn

__all__ = ["OpenAIModel", "open_model"]

BASE = "https://api.openai.com/v1"
PATH = "/chat/completions"
LIST = "/models"
SILENCE = 600.0  # seconds; a server on a slow machine says nothing while it loads a model and reads a long prompt
DRAIN = 0.5  # seconds that a server may take to close an answer that has ended, so that the connection is used again
LONGEST_EVENT = 64 * 1024 * 1024
KINDS = ("text/event-stream", "application/json")  # the latter of servers that do not stream

# Optional parameters, and words by which a server that does not take one complains of it.
OPTIONAL = {
    "stream_options": ("stream_options", "include_usage"),
    "max_tokens": ("max_tokens", "in the completion"),
    "max_completion_tokens": ("max_completion_tokens", "in the completion"),
    "reasoning_effort": ("reasoning_effort",),
    "response_format": ("response_format", "json_schema", "schema", "grammar"),
}


def open_model(name: str, settings: Mapping[str, Any], around: Surroundings) -> OpenAIModel:
    """The provider `name`, from its table: `base`, `timeout`, and `key` or `keyEnv`, the variable with the key.

    Raises E812, and ProviderError of kind `auth` if the variable is empty.
    """
    base = address(name, str(settings.get("base") or BASE))
    variable = str(settings.get("keyEnv") or f"{name.upper().replace('-', '_')}_API_KEY")
    key = settings.get("key") or around.environment.get(variable)
    if not key and ("keyEnv" in settings or base == BASE):
        raise ProviderError("auth", f"{name}: there is no key", help=f"export {variable}=…")
    return OpenAIModel(name, base, None if key in (None, NO_KEY) else str(key), variable, settings, around.clock)


class OpenAIModel:
    """One client for all calls of a run, so that connections are shared."""

    caps = Caps(stream=True)

    def __init__(
        self,
        name: str,
        base: str,
        key: str | None,
        variable: str,
        settings: Mapping[str, Any],
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._base = base
        self._headers = {"content-type": "application/json", "accept": "text/event-stream"}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"
        self._variable = variable
        self._silence = silence(name, settings, SILENCE)
        self._client = open_client(base, self._silence)
        self._clock = clock
        self._refused: dict[str, set[str]] = {}  # model → optional parameters that it does not take

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[AsyncIterator[Event]]:
        response = await self._ask(turn)
        try:
            yield self._events(response, turn)
        finally:
            await response.aclose()

    async def models(self) -> list[str]:
        """The ids of the server's models. Raises ProviderError."""
        try:
            response = await self._client.get(self._base + LIST, headers=self._headers)
        except httpx2.HTTPError as error:
            raise transport_fault(self.name, self._base, error, self._silence) from None
        fault = misdirection(self.name, self._base, response, LIST, KINDS)
        if fault is not None:
            raise fault
        if not response.is_success:
            raise self._status_fault(response, response.text)
        try:
            return [str(model["id"]) for model in response.json()["data"]]
        except (ValueError, LookupError, TypeError):
            raise ProviderError("broken", f"{self.name}: the list of models has an unknown form") from None

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, turn: Turn) -> httpx2.Response:
        """An answer that is about to come. What a server does not take is left out and not tried again."""
        refused = self._refused.setdefault(turn.model, set())
        while True:
            body = request_body(turn, refused)
            response = await self._send(body)
            if response.is_success:
                return response
            text = await self._read(response)
            parameter = _complained_of(response.status_code, text, body)
            if parameter is None:
                raise self._status_fault(response, text)
            refused.add(parameter)

    async def _send(self, body: dict[str, Any]) -> httpx2.Response:
        request = self._client.build_request(
            "POST", self._base + PATH, content=json.dumps(body).encode(), headers=self._headers
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx2.HTTPError as error:
            raise transport_fault(self.name, self._base, error, self._silence) from None
        fault = misdirection(self.name, self._base, response, PATH, KINDS)
        if fault is not None:
            await response.aclose()
            raise fault
        return response

    async def _read(self, response: httpx2.Response) -> str:
        try:
            await response.aread()
        except httpx2.HTTPError as error:
            raise transport_fault(self.name, self._base, error, self._silence) from None
        return response.text

    async def _events(self, response: httpx2.Response, turn: Turn) -> AsyncIterator[Event]:
        assembly = Assembly(self.name)
        try:
            async for chunk in _chunks(response, assembly):
                if "error" in chunk:
                    raise self._stream_fault(chunk["error"])
                for event in assembly.add(chunk):
                    yield event
        except httpx2.HTTPError as error:
            if not assembly.finished:  # else there is nothing more to come but figures
                raise transport_fault(self.name, self._base, error, self._silence) from None
        except (ValueError, RecursionError) as error:
            raise damage(self.name, error) from None
        yield assembly.reply(turn)

    def _stream_fault(self, error: object) -> ProviderError:
        described = error if isinstance(error, dict) else {"message": error}
        code, type = described.get("code"), described.get("type")
        status = code if isinstance(code, int) else None
        kind = classify(status, str(type), str(code))
        return ProviderError(kind, f"{self.name}: {excerpt(json.dumps({'error': error}))}")

    def _status_fault(self, response: httpx2.Response, text: str) -> ProviderError:
        status = response.status_code
        kind = _kind(status, text)
        told = excerpt(text) or response.reason_phrase
        return ProviderError(
            kind,
            f"{self.name}: {told} ({status})",
            retry_after=retry_wait(response.headers, self._clock),
            final=response.headers.get("x-should-retry") == "false",
            help=self._remedy(kind, status),
        )

    def _remedy(self, kind: Kind, status: int) -> str | None:
        if kind == "auth":
            return f"check the key in {self._variable}, or say where it is: keyEnv"
        if kind == "money":
            return "the same command goes on when the account is in credit again"
        if status == 404:
            return f"`orch models {self.name}` lists its models; base usually ends in /v1"
        return None


async def _chunks(response: httpx2.Response, assembly: Assembly) -> AsyncIterator[dict[str, Any]]:
    """The objects of a stream, or the one object that servers send who do not stream. Raises ValueError."""
    if not response.headers["content-type"].startswith("text/event-stream"):
        yield _chunk((await response.aread()).decode())
        assembly.ended = True
        return
    # Read byte for byte: a decoder that replaces what is not UTF-8 would hide that something got lost.
    response.encoding = "latin-1"
    events = aiter(httpx2.EventSource(response, LONGEST_EVENT))
    async for event in events:
        data = event.data.encode("latin-1").decode().strip()
        if data == "[DONE]":
            assembly.ended = True
            break
        if data:
            yield _chunk(data)
    with trio.move_on_after(DRAIN):
        async for _ in events:
            pass


def _chunk(data: str) -> dict[str, Any]:
    chunk = json.loads(data)
    if not isinstance(chunk, dict):
        raise ValueError
    return chunk


def _complained_of(status: int, text: str, body: dict[str, Any]) -> str | None:
    """The optional parameter of a request because of which it was refused."""
    if status not in (400, 422, 500, 501):
        return None
    said = excerpt(text).lower()
    found = (name for name, words in OPTIONAL.items() if name in body and any(word in said for word in words))
    return next(found, None)


def _kind(status: int, text: str) -> Kind:
    if status == 503:
        return "overload"  # what servers of this kind answer while they load a model, or have too many in line
    if status == 429 and ("insufficient_quota" in text or "billing" in text):
        return "money"
    return classify(status)
