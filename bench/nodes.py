"""What a piece of a script costs, as a multiple of plain Python functions that do the same to the same data.

python bench/nodes.py
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import best, row, scratch

from orchestra.cli.collector import relax
from orchestra.cli.in_process import run_in_process

SIZES = (1_000, 10_000, 100_000)
HEAD = "var @items = <items.json>\n"
DEPTH = 18


def grade(score: int) -> str:
    if score > 66:
        return "high"
    if score > 33:
        return "mid"
    return "low"


def add(a: int, b: int) -> int:
    return a + b


def judged(item: dict[str, Any]) -> str:
    half = item["score"] / 2
    if half > 25:
        return "good"
    return "poor"


def line(item: dict[str, Any]) -> str:
    return f"{item['name']}: {grade(item['score'])}"


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@dataclass(frozen=True, slots=True)
class Subject:
    """The same work twice: a script over `@items`, and a function of one item."""

    name: str
    script: str
    twin: Callable[[dict[str, Any]], object]


SUBJECTS = (
    Subject("a field", "var @r = for @i in @items => @i.score", lambda i: i["score"]),
    Subject(
        "when, three arms",
        'var @r = for @i in @items => when [ @i.score > 66 => "high"; @i.score > 33 => "mid"; * => "low" ]',
        lambda i: grade(i["score"]),
    ),
    Subject(
        "two methods",
        "var @r = for @i in @items => @i.name.trim().toUpperCase()",
        lambda i: i["name"].strip().upper(),
    ),
    Subject(
        "a template",
        "var @r = for @i in @items => `@i.name has @i.score points`",
        lambda i: f"{i['name']} has {i['score']} points",
    ),
    Subject(
        "an object",
        "var @r = for @i in @items => { id: @i.id, half: @i.score / 2 }",
        lambda i: {"id": i["id"], "half": i["score"] / 2},
    ),
    Subject(
        "a call",
        "exe @add(a, b) = @a + @b\nvar @r = for @i in @items => @add(@i.id, @i.score)",
        lambda i: add(i["id"], i["score"]),
    ),
    Subject(
        "a call with a block",
        "exe @judged(item) = [\n  let @half = @item.score / 2\n"
        '  if @half > 25 [ => "good" ]\n  => "poor"\n]\n'
        "var @r = for @i in @items => @judged(@i)",
        judged,
    ),
    Subject(
        "all of it",
        'exe @grade(score) = when [ @score > 66 => "high"; @score > 33 => "mid"; * => "low" ]\n'
        "exe @line(item) = `@item.name: @grade(@item.score)`\n"
        "var @r = for @i in @items => { id: @i.id, text: @line(@i), name: @i.name.toUpperCase() }",
        lambda i: {"id": i["id"], "text": line(i), "name": i["name"].upper()},
    ),
)  # fmt: skip


def script_seconds(text: str, folder: Path, rounds: int = 3) -> float:
    """The time of a whole run in this process, its start included."""
    (folder / "bench.mld").write_text(text)

    def run() -> None:
        done = run_in_process(["bench.mld"], folder, "", {"ORCH_RECURSION_DEPTH": str(2 * DEPTH)})
        if done.exit:
            raise SystemExit(done.stderr)

    return best(run, rounds)


def python_seconds(twin: Callable[[dict[str, Any]], object], items: Sequence[dict[str, Any]]) -> float:
    def run() -> None:
        results = []
        for item in items:
            results.append(twin(item))

    return best(run, 5)


def per_item(subject: Subject, size: int, folder: Path) -> tuple[float, float]:
    """Seconds for one item by the script and by Python, without what the run costs before its loop."""
    items = [{"id": number, "name": f"name {number}", "score": number % 100} for number in range(size)]
    (folder / "items.json").write_text(json.dumps(items))
    rounds = 5 if size == SIZES[0] else 2
    empty = script_seconds(HEAD, folder, rounds)
    return (
        (script_seconds(HEAD + subject.script + "\n", folder, rounds) - empty) / size,
        python_seconds(subject.twin, items) / size,
    )


def recursion(folder: Path) -> None:
    head = "exe recursive @fib(n) = when [ @n < 2 => @n; * => @fib(@n - 1) + @fib(@n - 2) ]\n"
    ours = script_seconds(f"{head}show @fib({DEPTH})\n", folder) - script_seconds(head, folder)
    row(f"exe recursive, fib({DEPTH})", f"{1e3 * ours:.0f} ms", f"{ours / best(lambda: fib(DEPTH), 5):.0f}×")


def main() -> None:
    relax()
    row("per iteration of a loop", "µs", "× Python", *(f"at {size:,}" for size in SIZES[1:]))
    with scratch() as folder:
        for subject in SUBJECTS:
            costs = [per_item(subject, size, folder) for size in SIZES]
            first, twin = costs[0]
            growth = (f"{cost / first:.2f}×" for cost, _ in costs[1:])
            row(subject.name, f"{1e6 * first:.2f}", f"{first / twin:.0f}×", *growth)
        recursion(folder)


if __name__ == "__main__":
    main()
