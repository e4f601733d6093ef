"""Labelled calls in a parallel loop: time, memory and file size an item, made and served.

    python bench/calls.py

The model is the replay provider: it needs neither network nor processes, so what is left is our own work.
The time of an item is the processor time of the whole run less that of the same script with one item.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

from measure import ORCH, Child, best, child, row, scratch

SIZES = (100, 1_000, 5_000)
WIDTH = 20
SLOW, DELAY = 200, 0.2  # calls, and seconds that the model takes for each
SETTINGS = '[llm]\nprovider = "replay"\n[llm.providers.replay]\ntype = "replay"\npath = "replies.jsonl"\n'
HEAD = "var @items = <items.json>\n"
TAIL = f"var @results = for parallel({WIDTH}) @item in @items => @review(@item)\nshow @results.length\n"
SCRIPTS = {
    "a template": HEAD + "exe llm @review(item) = `Reviewed @item.id: @item.name`\n" + TAIL,
    "a model's answer": (
        "import { @claude } from @orch/llm\n"
        + HEAD
        + 'exe llm @review(item) = @claude(`Review @item.id: @item.name`, { model: "haiku" })\n'
        + TAIL
    ),
}


def project(folder: Path, script: str, size: int, delay: float = 0.0) -> None:
    folder.mkdir()
    items = [{"id": number, "name": f"name {number}"} for number in range(size)]
    (folder / "orch.toml").write_text(SETTINGS)
    (folder / "items.json").write_text(json.dumps(items))
    (folder / "replies.jsonl").write_text(json.dumps({"match": {}, "reply": "a short answer", "delay": delay}))
    (folder / "bench.mld").write_text(script)


def twice(folder: Path, root: Path) -> tuple[Child, Child]:
    """The run that makes the calls, and the one that finds them stored."""
    first = child([*ORCH, "bench.mld"], folder, root)
    return first, child([*ORCH, "bench.mld"], folder, root)


def start(script: str, folder: Path, root: Path) -> tuple[Child, Child]:
    """Both runs with one item, repeated because the first ones compile modules and build parser tables."""
    pairs = []
    for number in range(4):
        again = folder.with_name(f"{folder.name}-{number}")
        project(again, script, 1)
        pairs.append(twice(again, root))
    first, second = zip(*pairs, strict=True)
    return min(first, key=lambda run: run.cpu), min(second, key=lambda run: run.cpu)


def reference(root: Path) -> tuple[float, float]:
    """Seconds to write and to read back one short text with plain sqlite3, one transaction each."""
    store = sqlite3.connect(root / "reference.db", isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("PRAGMA synchronous = NORMAL")
    store.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, value TEXT)")
    keys = [f"{number:064}" for number in range(1_000)]
    insert, select = (
        "INSERT INTO answers VALUES (?, 'a short answer')",
        "SELECT value FROM answers WHERE key = ?",
    )
    write = best(lambda: [store.execute(insert, (key,)) for key in keys], 1, time.perf_counter)
    read = best(lambda: [store.execute(select, (key,)).fetchone() for key in keys], 3, time.perf_counter)
    store.close()
    return write / len(keys), read / len(keys)


def growth(name: str, script: str, root: Path, write: float, read: float) -> None:
    """A table of what an item costs in loops of different lengths."""
    print()
    row(f"exe llm = {name}", "first, ms", "× one INSERT", "second, ms", "× one SELECT", "more MB", "store, KB")
    one = start(script, root / f"{name} 1", root)
    for size in SIZES:
        folder = root / f"{name} {size}"
        project(folder, script, size)
        made, served = twice(folder, root)
        first, second = ((run.cpu - base.cpu) / size for run, base in zip((made, served), one, strict=True))
        more = max(made.peak - one[0].peak, served.peak - one[1].peak)
        stored = (folder / ".orch/store.db").stat().st_size / size / 1024
        row(
            f"{size:,} items", f"{1e3 * first:.3f}", f"{first / write:.0f}×", f"{1e3 * second:.3f}",
            f"{second / read:.0f}×", f"{more:.1f}", f"{stored:.1f}",
        )  # fmt: skip


def ideal(root: Path) -> None:
    """Slow calls, side by side: the time beyond what the model itself takes."""
    best_possible = SLOW / WIDTH * DELAY
    script = SCRIPTS["a model's answer"]
    taken = _seconds(root / "slow", script, SLOW, DELAY, root) - _seconds(root / "start", script, 1, 0.0, root)
    print()
    row(f"{SLOW} calls of {DELAY} s at width {WIDTH}", "s", "ideal, s", "more than ideal")
    row("", f"{taken:.3f}", f"{best_possible:.1f}", f"{100 * (taken / best_possible - 1):.1f} %")


def _seconds(folder: Path, script: str, size: int, delay: float, root: Path) -> float:
    """The shortest of three runs that find nothing stored."""
    found = []
    for number in range(3):
        again = folder.with_name(f"{folder.name}-{number}")
        project(again, script, size, delay)
        found.append(child([*ORCH, "bench.mld"], again, root).seconds)
    return min(found)


def main() -> None:
    with scratch() as root:
        write, read = reference(root)
        for name, script in SCRIPTS.items():
            growth(name, script, root, write, read)
        ideal(root)


if __name__ == "__main__":
    main()
