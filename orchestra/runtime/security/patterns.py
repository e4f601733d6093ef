"""What the patterns of a policy match: commands by their words, code by its executor, files by globs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from orchestra.nodes.policy_rules import Pattern
from orchestra.runtime.tools.globs import path_matches

__all__ = ["allows_command", "covers_executor", "covers_file", "denies_command", "denies_file"]

NETWORK = frozenset("curl wget nc ssh scp rsync ftp telnet".split())


def allows_command(pattern: Pattern, words: Sequence[str]) -> bool:
    """In an allow list two or more words without `*` mean exactly this command."""
    if pattern.kind == "*":
        return True
    if pattern.kind != "cmd":
        return False
    parts = (*pattern.parts, "*") if len(pattern.parts) <= 1 else pattern.parts
    return _fits(parts, _known(words)) or _fits(parts, words)


def denies_command(pattern: Pattern, words: Sequence[str]) -> bool:
    """In a deny list a command is met whatever follows."""
    if pattern.kind == "network":
        return os.path.basename(words[0]) in NETWORK
    return pattern.kind == "*" or (pattern.kind == "cmd" and _fits((*pattern.parts, "*"), _named(words)))


def covers_executor(pattern: Pattern, executor: str) -> bool:
    return pattern.kind in ("*", executor)


def covers_file(pattern: Pattern, mode: str, path: Path, root: Path) -> bool:
    """Whether it speaks of reading (`r`) or writing (`w`) a file; who may write may read."""
    if pattern.kind == "*":
        return True
    if pattern.kind != f"fs:{mode}" and not (mode == "r" and pattern.kind == "fs:w"):
        return False
    return not pattern.parts or path_matches(_absolute(pattern.parts[0], root), path.as_posix().lstrip("/"))


def denies_file(pattern: Pattern, mode: str, path: Path, root: Path) -> bool:
    """Likewise in a deny list, where a file that may not be read may not be written either."""
    if pattern.kind == "fs:r" and mode == "w":
        return covers_file(pattern, "r", path, root)
    return pattern.kind in ("*", f"fs:{mode}") and covers_file(pattern, mode, path, root)


def _known(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command with its program by its own name, if that name would start the same program."""
    program = os.path.basename(words[0])
    return (program, *words[1:]) if words[0] == shutil.which(program) else tuple(words)


def _named(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command with its program by its own name."""
    return (os.path.basename(words[0]), *words[1:])


def _fits(parts: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words fit a pattern in which `*` stands for any run of them."""
    if not parts:
        return not words
    if parts[0] == "*":
        return any(_fits(parts[1:], words[start:]) for start in range(len(words) + 1))
    return bool(words) and parts[0] == words[0] and _fits(parts[1:], words[1:])


def _absolute(glob: str, root: Path) -> str:
    """A glob without its leading slash: from the root of the project, from home, or from the root of the disk."""
    if glob.startswith("**"):
        return glob
    for prefix in ("@root/", "@base/"):
        if glob.startswith(prefix):
            return f"{root.as_posix()}/{glob.removeprefix(prefix)}".lstrip("/")
    if glob.startswith("~"):
        return os.path.expanduser(glob).lstrip("/")
    return (glob if glob.startswith("/") else f"{root.as_posix()}/{glob.removeprefix('./')}").lstrip("/")
