"""A copy of a project in which a test may do what it likes: afterwards the copy is as it was, the project untouched.

Of a link that leads out of the project the copy holds what it leads to.

Which test runs in it is decided by `trials`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestra.paths import cache_dir
from orchestra.runtime.redact import is_secret_name

__all__ = ["LEFT_OUT", "Scratch"]

# What is made again by other programs, or belongs to no project.
LEFT_OUT = frozenset(
    ".git .hg .svn .orch .venv venv node_modules __pycache__ .mypy_cache .pytest_cache .ruff_cache .tox".split()
)

Stamp = tuple[int, int, int]


class Scratch:
    """The copy of `root` below `folder`. It has the name of the original, and a home folder beside it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.original = root
        self.root = folder / (root.name or "project")
        self.home = folder / "home"
        self.home.mkdir()
        self._copy(Path())
        self._stamps = dict(self._walk(Path()))

    def restore(self) -> None:
        """Undo what was done since: little, as a rule, so that looking is cheaper than copying."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        found = dict(self._walk(Path()))
        for path in sorted(found.keys() - self._stamps.keys(), reverse=True):
            _remove(self.root / path)
        for path in sorted(self._stamps):
            if found.get(path) != self._stamps[path]:
                _remove(self.root / path)
                self._copy(path)
                self._stamps.update(self._walk(path))

    def changed(self) -> list[Path]:
        """The paths of what is new or other than in the original."""
        return sorted(path for path, stamp in self._walk(Path()) if self._stamps.get(path) != stamp)

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The user's environment without secrets and without what decides about runs. Parsed grammars are shared."""
        kept = {
            name: value
            for name, value in environ.items()
            if not (is_secret_name(name) or name.startswith(("ORCH_", "MLLD_", "ANTHROPIC_")))
        }
        return {**kept, "HOME": str(self.home), "XDG_CACHE_HOME": str(cache_dir(environ).parent)}

    def _copy(self, path: Path) -> None:
        source, target = self.original / path, self.root / path
        if source.is_symlink() and self._leads_out(source):
            source = source.resolve()
        if not source.is_dir() or source.is_symlink():
            shutil.copy2(source, target, follow_symlinks=False)
            return
        shutil.copytree(source, target, symlinks=True, ignore=_left_out, dirs_exist_ok=True)
        for link in [found for found in source.rglob("*") if found.is_symlink() and self._leads_out(found)]:
            copied = target / link.relative_to(source)
            if copied.is_symlink():
                copied.unlink()
                self._copy(copied.relative_to(self.root))

    def _leads_out(self, link: Path) -> bool:
        """Whether the link would lead elsewhere, seen from the copy."""
        away = not link.resolve().is_relative_to(self.original.resolve())
        return away and not link.readlink().is_absolute() and link.exists()

    def _walk(self, top: Path) -> Iterator[tuple[Path, Stamp]]:
        """Every file and folder below, with what changes when its content does."""
        start = self.root / top
        if top != Path():
            yield top, _stamp(start)
        if not start.is_dir() or start.is_symlink():
            return
        for entry in os.scandir(start):
            yield from self._walk(top / entry.name)


def _stamp(path: Path) -> Stamp:
    """Of a folder only that it is one: what lies in it has stamps of its own."""
    found = path.lstat()
    return (found.st_mode, 0, 0) if stat.S_ISDIR(found.st_mode) else (found.st_mode, found.st_size, found.st_ctime_ns)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Also what is neither file, folder nor link, and what the models of the project have put out."""
    output = {"output"} if Path(folder).name == "llm" else set()
    return {name for name in names if name in LEFT_OUT or name in output or not _is_copied(Path(folder, name))}


def _is_copied(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
