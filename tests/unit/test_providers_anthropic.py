"""The Messages API against a small server on the loopback address that speaks its event stream."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestra.errors import OrchError
from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.tools.specs import parse_tools

Event = dict[str, Any]
Answer = bytes


def http(status: int, body: bytes, kind: str = "application/json", *headers: str) -> Answer:
    lines = [
        f"HTTP/1.1 {status} X",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def stream(*events: Event, cut: bool = False) -> Answer:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
    answer = http(200, body, "text/event-stream", "request-id: req_1")
    return answer.replace(str(len(body)).encode(), str(len(body) + 9).encode(), 1) if cut else answer


def error(status: int, type: str, message: str, *headers: str, **details: str) -> Answer:
    body = {"type": "error", "error": {"type": type, "message": message, "details": details or None}}
    return http(status, json.dumps(body).encode(), "application/json", *headers)


def start(**usage: Any) -> Event:
    message: Event = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 1, **usage},
    }
    return {"type": "message_start", "message": message}


def block(index: int, content: Event, *deltas: Event) -> list[Event]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *parts: str) -> list[Event]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": part} for part in parts))


def end(stop: str = "end_turn", output: int = 20, **delta: Any) -> list[Event]:
    return [
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None, **delta},
            "usage": {"output_tokens": output},
        },
        {"type": "message_stop"},
    ]


class Server:
    """Gives one prepared answer per request and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []
        self.heads: list[str] = []

    async def __call__(self, connection: trio.SocketStream) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await connection.receive_some()
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().lower().splitlines()
        size = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
        while len(body) < size:
            body += await connection.receive_some()
        self.heads.append(head.decode())
        self.bodies.append(json.loads(body))
        await connection.send_all(self.answers.pop(0))
        await connection.aclose()


def run(server: Server, root: Path, events: list[tuple[str, dict[str, Any]]] | None = None, **fields: Any) -> LLMResult:
    async def main() -> LLMResult:
        async with trio.open_nursery() as nursery:
            serve: Callable[..., Awaitable[list[trio.SocketListener]]] = trio.open_tcp_listeners
            listeners = await serve(0, host="127.0.0.1")
            port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, server, listeners)
            agent = Agent(
                root=root,
                config={"providers": {"anthropic": {"base": f"http://127.0.0.1:{port}"}}},
                environment={"ANTHROPIC_API_KEY": "sk-test-key"},
                emit=lambda kind, data: events.append((kind, data)) if events is not None else None,
                archive_dir=lambda: None,
                chance=lambda: 0.0,
            )
            try:
                request = {
                    "call_id": "c",
                    "fn": "ask",
                    "prompt": "hi",
                    "model": "haiku",
                    "dir": root,
                    **fields,
                }
                return await agent.call(LLMRequest(**request))
            finally:
                await agent.close()
                nursery.cancel_scope.cancel()
        raise AssertionError

    try:
        return trio.run(main)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def fails(code: str, root: Path, *answers: Answer, **fields: Any) -> OrchError:
    with pytest.raises(OrchError) as caught:
        run(Server(*answers), root, **fields)
    assert caught.value.code == code, caught.value.message
    return caught.value


def test_text_usage_and_parameters(tmp_path: Path) -> None:
    server = Server(stream(start(cache_read_input_tokens=900), *text(0, "Hel", "lo"), *end()))
    events: list[tuple[str, dict[str, Any]]] = []
    result = run(server, tmp_path, events, stream=True, system="be brief", effort="low", max_tokens=64_000)
    assert result.text == "Hello"
    assert (result.model, result.provider) == ("claude-haiku-5-5", "anthropic")
    assert (result.usage.input, result.usage.cache_read, result.usage.output) == (100, 900, 20)
    assert result.cost == pytest.approx((100 * 0.10 + 900 * 0.01 + 20 * 0.50) / 1e6)
    assert [data["text"] for kind, data in events if kind == "llm:text"] == ["Hel", "lo"]
    body = server.bodies[0]
    assert (body["model"], body["system"], body["max_tokens"], body["stream"]) == (
        "claude-haiku-5-5",
        "be brief",
        64_000,
        True,
    )
    assert body["output_config"] == {"effort": "low"}
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert "tools" not in body and "cache_control" not in body
    assert "sk-test-key" in server.heads[0]


