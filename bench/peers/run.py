"""One durable fan-out, made and served again, by `orch` and by libraries that promise the same.

    python bench/peers/run.py PYTHON      (the interpreter of the environment in which the peers are installed)

An item's time is the wall clock of the whole process less that of the same with one item, so that imports do not
count; the table gives both. Memory is that of the largest process. The reference is `plain_fanout.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from measure import ORCH, Child, child, row, scratch  # noqa: E402

WIDTH = 20
SCRIPT = f"""exe llm @review(item) = `Reviewed @item`
var @items = <items.json>
var @results = for parallel({WIDTH}) @item in @items => @review(@item)
show @results.length
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to do the fan-out. sizes: numbers of items; rounds: of which the shortest counts."""

    name: str
    file: str | None
    sizes: Sequence[int] = (1_000, 5_000)
    rounds: int = 3

    def prepare(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True)
        if self.file is None:
            (folder / "items.json").write_text(json.dumps(list(range(count))))
            (folder / "bench.mld").write_text(SCRIPT)

    def command(self, python: str, count: int, again: bool) -> list[str]:
        if self.file is None:
            return [*ORCH, "bench.mld"]
        return [python, str(HERE / self.file), ".", str(count), *(["again"] if again else [])]


PEERS = (
    Peer("plain trio and sqlite3", "plain_fanout.py"),
    Peer("orch", None),
    Peer("LangGraph, SQLite saver", "langgraph_fanout.py"),
    Peer("DBOS, SQLite", "dbos_fanout.py", sizes=(1_000,)),  # these two take minutes
    Peer("Prefect, persisted results", "prefect_fanout.py", sizes=(1_000,), rounds=1),
)


def runs(peer: Peer, python: str, count: int, root: Path) -> tuple[Child, Child, int]:
    """The quickest first run, the quickest second one, and the bytes that are left on disk."""
    pairs, size = [], 0
    for number in range(peer.rounds):
        folder = root / f"{peer.name} {count} {number}"
        peer.prepare(folder, count)
        made = child(peer.command(python, count, False), folder, root)
        pairs.append((made, child(peer.command(python, count, True), folder, root)))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".mld")
    firsts, seconds = zip(*pairs, strict=True)
    return min(firsts, key=lambda run: run.seconds), min(seconds, key=lambda run: run.seconds), size


def compare(peer: Peer, python: str, root: Path, plain: dict[int, tuple[float, float]]) -> None:
    first_one, second_one, _ = runs(peer, python, 1, root)
    for count in peer.sizes:
        first, second, size = runs(peer, python, count, root)
        made, served = (
            max(1e-9, many.seconds - one.seconds) / count for many, one in ((first, first_one), (second, second_one))
        )
        plain.setdefault(count, (made, served))
        ratios = (f"{time / reference:.1f}" for time, reference in zip((made, served), plain[count], strict=True))
        row(
            f"{peer.name}, {count:,}", f"{1e6 * made:.0f}", f"{1e6 * served:.0f}", *ratios, f"{first.seconds:.2f}",
            f"{second.seconds:.2f}", f"{first.peak:.0f}", f"{size / count / 1024:.2f}",
        )  # fmt: skip


def main(python: str) -> None:
    row("", "made, µs", "served, µs", "× plain", "× plain", "made, s", "served, s", "peak MB", "KB an item")
    with scratch() as root:
        plain: dict[int, tuple[float, float]] = {}
        for peer in PEERS:
            compare(peer, python, root, plain)


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).absolute()))
