"""The text files of a repository, as a copy of it made by `git` holds them.

Running `git` is the business of whoever runs commands; here is what it is told and what is read afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestra.errors import OrchError
from orchestra.runtime.files.workspace import safe_relative

__all__ = ["CLONE", "text_files"]

# What is wrong goes to standard output, where a failing command is quoted from.
CLONE: Final = """
export GIT_TERMINAL_PROMPT=0
git clone --quiet --depth "$depth" ${branch:+--branch "$branch"} -- "$url" "$folder" 2>&1
"""


def text_files(folder: Path, below: str | None) -> dict[str, str]:
    """Path → text of every file in the copy, or in one folder of it; what is no text is left out."""
    top = folder / safe_relative(below) if below else folder
    if not top.is_dir():
        raise OrchError("E401", f"the repository has no folder {below}")
    return dict(_texts(top, folder.resolve()))


def _texts(top: Path, copy: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(top.rglob("*")):
        inside = path.relative_to(top)
        if ".git" in inside.parts or not path.is_file() or not path.resolve().is_relative_to(copy):
            continue
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            yield inside.as_posix(), text
