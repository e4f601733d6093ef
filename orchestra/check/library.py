"""The files of a project as the checks read them: scripts, modules and templates, each parsed once.

Where a source leads is decided here; what a statement may take from it is checked in `imports`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from orchestra.check.module import Module, source_of
from orchestra.check.scope import Surface
from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.location import missing_file, resolve
from orchestra.lookup import completed, named_file, written_path
from orchestra.nodes.base import Node
from orchestra.parse import parse_errors, parse_script, parse_template
from orchestra.paths import home
from orchestra.source import Source
from orchestra.values.known import BUILT_IN_MODULES, VIRTUAL_MODULES

__all__ = ["Library", "mode_of"]

TEMPLATES = (".att", ".mtt")


def mode_of(path: Path) -> str:
    return "markdown" if path.suffix == ".md" else "strict"


class Library:
    """`given` are the names (with `@`) of modules that the invocation will bring."""

    def __init__(self, config: Config, given: Collection[str] = ()) -> None:
        self.config = config
        self._given = given
        self._modules: dict[Path, Module] = {}
        self._templates: dict[Path, Node] = {}
        self._sound: set[str] = set()  # modules below which nothing imports in a circle

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def module(self, path: Path) -> Module:
        """The parsed script in a file. Raises E401 to E403 if it cannot be read."""
        path = Path(os.path.normpath(path.absolute()))
        if path not in self._modules:
            self._modules[path] = self.parsed(self.read(path), mode_of(path))
        return self._modules[path]

    def parsed(self, source: Source, mode: str) -> Module:
        """A script with all its syntax errors."""
        try:
            return Module(source, parse_script(source, mode))
        except OrchError as error:
            return Module(source, None, parse_errors(source, mode) or [error])

    def template(self, path: Path) -> Node:
        """A parsed template file. Raises what is wrong with it."""
        if path not in self._templates:
            self._templates[path] = parse_template(self.read(path), path.suffix[1:])
        return self._templates[path]

    def read(self, path: Path) -> Source:
        """A text file. Raises E401 to E403."""
        name = self.shown(path)
        try:
            return Source(name, path.read_text(encoding="utf-8"), path)
        except FileNotFoundError:
            raise OrchError("E401", f"file not found: {name}", exit=2) from None
        except UnicodeDecodeError:
            raise OrchError("E403", f"{name} is not UTF-8 text", exit=2) from None
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            raise OrchError("E402", f"cannot read {name}: {reason}", exit=2) from None

    def shown(self, path: Path) -> str:
        root = self.config.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    # ── finding ──────────────────────────────────────────────────────────────────────────────────

    def resolve(self, written: str, base: Path) -> Path:
        """The absolute path that a path in a script of the folder `base` means."""
        return resolve(written, base, self.config.root)

    def file_of(self, source: str, base: Path) -> Path | None:
        """The file that an import names, or None for modules that lie in no file. E401 if there is none."""
        path = written_path(source, base, self.config)
        if path is None:
            name = source[1:].split("@")[0]
            return None if name in BUILT_IN_MODULES else self._named(source)
        found = completed(path)
        if found is None and not path.is_dir():
            raise self.missing(source, base)
        return found

    def missing(self, written: str, base: Path) -> OrchError:
        """E401 with the path that was probably meant."""
        return missing_file(written, base, self.config.root)

    def _named(self, source: str) -> Path | None:
        try:
            return named_file(source, self.config, home(os.environ))
        except FileNotFoundError:  # an incomplete installation, which the run complains about
            return None

    def is_virtual(self, source: str) -> bool:
        """Whether a source lies in no file: a value of the run, a module that the invocation brings."""
        name = source.removeprefix("@").split("@")[0]
        known = (*VIRTUAL_MODULES, *BUILT_IN_MODULES)
        return source.startswith("@") and (name in known or f"@{name}" in self._given)

    # ── what modules offer ───────────────────────────────────────────────────────────────────────

    def surface(self, source: str, base: Path) -> Surface | None:
        """What a source offers; None for a named module that is not there. Raises E401 to E403."""
        name = source.removeprefix("@").split("@")[0]
        if source.startswith("@") and name in BUILT_IN_MODULES:
            return Surface(source, dict.fromkeys(BUILT_IN_MODULES[name]))
        if self.is_virtual(source):
            return Surface(source, {}, open=True)
        path = self.file_of(source, base)
        if path is not None:
            return self._json(path, source) if path.suffix == ".json" else self.module(path).surface()
        folder = written_path(source, base, self.config)
        return Surface(source, {}, open=True) if folder is not None and folder.is_dir() else None

    def _json(self, path: Path, source: str) -> Surface:
        try:
            data = json.loads(self.read(path).text)
        except ValueError as error:
            raise OrchError("E403", f"{source} is not JSON: {error}") from None
        return Surface(source, dict.fromkeys(data) if isinstance(data, dict) else {})

    def prelude(self) -> list[str]:
        """Names that the project gives to every script."""
        names: list[str] = []
        for source in self.config.prelude.modules:
            try:
                surface = self.surface(f"@{source.lstrip('@')}", self.config.root)
            except OrchError:
                continue  # the run says so
            names += surface.names if surface is not None else []
        return names

    # ── who imports whom ─────────────────────────────────────────────────────────────────────────

    def imported(self, module: Module) -> Iterator[Module]:
        """The modules that a file imports directly, as far as they are scripts that can be read."""
        for statement in module.imports():
            source = source_of(statement)
            if source is None or source.endswith(TEMPLATES) or str(getattr(statement.kind, "word", "")) == "templates":
                continue
            try:
                path = self.file_of(source, module.directory or self.config.root)
                if path is not None and path.suffix != ".json":
                    yield self.module(path)
            except OrchError:
                continue  # told where the import is checked

    def circle(self, module: Module, above: tuple[Module, ...]) -> tuple[Module, ...]:
        """The modules that import each other below `module`, which `above` lead to; empty if none do."""
        names = [part.source.name for part in above]
        if module.source.name in names:
            return (*above[names.index(module.source.name) :], module)
        if module.source.name in self._sound:
            return ()
        found = (self.circle(part, (*above, module)) for part in self.imported(module))
        circle = next((part for part in found if part), ())
        if not circle:
            self._sound.add(module.source.name)
        return circle
