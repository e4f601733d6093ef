"""Many calls at a time at a real server: what it can bear is found out, and a limit is kept by all of them together."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import chat_wire
import messages_wire
import pytest
import trio
from loopback import Answer, Loopback, Request

from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LLMRequest

WORKERS = 20


def ask_all(wire: ModuleType, server: Loopback, root: Path, items: int, **table: Any) -> list[str]:
    """The answers to so many calls, made by twenty workers of one run."""

    async def main() -> list[str]:
        agent = Agent(
            root=root,
            config={"provider": wire.NAME, "providers": {wire.NAME: wire.table(server.base, **table)}},
            environment={"MODEL_KEY": "key-of-the-model"},
            emit=lambda kind, data: None,
            archive_dir=lambda: None,
            chance=lambda: 0.0,
        )
        answers: list[str] = []
        left = iter(range(items))

        async def work() -> None:
            for number in left:
                request = LLMRequest(str(number), "ask", f"item {number}", root, wire.MODEL, retries=100)
                answers.append((await agent.call(request)).text)

        async with trio.open_nursery() as nursery:
            for _ in range(WORKERS):
                nursery.start_soon(work)
        await agent.close()
        return answers

    return trio.run(main)


@pytest.fixture(params=[messages_wire, chat_wire], ids=["messages", "chat"])
def wire(request: pytest.FixtureRequest) -> ModuleType:
    found: ModuleType = request.param
    return found


@pytest.mark.parametrize("refuses", [False, True], ids=["waits", "refuses"])
def test_a_local_server_with_two_slots(wire: ModuleType, tmp_path: Path, refuses: bool) -> None:
    slots, lock = threading.BoundedSemaphore(2), threading.Lock()
    there: list[Request] = []
    counts: list[int] = []

    def respond(request: Request) -> Answer:
        with lock:
            there.append(request)
            counts.append(len(there))
        served = slots.acquire(blocking=not refuses)
        if served:
            time.sleep(0.01)
            slots.release()
        with lock:
            there.remove(request)  # before it is answered, because the next one comes at once then
        return wire.says("ok") if served else wire.fails(429, "busy")

    with Loopback(respond) as server:
        assert ask_all(wire, server, tmp_path, 229) == ["ok"] * 229
    assert max(counts) == 3
    assert refuses or len(counts) == 229


def test_after_a_limit_one_call_tries(wire: ModuleType, tmp_path: Path) -> None:
    """Nobody asks before the time that the first answers tell, and then one alone until it is accepted."""
    begun = threading.Barrier(WORKERS)
    times: list[float] = []

    def respond(request: Request) -> Answer:
        number = len(times)
        times.append(request.at)
        if number < WORKERS:
            begun.wait(5)
            return wire.fails(429, "slow down", "retry-after: 0.4")
        return [0.3, *wire.says("ok")]

    with Loopback(respond) as server:
        assert ask_all(wire, server, tmp_path, WORKERS, concurrency=WORKERS) == ["ok"] * WORKERS
    first, scout, others = times[:WORKERS], times[WORKERS], times[WORKERS + 1 :]
    assert len(others) == WORKERS - 1
    assert scout - max(first) >= 0.4
    assert min(others) - scout >= 0.3
