"""The tools Glob and Grep.

The lines of Grep are found by `grep_child` in a process of its own: a pattern of a model may take for ever,
and a regular expression at work can be stopped in no other way.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pathspec
import trio

from orchestra.providers.child import run_child
from orchestra.runtime.tools.danger import forbidden_read
from orchestra.runtime.tools.descent import open_folder, open_regular
from orchestra.runtime.tools.globs import path_matches
from orchestra.runtime.tools.workspace import Refusal, Workspace, told

__all__ = ["glob_files", "grep_files"]

MOST_ENTRIES = 200
MOST_OUTPUT = 100 * 1024
BREATH = 256  # files between two looks at the rest of the world
DEEPEST = 100  # folders within folders; each level on the way down is open meanwhile
MOST_RULES = 1024 * 1024
GREP_SECONDS = 30.0
CHILD = "orchestra.runtime.tools.grep_child"

Visible = Callable[[Path], bool]
Rules = tuple[Path, pathspec.GitIgnoreSpec]


async def glob_files(workspace: Workspace, base: Path, input: dict[str, Any], visible: Visible) -> str:
    """Paths of files that match, newest first, at most 200."""
    found = await _matching(workspace, base, input["pattern"], visible)
    if not found:
        return "no files match"
    found.sort(key=lambda path: (-_modified(path), path))
    lines = [workspace.subject(path) for path in found[:MOST_ENTRIES]]
    if len(found) > MOST_ENTRIES:
        lines.append(f"[{len(found) - MOST_ENTRIES} more; narrow the pattern]")
    return "\n".join(lines)


async def grep_files(workspace: Workspace, base: Path, input: dict[str, Any], visible: Visible) -> str:
    """Lines, counts or names of files in which a regular expression is found."""
    task = {
        "pattern": input["pattern"],
        "files": [
            [workspace.subject(path), str(workspace.root_of(path)), str(path)]
            for path in await _searched(workspace, base, input, visible)
        ],
        "mode": input.get("output_mode", "files_with_matches"),
        "context": input.get("-C", 0),
        "limit": MOST_OUTPUT,
    }
    done = await run_child(
        [sys.executable, "-I", "-m", CHILD],
        cwd=workspace.dir,
        environment={},
        input=json.dumps(task).encode(),
        timeout=GREP_SECONDS,
    )
    if done.code is None:
        raise Refusal(f"the search took longer than {GREP_SECONDS:g} s; use a simpler pattern or fewer files")
    if done.code != 0:
        raise Refusal(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1])
    return done.stdout.decode("utf-8", "replace") or "nothing found"


async def _searched(workspace: Workspace, base: Path, input: dict[str, Any], visible: Visible) -> list[Path]:
    if base.is_file():
        return [base] if visible(base) and not forbidden_read(base) else []
    pattern = input.get("glob", "**")
    # A pattern without a folder speaks of names, wherever the files lie.
    return sorted(await _matching(workspace, base, pattern if "/" in pattern else f"**/{pattern}", visible))


async def _matching(workspace: Workspace, base: Path, pattern: str, visible: Visible) -> list[Path]:
    if not base.is_dir():
        raise Refusal("the path to search in is no folder")
    found = []
    for number, path in enumerate(_walk(workspace, base)):
        if number % BREATH == 0:  # with many files it takes seconds, in which others want to go on
            await trio.lowlevel.checkpoint()
        if path_matches(pattern, path.relative_to(base).as_posix()) and visible(path) and not forbidden_read(path):
            found.append(path)
    return found


def _walk(workspace: Workspace, base: Path) -> Iterator[Path]:
    """Regular files below, without hidden ones, links and what git ignores."""
    above = [folder for folder in reversed(base.parents) if folder.is_relative_to(workspace.dir)]
    rules = {folder: found for folder in above for found in _rules_in(workspace, folder)}
    with told("the path to search in"), open_folder(workspace.root_of(base), base) as top:
        for name, folders, files, descriptor in os.fwalk(".", dir_fd=top):
            folder = base / name
            for found in _rules(descriptor):
                rules[folder] = found
            known = [(at, rules[at]) for at in (*reversed(folder.parents), folder) if at in rules]
            if name.count("/") >= DEEPEST:
                folders.clear()
            folders[:] = [name for name in folders if not _skipped(folder / name, True, known)]
            for name in files:
                if not _skipped(folder / name, False, known) and _is_regular(name, descriptor):
                    yield folder / name


def _rules_in(workspace: Workspace, folder: Path) -> list[pathspec.GitIgnoreSpec]:
    with open_folder(workspace.root_of(folder), folder) as descriptor:
        return _rules(descriptor)


def _rules(folder: int) -> list[pathspec.GitIgnoreSpec]:
    """What the `.gitignore` of one folder says, if it has one."""
    try:
        with os.fdopen(open_regular(".gitignore", folder), encoding="utf-8", errors="replace") as handle:
            return [pathspec.GitIgnoreSpec.from_lines(handle.read(MOST_RULES).splitlines())]
    except OSError:
        return []


def _is_regular(name: str, folder: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _skipped(path: Path, is_folder: bool, rules: list[Rules]) -> bool:
    return path.name.startswith(".") or _ignored(path, is_folder, rules)


def _ignored(path: Path, is_folder: bool, specs: list[Rules]) -> bool:
    """What the nearest `.gitignore` with an opinion says."""
    for folder, spec in reversed(specs):
        name = path.relative_to(folder).as_posix() + ("/" if is_folder else "")
        verdict = spec.check_file(name).include
        if verdict is not None:
            return bool(verdict)
    return False


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
