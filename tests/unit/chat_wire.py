"""Answers in the form of the Chat Completions API."""

from __future__ import annotations

import json
from typing import Any

from loopback import Answer, http

NAME = "lab"
PATH = "/v1/chat/completions"
MODEL = "small"
REFUSAL = "content_filter"
CUT = "length"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20}
DONE = b"data: [DONE]\n\n"


def table(base: str, **more: Any) -> dict[str, Any]:
    return {"type": "openai", "base": f"{base}/v1", "keyEnv": "MODEL_KEY", **more}


def event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def head(length: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{length}\r\n".encode()


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"model": MODEL, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def texts(*parts: str) -> list[dict[str, Any]]:
    return [chunk({"role": "assistant", "content": ""}), *(chunk({"content": part}) for part in parts)]


def end(reason: str) -> list[dict[str, Any]]:
    return [chunk({}, reason), {"model": MODEL, "choices": [], "usage": USAGE}]


def call(arguments: Any, index: int | None = 0, **more: Any) -> dict[str, Any]:
    """A chunk with a piece of a use of a tool: `id` and `name` are given once, `arguments` bit by bit."""
    function = {"arguments": arguments, **({"name": more.pop("name")} if "name" in more else {})}
    return chunk({"tool_calls": [{**({} if index is None else {"index": index}), **more, "function": function}]})


def uses(name: str, *parts: str, id: str = "call_1", stop: str = "tool_calls") -> Answer:
    """A use of a tool whose input comes in pieces of JSON."""
    return stream(call("", id=id, type="function", name=name), *map(call, parts), *end(stop))


def says(*parts: str, stop: str = "stop") -> Answer:
    return stream(*texts(*parts), *end(stop))


def stream(*chunks: dict[str, Any]) -> Answer:
    return [head(), b"".join(map(event, chunks)) + DONE]


def half(*parts: str) -> bytes:
    """An answer that has begun, and does not end."""
    return head() + b"".join(map(event, texts(*parts)))


def overloaded_midway(*parts: str) -> Answer:
    return [half(*parts) + event({"error": {"message": "Overloaded", "type": "overloaded_error", "code": 529}})]


def with_unknown_events(text: str) -> Answer:
    odd = b'event: weather\nid: 7\nretry: 10\ndata: {"object": "report", "snow": true}\n\n'
    delta = {"choices": [{"delta": {"color": "red", "content": None}}], "x": 1}
    return [head() + odd + b": keep-alive\n\n" + b"".join(map(event, (delta, *texts(text), *end("stop")))) + DONE]


def fails(status: int, message: str, *headers: str, type: str = "server_error", code: str | None = None) -> Answer:
    error = {"message": message, "type": type, "code": code}
    return [http(status, json.dumps({"error": error}).encode(), "application/json", *headers)]


def results(body: dict[str, Any]) -> list[str]:
    """What a request tells of the tools that were used last."""
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]
