"""The scripts of a project: which there are, and which one a name means.

Running them is left to `run`; `checkpoint` looks scripts up in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestra.config import Config
from orchestra.errors import OrchError, nearest
from orchestra.paths import home

__all__ = ["Found", "Scripts"]

SUFFIXES = (".mld", ".mld.md")
TESTS = (".test.mld", ".test.mld.md")  # run by `orch test`
ENTRIES = ("index", "main")


@dataclass(frozen=True, slots=True)
class Found:
    """The file a name means; `shadowed` are those it would mean if this one were not there."""

    path: Path
    shadowed: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Scripts:
    """The script folders, nearest first: the project's and the user's own."""

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, config: Config, environ: Mapping[str, str]) -> Scripts:
        settings = Path(environ.get("XDG_CONFIG_HOME") or home(environ) / ".config")
        return cls((config.script_dir, settings / "orch" / "run"))

    def names(self) -> list[str]:
        return sorted({name for folder in self.folders for name in _names_in(folder)})

    def find(self, name: str) -> Found:
        """Raises OrchError E811 with the scripts there are."""
        for folder in self.folders:
            existing = [path for path in _candidates(folder, name) if path.is_file()]
            if existing:
                return Found(existing[0], tuple(existing[1:]))
        raise self._not_found(name)

    def locate(self, name: str, cwd: Path) -> Found:
        """The script of this name, else the file or folder that `name` leads to from `cwd`. Raises like `find`."""
        try:
            return self.find(name)
        except OrchError:
            path = (cwd / name).resolve()
            entries = [path / f"{entry}{suffix}" for entry in ENTRIES for suffix in SUFFIXES] if path.is_dir() else []
            existing = [file for file in (path, *entries) if file.is_file() and file.name.endswith(SUFFIXES)]
            if not existing:
                raise
            return Found(existing[0], tuple(existing[1:]))

    def identity(self, name: str, root: Path, cwd: Path) -> str:
        """What the store calls a script: its path from the root, or `name` itself if the script is gone."""
        path = cwd / name
        if not path.is_file():
            try:
                path = self.locate(name, cwd).path
            except OrchError:
                return name
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    def _not_found(self, name: str) -> OrchError:
        names = self.names()
        close = nearest(name, names)
        if close:
            help = f"did you mean orch run {close}?"
        elif not names:
            help = f"write {self.folders[0] / name}.mld, or orch init for an example"
        else:
            help = None
        return OrchError("E811", f'script "{name}" not found', help=help, exit=2)

    def listing(self) -> str:
        names = self.names()
        if not names:
            return f"No scripts in {self.folders[0]}"
        return "\n".join(["Available scripts:", *(f"  {name}" for name in names)])


def _candidates(folder: Path, name: str) -> Iterable[Path]:
    for suffix in SUFFIXES:
        yield folder / f"{name}{suffix}"
    for entry in ENTRIES:
        for suffix in SUFFIXES:
            yield folder / name / f"{entry}{suffix}"
    if name.endswith(SUFFIXES):
        yield folder / name


def _names_in(folder: Path) -> Iterable[str]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        suffix = next((s for s in SUFFIXES if path.name.endswith(s)), None)
        if path.is_file() and suffix and not path.name.endswith(TESTS):
            yield path.name.removesuffix(suffix)
        elif path.is_dir() and any((path / f"{e}{s}").is_file() for e in ENTRIES for s in SUFFIXES):
            yield path.name
