"""Calls of real clients to a server on this machine: time beyond the ideal, memory, and what is sent after a limit.

    python bench/providers.py

The server is a process of its own. The reference is the bare HTTP client with the same requests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import ORCH, Child, child, row, scratch

HERE = Path(__file__).parent
CALLS, WIDTH = 1_000, 50
DELAYS = (0.05, 0.5)  # seconds of a call: as asked for by a test, and as a model takes at least
LOCAL, LOCAL_DELAY, LOCAL_SLOTS = 229, 0.3, 2
WORKERS = 20
FORMATS = {"openai": "/v1", "anthropic": ""}
SCRIPT = (
    "import { @claude } from @orch/llm\n"
    "var @items = <items.json>\n"
    'exe llm @review(item) = @claude(`Review @item`, { model: "m" })\n'
    "var @results = for parallel(%d) @item in @items => @review(@item)\n"
    "show @results.length\n"
)
BARE = """
import json, sys, httpx2, trio
async def main(url, calls, width):
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "Review 1"}]}).encode()
    left = iter(range(calls))
    async with httpx2.AsyncClient(trust_env=False, limits=httpx2.Limits(max_keepalive_connections=100)) as client:
        async def work():
            for _ in left:
                async with client.stream("POST", url, content=body) as answer:
                    async for _ in answer.aiter_lines():
                        pass
        async with trio.open_nursery() as nursery:
            for _ in range(width):
                nursery.start_soon(work)
trio.run(main, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
"""


class Server:
    """The process, and after it has ended what it saw."""

    def __init__(self, delay: float, slots: int, refusals: int) -> None:
        words = [sys.executable, str(HERE / "model_server.py"), str(delay), str(slots), str(refusals)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.seen: dict[str, Any] = {}

    def end(self) -> None:
        self.seen = json.loads(self._process.communicate("")[0])


@contextmanager
def server(delay: float, slots: int = 1_000, refusals: int = 0) -> Iterator[Server]:
    running = Server(delay, slots, refusals)
    try:
        yield running
    finally:
        running.end()


def project(folder: Path, kind: str, base: str, items: int, width: int, concurrency: int | None) -> None:
    folder.mkdir()
    declared = f"concurrency = {concurrency}\n" if concurrency else ""
    table = f'[llm.providers.server]\ntype = "{kind}"\nbase = "{base}{FORMATS[kind]}"\nkey = "bench"\n{declared}'
    (folder / "orch.toml").write_text(f'[llm]\nprovider = "server"\nmaxWait = 300\n{table}')
    (folder / "items.json").write_text(json.dumps(list(range(items))))
    (folder / "bench.mld").write_text(SCRIPT % width)


def run(folder: Path, root: Path, kind: str, base: str, items: int, width: int, concurrency: int | None) -> Child:
    project(folder, kind, base, items, width, concurrency)
    return child([*ORCH, "bench.mld"], folder, root)


def wide(root: Path, delay: float) -> None:
    ideal = CALLS / WIDTH * delay
    print()
    row(f"{CALLS:,} calls of {delay} s, width {WIDTH}", "s", "ideal, s", "more", "cpu ms a call", "peak MB")
    with server(delay) as running:
        url = f"{running.base}/v1/chat/completions"
        words = [sys.executable, "-c", BARE, url]
        start = min((child([*words, "1", "1"], root, root) for _ in range(3)), key=lambda one: one.seconds)
        bare = child([*words, str(CALLS), str(WIDTH)], root, root)
        told("the HTTP client alone", bare, start, ideal, delay)
        for kind in FORMATS:
            starts = [run(root / f"{kind} {delay} {n}", root, kind, running.base, 1, WIDTH, WIDTH) for n in range(3)]
            start = min(starts, key=lambda one: one.seconds)
            told(
                kind, run(root / f"{kind} {delay}", root, kind, running.base, CALLS, WIDTH, WIDTH), start, ideal, delay
            )


def told(name: str, whole: Child, start: Child, ideal: float, one: float) -> None:
    """A line about a run, less what the run of a single call takes."""
    seconds, cpu = whole.seconds - start.seconds + one, (whole.cpu - start.cpu) / (CALLS - 1)
    more = f"{100 * (seconds / ideal - 1):.0f} %"
    row(name, f"{seconds:.2f}", f"{ideal:.2f}", more, f"{1e3 * cpu:.2f}", f"{whole.peak:.0f}")


def local(root: Path) -> None:
    """Nothing is declared; the server answers two at a time and lets the others wait."""
    print()
    row(f"{LOCAL} items, width {WORKERS}, {LOCAL_SLOTS} slots", "most there", "requests", "s", "ideal, s")
    for kind in FORMATS:
        with server(LOCAL_DELAY, LOCAL_SLOTS) as running:
            took = run(root / f"local {kind}", root, kind, running.base, LOCAL, WORKERS, None)
        ideal = LOCAL / LOCAL_SLOTS * LOCAL_DELAY
        seen = running.seen
        row(kind, str(seen["most"]), str(len(seen["times"])), f"{took.seconds:.1f}", f"{ideal:.1f}")


def limited(root: Path) -> None:
    """The first answers are 429 with `retry-after: 2`."""
    print()
    row(f"429 to {WORKERS} workers, retry-after 2", "within 2 s", "alone, s", "requests")
    for kind in FORMATS:
        with server(LOCAL_DELAY, refusals=WORKERS) as running:
            run(root / f"limited {kind}", root, kind, running.base, 2 * WORKERS, WORKERS, WORKERS)
        times = running.seen["times"]
        refused, scout, others = times[WORKERS - 1], times[WORKERS], times[WORKERS + 1]
        early = sum(refused < time < refused + 2 for time in times)
        row(kind, str(early), f"{others - scout:.2f}", str(len(times)))


def main() -> None:
    with scratch() as root:
        for delay in DELAYS:
            wide(root, delay)
        local(root)
        limited(root)


if __name__ == "__main__":
    main()
