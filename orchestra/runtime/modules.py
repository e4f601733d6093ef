"""Finds, parses and evaluates modules and template files, each once a run.

Where a source leads is told by `lookup`; what a module looks like from outside is in `module`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestra.errors import OrchError, nearest
from orchestra.import_kinds import check_kind
from orchestra.location import is_url, missing_file, public_url
from orchestra.lookup import completed, is_named, named_file
from orchestra.nodes.base import Node
from orchestra.nodes.modules import Import, ImportWhole, source_text
from orchestra.nodes.script import Script
from orchestra.parse import parse_script, parse_template
from orchestra.paths import resource
from orchestra.runtime.files.contents import interpret
from orchestra.runtime.module import Module
from orchestra.source import Source, Span
from orchestra.values.tagged import MISSING
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Modules", "TemplateBody"]


@dataclass(frozen=True, slots=True)
class TemplateBody:
    """A template file: its nodes, the module-like place that its paths start from, and a digest of its bytes."""

    parsed: Node
    module: Any
    name: str
    digest: str


FRESH = 300.0  # seconds for which a module from the net is taken from the disk


class TemplatePlace:
    """Where a template file lies; stands in for a module while it is evaluated."""

    def __init__(self, owner: Module, path: Path) -> None:
        self.owner = owner
        self.path = path
        self.home = self.directory = path.parent
        self.name = owner.name

    def __getattr__(self, name: str) -> Any:
        return getattr(self.owner, name)


class Modules:
    """Finds, parses and evaluates modules, each once a run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: dict[str, Module] = {}
        self._open: list[str] = []  # modules being evaluated, for cycles
        self._templates: dict[Path, TemplateBody] = {}

    def main(self, source: Source, script: Script) -> Module:
        name = self._run.script_name
        module = Module(name, source.path, self._run, self._run.cwd)
        module.script = script
        if source.path is not None:
            self._run.files_read.source(source.path)
            self._known[str(source.path.resolve())] = module
            self._open.append(str(source.path.resolve()))
        return module

    def all(self) -> list[Module]:
        return [self._run.main, *self._known.values()]

    def find(
        self, source: str, importer: Any, span: Span, kind: str | None = None, fresh: float | None = None
    ) -> Module:
        """The module that a source names; from the net at most `fresh` seconds old. Raises E410 to E414."""
        if is_url(source):
            check_kind(source, kind, False, None, span)
            return self._remote(source, FRESH if fresh is None else fresh, span)
        named = is_named(source)
        made = self._run.virtual_module(source[1:].split("@")[0]) if named else None
        path = None if made is not None else self._run.import_path(source, importer, span)
        check_kind(source, kind, made is not None, path, span)
        if made is not None:
            name = "@" + source[1:].split("@")[0]
            return self._known.setdefault(name, self._virtual(name, *made))
        if path is not None:
            return self._file(source, path, importer.directory, span)
        found = named_file(source, self._run.config, self._run.user_home)
        if found is None:
            raise self._unknown(source, span)
        return self.load(found, span)

    def _unknown(self, source: str, span: Span) -> OrchError:
        name = source.removeprefix("@").split("@")[0]
        if name == "keychain":
            help = "hand the value in through the environment: import { NAME } from @input"
            return OrchError("E605", "the keychain cannot be read by this version", span, help=help, exit=2)
        meant = nearest(f"@{name}", self._run.virtual_names())
        known = "bundled modules are " + ", ".join(sorted(self._run.virtual_names()))
        return OrchError(
            "E410", f"module @{name} was not found", span, help=f"did you mean {meant}?" if meant else known
        )

    def _virtual(self, name: str, values: Mapping[str, Any], lenient: bool) -> Module:
        module = Module(name, None, self._run, self._run.root)
        module.scope.names.update(values)
        module.lenient = lenient
        return module

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def _file(self, source: str, path: Path, base: Path, span: Span) -> Module:
        if source.endswith((".att", ".mtt")):
            raise OrchError(
                "E415", "a template file cannot be imported", span, help=f'exe @name(…) = template "{source}"'
            )  # fmt: skip
        found = completed(path)
        if found is None:
            raise missing_file(source, base, self._run.root).at(span)
        return self.load(found, span)

    def peek(self, statement: Import | ImportWhole, importer: Module) -> Module | None:
        """The file that an import names, parsed and not run; None for what is no file or cannot be read."""
        try:
            source = source_text(statement.source, importer.scope)
            written = None if is_url(source) else self._run.import_path(source, importer, statement.span)
            path = completed(written) if written is not None else self._named(source)
            if path is None or path.suffix == ".json":
                return None
            module = Module(self._run.project_name(path), path.resolve(), self._run, path.parent)
            module.script = parse_script(self._run.read_source(path), _mode_of(path.suffix))
        except OrchError:  # said when the import runs
            return None
        return module

    def _named(self, source: str) -> Path | None:
        if not is_named(source) or self._run.virtual_module(source[1:].split("@")[0]) is not None:
            return None
        return named_file(source, self._run.config, self._run.user_home)

    def load(self, path: Path, span: Span) -> Module:
        """The module in a file, evaluated once. E412 if it is being evaluated already."""
        key = str(path.resolve())
        if key in self._open:
            chain = " → ".join(Path(name).name for name in [*self._open[self._open.index(key) :], key])
            raise OrchError("E412", f"these modules import each other: {chain}", span)
        if key not in self._known:
            self._open.append(key)
            try:
                self._known[key] = self._evaluated(path.resolve())
            except OrchError as error:
                raise error.within(f"import {path.name}", span, "import", path.name) from None
            finally:
                self._open.remove(key)
        return self._known[key]

    def _evaluated(self, path: Path) -> Module:
        run = self._run
        source = run.read_source(path)
        module = Module(run.project_name(path), path, run, path.parent)
        bundled = resource("stdlib")
        if path.is_relative_to(bundled):
            name = path.relative_to(bundled).with_suffix("").as_posix()
            module.name, module.directory = f"@orch/{name}", run.main.directory
        return self._run_module(module, source, path.suffix)

    def _remote(self, url: str, fresh: float, span: Span) -> Module:
        """A module from the net. Paths in it start at the project."""
        run, name = self._run, public_url(url)
        if name not in self._known:
            try:
                text = template_text(run.wait(run.loader.fetch_cached, url, fresh))
                module = Module(name, None, run, run.root)
                self._known[name] = self._run_module(
                    module, Source(name, text), PurePosixPath(urlsplit(url).path).suffix
                )
            except OrchError as error:
                raise error.at(span).within(f"import {name}", span, "import", name) from None
        return self._known[name]

    def _run_module(self, module: Module, source: Source, suffix: str) -> Module:
        """Parse the text of a module and run its definitions; the keys of a JSON object are its names."""
        if suffix == ".json":
            module.scope.names.update(_json_object(source))
            return module
        module.script = parse_script(source, _mode_of(suffix))
        self._run.prepare_module(module)
        module.defining = True
        value = module.script.define(module.scope)
        module.defining = False
        module.check_exports()
        module.default = MISSING if value is None else value
        return module

    # ── templates ────────────────────────────────────────────────────────────────────────────────

    def template(self, name: str, owner: Module, span: Span) -> TemplateBody:
        """A parsed template file. Raises E401 and E407."""
        try:
            path = self._run.place(name, owner, owner.home)
        except OrchError as error:
            raise error.at(span) from None
        if path.suffix not in (".att", ".mtt"):
            raise OrchError("E407", f"a template file ends in .att or .mtt, not in {path.suffix or 'nothing'}", span)
        body = self._templates.get(path)
        if body is None:
            if not path.is_file():
                raise missing_file(name, owner.directory, self._run.root).at(span)
            body = self._templates[path] = self._parsed_template(path, owner)
        return body

    def _parsed_template(self, path: Path, owner: Module) -> TemplateBody:
        source = self._run.read_source(path)
        digest = hashlib.sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()
        parsed = parse_template(source, path.suffix[1:])
        return TemplateBody(parsed, TemplatePlace(owner, path), self._run.project_name(path), digest)


def _mode_of(suffix: str) -> str:
    return "markdown" if suffix == ".md" else "strict"


def _json_object(source: Source) -> dict[str, Any]:
    data = interpret(source.text, ".json", source.name)[1]
    return data if isinstance(data, dict) else {"default": data}
