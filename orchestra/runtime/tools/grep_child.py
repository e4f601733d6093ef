"""Searches files for a regular expression.

Run as a program by `search`, which names only files that may be read.

Reads a JSON object `{pattern, files: [[shown, root, path], …], mode, context, limit}` on standard input.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from orchestra.runtime.tools.descent import open_folder, open_regular

PEEKED = 8192  # bytes that tell a binary file from text
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
        if task["mode"] == "content":
            yield from _shown(shown, lines, pattern, task["context"])
            continue
        hits = (1 for line in lines if pattern.search(line))
        if task["mode"] == "files_with_matches":
            yield from (shown for _ in islice(hits, 1))
        elif count := sum(hits):
            yield f"{shown}:{count}"


def _lines(root: Path, path: Path) -> Iterator[str]:
    """The lines of a text file; none of a binary one, or one that has gone or become a link meanwhile."""
    try:
        with open_folder(root, path.parent) as folder, os.fdopen(open_regular(path.name, folder), "rb") as handle:
            if b"\0" in handle.peek(PEEKED)[:PEEKED]:
                return
            left = MOST_BYTES
            while left > 0 and (raw := handle.readline(left)):
                left -= len(raw)
                yield raw.decode("utf-8", "replace").rstrip("\r\n")
    except OSError:
        return


def _shown(name: str, lines: Iterator[str], pattern: re.Pattern[str], context: int) -> Iterator[str]:
    """`name:12:text` for a hit, `name-11-text` for what stands around it, `--` between stretches."""
    before: deque[tuple[int, str]] = deque(maxlen=context)
    told = after = 0
    for number, line in enumerate(lines, 1):
        if pattern.search(line):
            first = before[0][0] if before else number
            if context and told and first > told + 1:
                yield "--"
            yield from (f"{name}-{at}-{text}" for at, text in before)
            before.clear()
            yield f"{name}:{number}:{line}"
            told, after = number, context
        elif after:
            yield f"{name}-{number}-{line}"
            told, after = number, after - 1
        else:
            before.append((number, line))


if __name__ == "__main__":
    main()
