"""The paths in a shell command that can be told from its text: targets of redirections, and credentials by name.

Everything else that a program does with paths is its own affair: a list of commands is no sandbox.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from orchestra.runtime.tools.danger import forbidden_read, forbidden_write
from orchestra.runtime.tools.specs import ToolSet
from orchestra.runtime.tools.workspace import LONGEST, Refusal, Workspace, is_possible

__all__ = ["UNSURE", "check_redirect", "credential"]

UNSURE = re.compile(r"[$*?\[~]")  # what the shell would still expand in a path
PATTERN = re.compile(r"[*?\[]")
MOST_PATTERNS = 50
LONGEST_NAME = 255
MOST_FILES = 1000  # that a pattern in a command is filled in with


def check_redirect(
    operator: str, target: str, tools: ToolSet, workspace: Workspace, places: Sequence[Path], free: bool
) -> None:
    """Raises Refusal if a redirection, in one of the folders where it may happen, is no use of Read or Write."""
    if target == "/dev/null" or (operator.endswith("&") and re.fullmatch(r"\d+|-", target)):
        return
    if UNSURE.search(target):
        if free:
            return
        raise Refusal(f"the target {target} of a redirection cannot be checked; name the file itself")
    writes, reads = ">" in operator, "<" in operator
    for place in places:
        real = Path(os.path.realpath(place / target))
        if (writes and forbidden_write(real)) or (reads and forbidden_read(real)):
            raise Refusal(f"{target} is protected")
        if free:
            continue
        path = workspace.locate(target, place)
        for tool in ("Write",) * writes + ("Read",) * reads:
            if not tools.allows(tool, workspace.subject(path)):
                raise Refusal(f"{tool} is not allowed for {target}, the target of a redirection")
        _check_kind(path, target, writes)


def _check_kind(path: Path, target: str, writes: bool) -> None:
    """A shell opens what is there: a pipe or a device, or a file that has another name elsewhere."""
    try:
        found = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise Refusal(f"{target}, the target of a redirection, is not a regular file")
    if writes and found.st_nlink > 1:
        raise Refusal(f"{target}, the target of a redirection, is a file with several names; use Write")


def credential(words: Sequence[str], places: Sequence[Path]) -> str | None:
    """The first word in which an existing file with credentials is named."""
    patterns = 0
    for word in dict.fromkeys(words):
        patterns += PATTERN.search(word) is not None
        if patterns > MOST_PATTERNS:
            raise Refusal("the command has too many patterns to be checked")
        for name in re.split(r"[=@:,]", word):
            if name and is_possible(name) and any(forbidden_read(path) for path in _files(name, places)):
                return word
    return None


def _files(name: str, places: Sequence[Path]) -> Iterator[Path]:
    """Existing files that a word means, in any of the folders."""
    folder, last = os.path.split(os.path.expanduser(name))
    for place in places:
        names: Iterable[str] = (last,)
        if len(last) > LONGEST_NAME or len(str(place / folder)) >= LONGEST:
            continue
        if PATTERN.search(last) and os.path.isdir(place / folder):
            names = islice(glob.iglob(last, root_dir=place / folder, include_hidden=True), MOST_FILES)
        for found in names:
            path = os.path.realpath(place / folder / found)
            if len(path) < LONGEST and os.path.isfile(path):
                yield Path(path)
