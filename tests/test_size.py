"""Files and functions of `orchestra` stay small enough to be read in one go.

Which of them are worth splitting earlier than that is a matter of taste, and left to review.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "orchestra").rglob("*.py"))
LONGEST_FILE = 500
LONGEST_FUNCTION = 40  # from `def` to the last line, decorators aside


def functions() -> Iterator[tuple[int, str]]:
    """Length in lines and place of every function."""
    for file in FILES:
        for found in ast.walk(ast.parse(file.read_text())):
            if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (found.end_lineno or found.lineno) - found.lineno + 1
                yield length, f"{file.relative_to(ROOT)}:{found.lineno} {found.name}"


def longer(sizes: Iterable[tuple[int, str]], limit: int) -> str:
    """Those above the limit, the longest first, one a line."""
    return "\n".join(f"{lines} {name}" for lines, name in sorted(sizes, reverse=True) if lines > limit)


def test_no_file_is_too_long() -> None:
    sizes = [(len(file.read_text().splitlines()), str(file.relative_to(ROOT))) for file in FILES]
    assert longer(sizes, LONGEST_FILE) == ""


def test_no_function_is_too_long() -> None:
    assert longer(functions(), LONGEST_FUNCTION) == ""