def test_a_tool_turn_goes_back_unchanged_with_its_thinking(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha\n")
    thinking = block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "let me look"},
        {"type": "signature_delta", "signature": "sig=="},
    )
    use = block(
        1,
        {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"file_'},
        {"type": "input_json_delta", "partial_json": 'path": "a.txt"}'},
    )
    server = Server(
        stream(start(), *thinking, *use, *end("tool_use")), stream(start(), *text(0, "it says alpha"), *end())
    )
    assert run(server, tmp_path, tools=parse_tools("Read")).text == "it says alpha"
    second = server.bodies[1]["messages"]
    assert second[1]["content"] == [
        {"type": "thinking", "thinking": "let me look", "signature": "sig=="},
        {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "a.txt"}},
    ]
    assert second[2]["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "     1\talpha"}]
    assert server.bodies[1]["cache_control"] == {"type": "ephemeral"}
    assert [tool["name"] for tool in server.bodies[1]["tools"]] == ["Read"]


def test_an_overload_in_the_middle_of_a_stream_is_tried_again(tmp_path: Path) -> None:
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    server = Server(stream(start(), overloaded), stream(start(), *text(0, "ok"), *end()))
    result = run(server, tmp_path)
    assert (result.text, result.attempts) == ("ok", 2)


def test_a_stream_that_breaks_off_is_tried_again(tmp_path: Path) -> None:
    half = stream(start(), *text(0, "half"), cut=True)
    result = run(Server(half, stream(start(), *text(0, "whole"), *end())), tmp_path)
    assert (result.text, result.attempts) == ("whole", 2)


def test_a_stream_that_ends_too_early_is_tried_again(tmp_path: Path) -> None:
    half, nothing = stream(start(), *text(0, "half")), stream()
    result = run(Server(half, nothing, stream(start(), *text(0, "whole"), *end())), tmp_path)
    assert (result.text, result.attempts) == ("whole", 3)


def test_what_a_broken_stream_is_called(tmp_path: Path) -> None:
    half = stream(start(), *text(0, "half"), cut=True)
    message = fails("E716", tmp_path, half, retries=0).message
    assert message.startswith("anthropic: the answer broke off: ")


def test_errors_are_classified(tmp_path: Path) -> None:
    auth = fails("E703", tmp_path, error(401, "authentication_error", "invalid key"))
    assert (auth.message, auth.fatal) == ("anthropic: invalid key (401)", True)
    assert auth.help == "check the key in ANTHROPIC_API_KEY"
    assert fails("E718", tmp_path, error(400, "invalid_request_error", "bad")).message == "anthropic: bad (400)"
    spent = error(429, "rate_limit_error", "limit reached", error_code="workspace_spend_limit_exceeded")
    assert fails("E711", tmp_path, spent).fatal
    later = error(429, "rate_limit_error", "slow down", "retry-after: 600")
    assert fails("E711", tmp_path, later).details["retryAfter"] == 600.0
    never = error(500, "api_error", "broken", "x-should-retry: false")
    assert fails("E716", tmp_path, never).message == "anthropic: broken (500)"


def test_a_refusal_names_its_category(tmp_path: Path) -> None:
    refused = end("refusal", stop_details={"type": "refusal", "category": "bio", "explanation": None})
    assert fails("E708", tmp_path, stream(start(), *refused)).message == "the model refused to answer (bio)"


def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    limited = error(429, "rate_limit_error", "slow down", "retry-after: 0.05")
    run(Server(limited, stream(start(), *text(0, "ok"), *end())), tmp_path, events)
    assert [data["delay"] for kind, data in events if kind == "llm:retry"] == [0.05]


def test_the_sdk_is_imported_on_first_use_only() -> None:
    code = (
        "import sys, pathlib, orchestra.runtime.agent as a;"
        "agent = a.Agent(root=pathlib.Path('.'), config={}, environment={'ANTHROPIC_API_KEY': 'x'},"
        " emit=print, archive_dir=lambda: None, chance=lambda: 0.0);"
        "print(agent.resolve('haiku').id, 'anthropic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "claude-haiku-5-5 False\n"
