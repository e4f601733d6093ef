"""How long a start takes, as a multiple of an empty Python measured in the same minute.

python bench/start.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from measure import ORCH, child, row, scratch

ROUNDS = 15
PYTHON = [sys.executable, "-c"]
SUBJECTS: dict[str, Sequence[str]] = {
    "orch --help": [*ORCH, "--help"],
    "orch run --help": [*ORCH, "run", "--help"],
    "orch howto": [*ORCH, "howto"],
    "orch one-line.mld": [*ORCH, "one-line.mld"],
    "import trio": [*PYTHON, "import trio"],
    "import of every dependency": [
        *PYTHON, "import lark, trio, greenback, anthropic, sqlite_utils, jsonschema, rich, click",
    ],
}  # fmt: skip


def seconds(command: Sequence[str], root: Path) -> float:
    child(command, root, root)  # compiles what is not compiled yet
    return min(child(command, root, root).seconds for _ in range(ROUNDS))


def main() -> None:
    with scratch() as root:
        (root / "one-line.mld").write_text('show "hello"\n')
        row("start", "ms", "× empty Python")
        bare = seconds([*PYTHON, "pass"], root)
        row("empty Python", f"{1000 * bare:.1f}", "1.0")
        for name, command in SUBJECTS.items():
            taken = seconds(command, root)
            row(name, f"{1000 * taken:.1f}", f"{taken / bare:.1f}")


if __name__ == "__main__":
    main()
