"""Answers in the form of the Messages API."""

from __future__ import annotations

import json
from typing import Any

from loopback import Answer, http

NAME = "anthropic"
PATH = "/v1/messages"
MODEL = "claude-haiku-5-5"
REFUSAL = "refusal"
CUT = "max_tokens"
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def table(base: str, **more: Any) -> dict[str, Any]:
    return {"type": "anthropic", "base": base, "keyEnv": "MODEL_KEY", **more}


def event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


def head(length: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{length}request-id: req_1\r\n\r\n".encode()


def start() -> dict[str, Any]:
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 100, "output_tokens": 1},
    }  # fmt: skip
    return {"type": "message_start", "message": message}


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def end(stop: str) -> list[dict[str, Any]]:
    delta = {"stop_reason": stop, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20}}, {"type": "message_stop"}]


def texts(*parts: str) -> list[dict[str, Any]]:
    return block(0, {"type": "text", "text": ""}, *({"type": "text_delta", "text": part} for part in parts))


def uses(name: str, *parts: str, id: str = "toolu_1", stop: str = "tool_use") -> Answer:
    """A use of a tool whose input comes in pieces of JSON."""
    deltas = ({"type": "input_json_delta", "partial_json": part} for part in parts)
    return stream(*block(0, {"type": "tool_use", "id": id, "name": name, "input": {}}, *deltas), *end(stop))


def says(*parts: str, stop: str = "end_turn") -> Answer:
    return stream(*(texts(*parts) if parts else []), *end(stop))


def stream(*events: dict[str, Any]) -> Answer:
    return [head(), b"".join(map(event, (start(), *events)))]


def half(*parts: str) -> bytes:
    """An answer that has begun, and does not end."""
    return head() + b"".join(map(event, (start(), *texts(*parts)[:-1])))


def overloaded_midway(*parts: str) -> Answer:
    return [half(*parts) + event(OVERLOADED)]


def with_unknown_events(text: str) -> Answer:
    odd = {"type": "weather_report", "index": 7, "delta": {"type": "snow"}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "color_delta", "color": "red"}}
    told = texts(text)
    return stream(odd, told[0], {"type": "ping"}, delta, *told[1:], *end("end_turn"))


def fails(status: int, message: str, *headers: str, type: str = "api_error", code: str | None = None) -> Answer:
    error = {"type": type, "message": message, "details": {"error_code": code} if code else None}
    return [http(status, json.dumps({"type": "error", "error": error}).encode(), "application/json", *headers)]


def results(body: dict[str, Any]) -> list[str]:
    """What a request tells of the tools that were used last."""
    content = body["messages"][-1]["content"]
    return [block["content"] for block in content if block["type"] == "tool_result"]
