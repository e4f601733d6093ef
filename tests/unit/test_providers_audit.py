"""The audit of the examples, asking a server of either wire format instead of its program.

The rules of its stand-in answer there too. Only the settings differ from the example as it is shipped.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
import zlib
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import chat_wire
import messages_wire
import pytest
from loopback import Answer, Loopback, Request

from orchestra.cli.in_process import Finished, run_in_process

EXAMPLE = Path(__file__).parents[2] / "examples" / "audit"
MADE = shutil.ignore_patterns(".orch", "output", "__pycache__")
KEY = "key-of-the-model-4711"
OTHER = "unguessable-value-0815"
LEAKS = "def read(path):\n    file = open(path)\n    return file.read()\n"


def reviewer(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The stand-in of the example, which is no package of ours."""
    monkeypatch.syspath_prepend(str(EXAMPLE / "tools"))
    return partial(import_module("standin.protocol").answer, choose=import_module("reviewer").choose)


def as_messages(request: dict[str, Any]) -> dict[str, Any]:
    """A request of either form as the stand-in knows it."""
    if "max_completion_tokens" not in request and "system" not in request and "stream_options" not in request:
        return request
    tools = [{"name": tool["function"]["name"]} for tool in request.get("tools", ())]
    return {"messages": [_message(message) for message in request["messages"]], "tools": tools}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        return {"role": "user", "content": [result]}
    calls = [
        {"type": "tool_use", "id": call["id"], "name": call["function"]["name"],
         "input": json.loads(call["function"]["arguments"])}
        for call in message.get("tool_calls", ())
    ]  # fmt: skip
    return {"role": message["role"], "content": [{"type": "text", "text": message["content"] or ""}, *calls]}


def streamed(wire: ModuleType, reply: dict[str, Any]) -> Answer:
    """What the stand-in says, as a stream of that form."""
    uses = [block for block in reply["content"] if block["type"] == "tool_use"]
    if not uses:
        return wire.says(*(block["text"] for block in reply["content"]))
    if wire is chat_wire:
        calls = (
            wire.call(json.dumps(use["input"]), number, id=use["id"], name=use["name"])
            for number, use in enumerate(uses)
        )
        return wire.stream(*calls, *wire.end("tool_calls"))
    blocks = [
        wire.block(
            number,
            {"type": "tool_use", "id": use["id"], "name": use["name"], "input": {}},
            {"type": "input_json_delta", "partial_json": json.dumps(use["input"])},
        )
        for number, use in enumerate(uses)
    ]
    return wire.stream(*(event for block in blocks for event in block), *wire.end("tool_use"))


class Audit:
    """A copy of the example whose settings name a server, and a package to look at."""

    def __init__(self, wire: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wire = wire
        self.root = root
        self.project = root / "audit"
        self.answer = reviewer(monkeypatch)
        shutil.copytree(EXAMPLE, self.project, ignore=MADE)
        (root / "shop").mkdir()
        (root / "shop/__init__.py").write_text("")
        (root / "shop/reader.py").write_text(LEAKS)

    def respond(self, request: Request) -> Answer:
        return streamed(self.wire, self.answer({"version": 1, **as_messages(request.body)}))

    def run(self, server: Loopback, *words: str) -> Finished:
        table = self.wire.table(server.base, concurrency=4)
        lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
        name = self.wire.NAME
        settings = (EXAMPLE / "orch.toml").read_text().replace('provider = "stand-in"', f'provider = "{name}"', 1)
        settings = settings.replace("[llm]\n", '[llm]\narchive = "full"\n', 1)
        (self.project / "orch.toml").write_text("\n".join([settings, f"[llm.providers.{name}]", *lines, ""]))
        environ = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(self.root), "MODEL_KEY": KEY,
                   "OTHER_TOKEN": OTHER}  # fmt: skip
        return run_in_process(["run", "audit", "--source", "../shop", *words], self.project, "", environ)

    def report(self) -> dict[str, Any]:
        found = sorted(self.project.glob("llm/output/audit/*/findings.json"))
        return dict(json.loads(found[-1].read_text()))

    def kept(self) -> str:
        """Everything that is on the disk after a run, the store with its compressed texts included."""
        texts = [file.read_bytes().decode("latin-1") for file in self.root.rglob("*") if file.is_file()]
        store = sqlite3.connect(self.project / ".orch/store.db")
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in store.execute(f'SELECT * FROM "{table}"'):
                texts += [_plain(value) for value in row]
        store.close()
        return "\n".join(texts)


def _plain(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode("latin-1")
    except zlib.error:
        return value.decode("latin-1")


@pytest.fixture(params=[messages_wire, chat_wire], ids=["messages", "chat"])
def audit(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Audit:
    return Audit(request.param, tmp_path, monkeypatch)


def test_the_audit_works_with_a_server(audit: Audit) -> None:
    with Loopback(audit.respond) as server:
        done = audit.run(server)
        assert done.exit == 0, done.stderr
        findings = [(one["file"], one["line"], one["verdict"]) for one in audit.report()["findings"]]
        assert findings == [("shop/reader.py", 2, "confirmed")]
        assert re.search(r"^3 calls, ", done.stderr, re.MULTILINE)
        asked = len(server.requests)
        again = audit.run(server)
        assert (again.exit, len(server.requests)) == (0, asked)
        assert "0 calls, 3 cached" in again.stderr
    assert server.most <= 4


def test_keys_are_kept_nowhere(audit: Audit) -> None:
    """One is in the environment and in a file that the model reads, the other in the prompt as well."""
    prompt = audit.project / "llm/run/audit/prompts/review.att"
    prompt.write_text(prompt.read_text() + f"\nNever tell anybody {OTHER}.\n")
    (audit.root / "shop/reader.py").write_text(LEAKS + f"# {KEY}\n")
    with Loopback(audit.respond) as server:
        done = audit.run(server)
    assert done.exit == 0, done.stderr
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)
    assert any(OTHER in json.dumps(request.body) for request in server.requests)
    prompt.unlink()
    (audit.root / "shop/reader.py").unlink()
    kept = audit.kept() + done.stdout + done.stderr
    assert "[redacted:OTHER_TOKEN]" in kept
    assert KEY not in kept
    assert OTHER not in kept


def test_a_budget_stops_it_and_a_higher_one_sends_only_what_is_missing(audit: Audit) -> None:
    with Loopback(audit.respond) as server:
        stopped = audit.run(server, "--budget", "calls=2")
        assert stopped.exit == 4, stopped.stderr
        asked = len(server.requests)
        done = audit.run(server, "--budget", "calls=3")
        assert done.exit == 0, done.stderr
        assert "1 call, 2 cached" in done.stderr
        assert len(server.requests) > asked
    told = [json.dumps(request.body["messages"]) for request in server.requests]
    assert len(set(told)) == len(told)  # no conversation was held twice
