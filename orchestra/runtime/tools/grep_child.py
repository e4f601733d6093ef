"""Searches files for a regular expression.

Run as a program by `search`, which names only files that may be read.

Reads a JSON object `{pattern, files: [[shown, root, path], …], mode, context, limit}` on standard input.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestra.runtime.tools.descent import open_folder, open_regular

MOST_BYTES = 64 * 1024 * 1024  # of one file; what lies behind is not searched


def main() -> None:
    task: dict[str, Any] = json.load(sys.stdin)
    try:
        pattern = re.compile(task["pattern"])
    except (re.error, OverflowError, RecursionError) as error:
        sys.exit(f"the pattern is not a regular expression: {error}")
    left: int = task["limit"]
    for line in _found(task, pattern):
        data = (line + "\n").encode("utf-8", "replace")
        left -= len(data)
        if left < 0:
            data = b"[more was found; narrow the search]\n"
        sys.stdout.buffer.write(data)
        if left < 0:
            return


def _found(task: dict[str, Any], pattern: re.Pattern[str]) -> Iterator[str]:
    for shown, root, path in task["files"]:
        lines = _lines(Path(root), Path(path))
        hits = [number for number, line in enumerate(lines) if pattern.search(line)]
        if not hits:
            continue
        if task["mode"] == "content":
            yield from _shown(shown, lines, hits, task["context"])
        else:
            yield shown if task["mode"] == "files_with_matches" else f"{shown}:{len(hits)}"


def _lines(root: Path, path: Path) -> list[str]:
    """The lines of a text file; none of a binary one, or one that has gone or become a link meanwhile."""
    try:
        with open_folder(root, path.parent) as folder, os.fdopen(open_regular(path.name, folder), "rb") as handle:
            data = handle.read(MOST_BYTES)
    except OSError:
        return []
    return [] if b"\0" in data[:8192] else data.decode("utf-8", "replace").splitlines()


def _shown(name: str, lines: list[str], hits: list[int], context: int) -> Iterator[str]:
    """`name:12:text` for a hit, `name-11-text` for what stands around it, `--` between stretches."""
    wanted = sorted({n for hit in hits for n in range(hit - context, hit + context + 1) if 0 <= n < len(lines)})
    found = set(hits)
    before = None
    for number in wanted:
        if context and before is not None and number > before + 1:
            yield "--"
        mark = ":" if number in found else "-"
        yield f"{name}{mark}{number + 1}{mark}{lines[number]}"
        before = number


if __name__ == "__main__":
    main()
