"""`orch fake-endpoint`: recorded replies over HTTP, asked by our own providers and by hand."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_desk import Desk

from orchestra.cli.fake_endpoint import FakeEndpoint
from orchestra.providers.replay_server import Endpoint

SCRIPT = """\
import { @claude } from @orch/llm
show @claude("Where do peas grow?", { model: "haiku", provider: @payload.provider, system: "Be brief." })
show @claude("Write it down", { model: "haiku", provider: @payload.provider, tools: ["Write"] })
show @claude("Too many", { model: "haiku", provider: @payload.provider, retries: 1 })
show @claude("Where do peas grow?", { model: "haiku", provider: @payload.provider, cache: false })
show @claude("Refused", { model: "haiku", provider: @payload.provider, onFail: "null" }) ?? "nothing"
"""
REPLIES = [
    {"match": {"fn": "claude", "contains": "peas", "nth": 1}, "reply": "In the sun, é and all: " + "x" * 100},
    {"match": {"contains": "peas", "nth": 2}, "reply": "Still there."},
    {
        "match": {"contains": "Write it"},
        "turns": [
            [{"text": "So"}, {"tool": "Write", "input": {"file_path": "$DIR/n.md", "content": "peas: sun"}}],
            {"text": "Written."},
        ],
        "usage": {"input": 11, "output": 5},
    },
    {
        "match": {"contains": "Too many"},
        "turns": [{"error": {"status": 429, "type": "rate_limit_error", "retry_after": 0.01}}, {"text": "Now."}],
    },
    {"match": {"contains": "Refused", "model": "haiku"}, "turns": [{"stop": "refusal"}]},
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeEndpoint]:
    file = tmp_path / "replies.jsonl"
    file.write_text("".join(json.dumps(case) + "\n" for case in REPLIES))
    with FakeEndpoint(("127.0.0.1", 0), Endpoint.of_file(file)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: FakeEndpoint, path: str, body: Any = None, raw: bytes | None = None) -> tuple[int, str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
    connection.request("GET" if data is None else "POST", path, data)
    answer = connection.getresponse()
    kind, text = answer.getheader("content-type", ""), answer.read().decode()
    connection.close()
    return answer.status, kind, json.loads(text) if kind == "application/json" else text


@pytest.mark.parametrize("kind", ["anthropic", "openai"])
def test_providers_are_answered(server: FakeEndpoint, tmp_path: Path, kind: str) -> None:
    desk = Desk(tmp_path / "garden", environ={"ANTHROPIC_API_KEY": "k" * 20})
    base = f"http://127.0.0.1:{server.server_port}"
    tables = {"anthropic": f'base = "{base}"', "openai": f'type = "openai"\nbase = "{base}/v1"\nkey = "none"'}
    desk.write("orch.toml", f'[llm.providers.{kind}]\n{tables[kind]}\n[llm.models]\nhaiku = "claude-haiku-5-5"\n')
    desk.write("a.mld", SCRIPT)
    assert desk.orch("a.mld", "--provider", kind) == 0, desk.err
    assert desk.out.splitlines() == [
        "In the sun, é and all: " + "x" * 100, "Written.", "Now.", "Still there.", "nothing",
    ]  # fmt: skip
    assert (desk.root / "n.md").read_text() == "peas: sun"
    assert desk.orch("sql", "SELECT turns FROM calls WHERE input >= 11 AND output >= 5 AND turns > 1") == 0
    assert desk.out == "2\n"
    assert server.endpoint.unused() == []


def test_models_are_listed(server: FakeEndpoint) -> None:
    assert ask(server, "/v1/models")[2]["data"][0]["id"] == "claude-haiku-5-5"
    assert ask(server, "/api/tags?x=1")[2]["models"][0]["name"] == "claude-haiku-5-5"
    assert ask(server, "/v1/other")[0] == 404


def test_answers_in_one_piece(server: FakeEndpoint) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Write it down"}]}
    status, _, said = ask(server, "/v1/messages", body)
    assert (status, said["stop_reason"], said["usage"]["input_tokens"]) == (200, "tool_use", 11)
    assert [block["type"] for block in said["content"]] == ["text", "tool_use"]
    status, _, said = ask(server, "/v1/chat/completions", body)
    choice = said["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])["content"] == "peas: sun"


def test_what_cannot_be_answered(server: FakeEndpoint) -> None:
    status, _, said = ask(server, "/v1/messages", {"model": "m", "messages": [{"role": "user", "content": "Kale?"}]})
    assert status == 404
    assert 'the prompt "Kale?"' in said["error"]["message"]
    assert "the closest is replies.jsonl:1" in said["error"]["message"]
    for raw in (b"{", b"[]", b"{}", b'{"model": "m", "messages": []}', b'{"model": 1, "messages": [1]}'):
        assert ask(server, "/v1/chat/completions", raw=raw)[0] == 400
    assert ask(server, "/v1/elsewhere", {"model": "m"})[0] == 404


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_a_signal(tmp_path: Path, number: int) -> None:
    (tmp_path / "r.jsonl").write_text('{"reply": "x"}')
    words = [sys.executable, "-m", "orchestra", "fake-endpoint", "--models", "r.jsonl", "--strict-models"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(number)
        assert "1 recorded replies answered nothing: r.jsonl:1" in process.communicate(timeout=20)[1]
        assert process.returncode == 2


def test_wrong_options(tmp_path: Path, server: FakeEndpoint) -> None:
    desk = Desk(tmp_path)
    assert desk.orch("fake-endpoint") == 2
    assert desk.orch("fake-endpoint", "--models", "none.jsonl") == 1
    assert "recorded answers cannot be read" in desk.err
    assert desk.orch("fake-endpoint", "--models", "replies.jsonl", "--port", str(server.server_port)) == 2
    assert "--port 0 takes a free one" in desk.err
