"""The form of the Chat Completions API: requests as its servers want them, and answers put together from chunks.

Where servers deviate from each other, it is made up for here; sending and its faults are the business of `openai`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from orchestra.providers.faults import ProviderError
from orchestra.providers.protocol import (
    Block,
    Message,
    Reply,
    Stop,
    TextDelta,
    ThinkingDelta,
    Turn,
    Usage,
    estimated_usage,
)

__all__ = ["Assembly", "request_body"]

STOPS: dict[str, Stop] = {
    "stop": "end_turn",
    "eos_token": "end_turn",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}
EFFORTS = {"max": "high"}  # which these servers do not know


# ── the request ──────────────────────────────────────────────────────────────────────────────────


def request_body(turn: Turn, without: Collection[str]) -> dict[str, Any]:
    """What is sent for a turn. `without` holds names of optional parameters that the server has refused."""
    optional: dict[str, Any] = {"stream_options": {"include_usage": True}, "max_tokens": turn.max_tokens}
    if turn.effort:
        optional["reasoning_effort"] = EFFORTS.get(turn.effort, turn.effort)
    if turn.schema is not None:
        form = {"name": "answer", "schema": turn.schema}
        optional["response_format"] = {"type": "json_schema", "json_schema": form}
    body = {"model": turn.model, "stream": True, "messages": _messages(turn)}
    if turn.tools:
        body["tools"] = [_tool(tool) for tool in turn.tools]
    if "max_tokens" in without:
        optional["max_completion_tokens"] = turn.max_tokens
    return body | {name: value for name, value in optional.items() if name not in without}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = {"name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]}
    return {"type": "function", "function": function}


def _messages(turn: Turn) -> list[Message]:
    messages: list[Message] = [{"role": "system", "content": turn.system}] if turn.system else []
    for message in turn.messages:
        messages += _from_user(message) if message["role"] == "user" else [_from_model(message)]
    return messages


def _from_user(message: Message) -> Iterator[Message]:
    """Results of tools are messages of their own here."""
    for block in _blocks(message):
        if block["type"] == "tool_result":
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": _text(block["content"])}
    text = _text(_blocks(message))
    if text:
        yield {"role": "user", "content": text}


def _from_model(message: Message) -> Message:
    calls = [
        {
            "id": block["id"],
            "type": "function",
            "function": {"name": block["name"], "arguments": json.dumps(block["input"])},
        }
        for block in _blocks(message)
        if block["type"] == "tool_use"
    ]
    said: Message = {"role": "assistant", "content": _text(_blocks(message)) or None}
    return {**said, "tool_calls": calls} if calls else said


def _blocks(message: Message) -> list[Block]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _text(content: Any) -> str:
    """The text of a message, of one of its parts, or of a chunk."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


# ── the answer ───────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Call:
    """A use of a tool that is being told. `arguments` is JSON in pieces, or an object where a server sends one."""

    index: int | None
    id: str = ""
    name: str = ""
    arguments: str = ""
    object: dict[str, Any] | None = None


class Assembly:
    """Puts one answer together. What a chunk should hold and does not is simply not there yet."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._text: list[str] = []
        self._calls: list[_Call] = []
        self._reason: str | None = None
        self._refused = False
        self._usage: dict[str, Any] | None = None
        self._model: str | None = None
        self.ended = False  # the server said that nothing more comes

    @property
    def finished(self) -> bool:
        """Whether the answer is whole."""
        return self.ended or self._reason is not None

    def add(self, chunk: dict[str, Any]) -> Iterator[TextDelta | ThinkingDelta]:
        """Takes a chunk, or an answer in one piece, and tells what is new in it."""
        self._model = chunk.get("model") or self._model
        self._usage = chunk.get("usage") or self._usage
        for choice in (chunk.get("choices") or [])[:1]:
            self._reason = choice.get("finish_reason") or self._reason
            yield from self._said(choice.get("delta") or choice.get("message") or {})

    def _said(self, delta: dict[str, Any]) -> Iterator[TextDelta | ThinkingDelta]:
        thought = _text(delta.get("reasoning_content") or delta.get("reasoning"))
        if thought:
            yield ThinkingDelta(thought)
        text = _text(delta.get("content"))
        if text:
            self._text.append(text)
            yield TextDelta(text)
        self._refused = self._refused or bool(delta.get("refusal"))
        for part in delta.get("tool_calls") or ():
            self._call(part)

    def _call(self, part: dict[str, Any]) -> None:
        """A piece of a call. Some servers send no index, others the same for all calls, told apart by their ids."""
        index, id, function = part.get("index"), part.get("id") or "", part.get("function") or {}
        call = next((call for call in reversed(self._calls) if call.index == index), None)
        if call is None or (id and call.id and id != call.id) or (index is None and function.get("name")):
            call = _Call(index)
            self._calls.append(call)
        call.id = call.id or id
        call.name = call.name or function.get("name") or ""
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            call.object = arguments
        else:
            call.arguments += arguments or ""

    def reply(self, turn: Turn) -> Reply:
        """The whole answer. Raises ProviderError if it is none."""
        text = "".join(self._text)
        content: list[Block] = [{"type": "text", "text": text}] if text else []
        malformed = {}
        for number, call in enumerate(self._calls, 1):
            id = call.id or f"call-{len(turn.messages)}-{number}"
            given = call.object if call.object is not None else _object(call.arguments)
            if given is None:
                malformed[id] = call.arguments
            content.append({"type": "tool_use", "id": id, "name": call.name, "input": given or {}})
        usage = _usage(self._usage) or estimated_usage(turn.messages, content)
        return Reply(content, self._stop(), usage, self._model, malformed=malformed)

    def _stop(self) -> Stop:
        """Why the answer ended. Calls are to be answered even where a server calls them a normal end."""
        if not self.finished:
            raise ProviderError("transient", f"{self._name}: the answer broke off before its end")
        if self._refused:
            return "refusal"
        stop = STOPS.get(self._reason or "stop")
        if stop is None:
            raise ProviderError("broken", f'{self._name}: unknown stop reason "{self._reason}"')
        if stop in ("end_turn", "tool_use"):
            return "tool_use" if self._calls else "end_turn"
        return stop


def _object(arguments: str) -> dict[str, Any] | None:
    """The input of a tool; None if it is no JSON object. A tool without parameters may be called with nothing."""
    if not arguments.strip():
        return {}
    try:
        data = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _usage(told: dict[str, Any] | None) -> Usage | None:
    """The figures of a server, whose prompt contains what came from its cache."""
    if told is None:
        return None
    prompt, output = _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))
    cached = min(prompt, _count((told.get("prompt_tokens_details") or {}).get("cached_tokens")))
    return Usage(prompt - cached, output, cache_read=cached) if prompt or output else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
