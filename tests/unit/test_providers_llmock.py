"""Real calls to a server that is not ours, by the package `llmock`, which also judges how faults were taken.

Faults that it does not know, and what exactly is sent and understood, stand in `test_providers_faults`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from llmock.scenarios import Behavior, Fail, Reply, StreamFault, ToolCall, ToolFault
from llmock.testing import LLMockServer
from llmock.verdict import judge

from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.tools.specs import parse_tools

WORDS = "peas may be sown when the soil is warm"
READ = ToolCall("Read", {"file_path": "notes/soil.md", "limit": 20})
SCHEMA = {"type": "object", "required": ["mark"], "properties": {"mark": {"type": "integer"}}}


class Desk:
    """A server, and calls of one of its providers."""

    def __init__(self, server: LLMockServer, provider: str, root: Path) -> None:
        self.server = server
        self.provider = provider
        self.root = root

    def ask(self, *behaviours: Behavior, **fields: Any) -> LLMResult:
        self.server.state.reset()
        self.server.state.scenarios.add(*behaviours)
        return trio.run(self._call, fields)

    async def _call(self, fields: dict[str, Any]) -> LLMResult:
        base = self.server.base_url(self.provider)
        table = {"type": self.provider, "base": base, "keyEnv": "MODEL_KEY", "timeout": 2}
        agent = Agent(
            root=self.root,
            config={"provider": "mock", "providers": {"mock": table}},
            environment={"MODEL_KEY": "key-of-the-model"},
            emit=lambda kind, data: None,
            archive_dir=lambda: None,
            chance=lambda: 0.05,
        )
        try:
            request = {"call_id": "c", "fn": "ask", "prompt": "When?", "model": "m", "dir": self.root, **fields}
            return await agent.call(LLMRequest(**request))
        finally:
            await agent.close()

    def approves(self, requests: int) -> None:
        """The server saw so many requests and finds nothing wrong with them."""
        records = self.server.state.journal.records(wait=1.0)
        assert len(records) == requests
        judge(records).assert_ok()


@pytest.fixture(scope="module")
def server() -> Iterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


@pytest.fixture(params=["anthropic", "openai"])
def desk(request: pytest.FixtureRequest, server: LLMockServer, tmp_path: Path) -> Desk:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/soil.md").write_text("warm\n")
    return Desk(server, request.param, tmp_path)


def test_text(desk: Desk) -> None:
    result = desk.ask(Reply(WORDS))
    assert (result.text, result.attempts, result.usage.estimated) == (WORDS, 1, False)
    assert result.usage.input > 0
    assert result.usage.output > 0
    desk.approves(requests=1)


def test_tools(desk: Desk) -> None:
    result = desk.ask(Reply("I look.", (READ, READ)), Reply(WORDS), tools=parse_tools("Read"))
    assert (result.text, result.turns) == (WORDS, 2)
    desk.approves(requests=2)


def test_a_file(desk: Desk) -> None:
    write = ToolCall("Write", {"file_path": "out.json", "content": '{"mark": 4}'})
    result = desk.ask(Reply(tool_calls=(write,)), Reply("done"), poll=desk.root / "out.json")
    assert result.data == {"mark": 4}
    desk.approves(requests=2)


def test_a_schema(desk: Desk) -> None:
    """The second answer is the server's own, made up to fit the schema where it is told of it."""
    first, second = Reply('{"mark": "four"}'), Reply('{"mark": 4}')
    assert desk.ask(first, second, schema=SCHEMA).data == {"mark": 4}
    desk.approves(requests=2)


@pytest.mark.parametrize(
    "fault",
    [
        Fail(429, retry_after=0.3),
        Fail(429),
        Fail(500),
        Fail(503),
        Fail(529),
        StreamFault("disconnect", after_chunks=3),
        StreamFault("truncate", after_chunks=3),
        StreamFault("malformed", after_chunks=3),
    ],
    ids=lambda fault: "-".join(
        str(value) for value in (getattr(fault, "status", ""), getattr(fault, "kind", "")) if value
    ),
)
def test_faults(desk: Desk, fault: Behavior) -> None:
    result = desk.ask(fault, Reply(WORDS, times=2))
    assert (result.text, result.attempts) == (WORDS, 2)
    desk.approves(requests=2)


@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
def test_broken_uses_of_tools(desk: Desk, kind: Any) -> None:
    result = desk.ask(ToolFault(kind), Reply(tool_calls=(READ,)), Reply(WORDS), tools=parse_tools("Read"))
    assert (result.text, result.turns, result.attempts) == (WORDS, 2, 2)
    desk.approves(requests=2)
