"""The least that a durable fan-out can do: plain trio, one committed INSERT an item; again, one SELECT for all.

python plain_fanout.py FOLDER ITEMS [again]
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import trio

WIDTH = 20


def opened(folder: str) -> sqlite3.Connection:
    store = sqlite3.connect(Path(folder) / "plain.db", isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("PRAGMA synchronous = NORMAL")
    store.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT)")
    return store


async def worker(items: Iterator[int], store: sqlite3.Connection, results: list[str]) -> None:
    for item in items:
        answer = f"Reviewed {item}"
        store.execute("INSERT INTO answers VALUES (?, ?)", (str(item), json.dumps(answer)))
        results.append(answer)
        await trio.lowlevel.checkpoint()


async def made(count: int, store: sqlite3.Connection) -> list[str]:
    results: list[str] = []
    items = iter(range(count))
    async with trio.open_nursery() as nursery:
        for _ in range(WIDTH):
            nursery.start_soon(worker, items, store, results)
    return results


def served(store: sqlite3.Connection) -> list[str]:
    return [json.loads(value) for (value,) in store.execute("SELECT value FROM answers")]


if __name__ == "__main__":
    store = opened(sys.argv[1])
    print(len(served(store) if "again" in sys.argv else trio.run(made, int(sys.argv[2]), store)))
