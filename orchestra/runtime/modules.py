"""Modules: what a file defines, exports and imports, and how a source in `import` is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import Note, OrchError, nearest
from orchestra.location import missing_file, resolve
from orchestra.nodes.base import Node
from orchestra.nodes.script import Script
from orchestra.nodes.views import MetaView, View
from orchestra.parse import parse_script, parse_template
from orchestra.paths import bundled, resource
from orchestra.source import Source, Span
from orchestra.values.executable import Executable
from orchestra.values.known import RESERVED
from orchestra.values.scope import Context, Scope
from orchestra.values.tagged import MISSING, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Module", "Modules", "Namespace", "TemplateBody"]

EXTENSIONS = (".mld", ".mld.md", ".md", ".json")


class Module:
    """One file (or built-in set of names) while a run lasts."""

    def __init__(self, name: str, path: Path | None, run: Run, base: Path) -> None:
        self.name = name  # project-relative path, or @scope/name
        self.path = path
        self.directory = path.parent if path is not None else base
        self.script: Script | None = None
        self.scope = Scope({}, None, Context(), self, run, "module")
        self.lenient = False  # missing names are null (payload, state)
        self.default: Any = MISSING
        self.shadows: dict[str, dict[str, Executable]] = {}
        self.places: dict[str, Span] = {}
        self.imported: set[str] = set()
        self.exports: dict[str, str] | None = None  # exported name → own name; None: everything
        self.defining = False  # while its definitions run for an importer
        self._open = False

    # ── definitions ──────────────────────────────────────────────────────────────────────────────

    def declare(self, name: str, value: Any, span: Span, imported: bool = False, variable: bool = False) -> None:
        """Bind a name for the whole module, once."""
        if variable and (name in RESERVED or name in self.scope.run.prefixes()):
            raise OrchError("E204", f"@{name} is a reserved name", span, help="choose another name")
        if name in self.scope.names:
            raise self._redefined(name, span, imported)
        self.scope.names[name] = value
        self.places[name] = span
        if imported:
            self.imported.add(name)

    def _redefined(self, name: str, span: Span, imported: bool) -> OrchError:
        first = self.places.get(name)
        notes = [Note("first defined here", first)] if first is not None else []
        if imported and name in self.imported:
            help = f"import it under another name: {name} as @other"
            return OrchError("E413", f"@{name} is imported twice", span, notes=notes, help=help)
        return OrchError("E203", f"@{name} is already defined and cannot be redefined", span, notes=notes)

    def is_import(self, name: str) -> bool:
        return name in self.imported

    def place_of(self, name: str) -> Span | None:
        return self.places.get(name)

    def add_shadow(self, language: str, known: dict[str, Executable]) -> None:
        kind = {"javascript": "js", "nodejs": "node", "python": "py"}.get(language, language)
        self.shadows.setdefault(kind, {}).update(known)

    # ── exports ──────────────────────────────────────────────────────────────────────────────────

    def export(self, name: str, alias: str, span: Span) -> None:
        if self.exports is None:
            self.exports = {}
        self.exports[alias] = name
        self.places.setdefault(name, span)

    def export_all(self) -> None:
        self._open = True
        self.exports = self.exports or {}

    def export_names(self) -> list[str]:
        own = [name for name in self.scope.names if name not in self.imported]
        if self.exports is None:
            return own
        return list(dict.fromkeys([*self.exports, *(own if self._open else [])]))

    def exported(self, name: str, span: Span | None) -> Any:
        """The value behind an exported name, or MISSING. E411 for a name that is exported but not defined."""
        if name == "default":
            return self.default
        if name not in self.export_names():
            return MISSING
        own = (self.exports or {}).get(name, name)
        if own not in self.scope.names:
            raise OrchError("E411", f"{self.name} exports @{own}, which it does not define", span)
        return self.scope.names[own]

    def check_exports(self) -> None:
        """E411 for a listed name that nothing defines."""
        for name in (self.exports or {}).values():
            if name not in self.scope.names:
                raise OrchError("E411", f"{self.name} exports @{name}, which it does not define", self.places.get(name))

    def namespace(self) -> Any:
        return Namespace(self)


class Namespace(View):
    """What `import "…" as @ns` binds: exports as fields; an unknown one is an error."""

    __slots__ = ("module",)

    def __init__(self, module: Module) -> None:
        self.module = module

    def field(self, name: str) -> Any:
        value = self.module.exported(name, None)
        if value is not MISSING:
            return value
        if name == "mx":
            return MetaView(self.values(), None)
        if name == "__meta__":
            return self.module.scope.run.front_matter(self.module)
        if self.module.lenient:
            return None
        known = self.module.export_names()
        meant = nearest(name, known)
        help = f"did you mean {meant}?" if meant else "it exports " + ", ".join(sorted(known))
        raise OrchError("E411", f"{self.module.name} exports no {name}", help=help)

    def values(self) -> dict[str, Any]:
        return {name: self.module.exported(name, None) for name in self.module.export_names()}

    def plain(self) -> dict[str, Any]:
        values = self.values()
        if self.module.lenient:
            return values
        functions = {n: v for n, v in values.items() if isinstance(unwrap(v), Executable)}
        return {
            "exports": {
                "variables": {n: v for n, v in values.items() if n not in functions},
                "executables": functions,
            }
        }


@dataclass(frozen=True, slots=True)
class TemplateBody:
    """A template file: its nodes, the module-like place that its paths start from, and a digest of its bytes."""

    parsed: Node
    module: Any
    name: str
    digest: str


class TemplatePlace:
    """Where a template file lies; stands in for a module while it is evaluated."""

    def __init__(self, owner: Module, path: Path) -> None:
        self.owner = owner
        self.path = path
        self.directory = path.parent
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
            self._known[str(source.path)] = module
            self._open.append(str(source.path))
        return module

    def all(self) -> list[Module]:
        return [self._run.main, *self._known.values()]

    def find(self, source: str, importer: Any, span: Span, kind: str | None = None) -> Module:
        """The module that a source names. Raises E410 to E414."""
        named = source.startswith("@")
        if kind in (("static", "cached") if named else ("module", "live", "cached")):
            what = "a named module" if named else "a file"
            raise OrchError("E414", f"{kind} does not fit: {source} is {what}", span, help="leave the word out")
        if named:
            return self._named(source, span)
        return self._file(source, importer.directory, span)

    # ── named modules ────────────────────────────────────────────────────────────────────────────

    def _named(self, source: str, span: Span) -> Module:
        name = source[1:].split("@")[0]
        made = self._run.virtual_module(name)
        if made is not None:
            return self._known.setdefault(f"@{name}", self._virtual(f"@{name}", *made))
        prefix, _, rest = name.partition("/")
        folder = self._run.prefixes().get(prefix)
        if folder is not None and rest:
            return self._file(str(folder / rest), folder, span)
        local = bundled(f"@{name}") or self._local(name)
        if local is not None:
            return self._load(local, span)
        meant = nearest(f"@{name}", self._run.virtual_names())
        help = (
            f"did you mean {meant}?" if meant else "bundled modules are " + ", ".join(sorted(self._run.virtual_names()))
        )
        raise OrchError("E410", f"module @{name} was not found", span, help=help)

    def _local(self, name: str) -> Path | None:
        """A module installed in the project: `llm/lib/NAME/index.mld` or `llm/modules/NAME.mld`."""
        short = name.split("/")[-1]
        root = self._run.root
        tries = [
            root / "llm/lib" / short / "index.mld",
            root / "llm/modules" / f"{short}.mld",
            root / "llm/modules" / f"{name}.mld",
        ]
        return next((path for path in tries if path.is_file()), None)

    def _virtual(self, name: str, values: Mapping[str, Any], lenient: bool) -> Module:
        module = Module(name, None, self._run, self._run.root)
        module.scope.names.update(values)
        module.lenient = lenient
        return module

    # ── files ────────────────────────────────────────────────────────────────────────────────────

    def _file(self, source: str, base: Path, span: Span) -> Module:
        if source.endswith((".att", ".mtt")):
            raise OrchError(
                "E415", "a template file cannot be imported", span, help=f'exe @name(…) = template "{source}"'
            )  # fmt: skip
        path = resolve(source, base, self._run.root)
        found = next((candidate for candidate in _candidates(path) if candidate.is_file()), None)
        if found is None:
            raise missing_file(source, base, self._run.root).at(span)
        return self._load(found, span)

    def _load(self, path: Path, span: Span) -> Module:
        key = str(path.resolve())
        if key in self._open:
            chain = " → ".join(Path(name).name for name in [*self._open[self._open.index(key) :], key])
            raise OrchError("E412", f"these modules import each other: {chain}", span)
        if key not in self._known:
            self._open.append(key)
            try:
                self._known[key] = self._evaluated(path.resolve())
            except OrchError as error:
                raise error.within(f"import {path.name}", span) from None
            finally:
                self._open.remove(key)
        return self._known[key]

    def _evaluated(self, path: Path) -> Module:
        run = self._run
        source = run.read_source(path)
        module = Module(run.project_name(path), path, run, path.parent)
        if path.parent == resource("stdlib"):
            module.name, module.directory = f"@orch/{path.stem}", run.main.directory
        if path.suffix == ".json":
            module.scope.names.update(_json_object(source))
            return module
        module.script = parse_script(source, "markdown" if path.suffix == ".md" else "strict")
        run.prepare_module(module)
        module.defining = True
        value = module.script.define(module.scope)
        module.defining = False
        module.check_exports()
        module.default = MISSING if value is None else value
        return module

    # ── templates ────────────────────────────────────────────────────────────────────────────────

    def template(self, name: str, owner: Module, span: Span) -> TemplateBody:
        """A parsed template file. Raises E401 and E407."""
        path = resolve(name, owner.directory, self._run.root)
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


def _candidates(path: Path) -> Iterable[Path]:
    yield path
    for extension in EXTENSIONS:
        yield path.with_name(path.name + extension)
    yield path / "index.mld"


def _json_object(source: Source) -> dict[str, Any]:
    try:
        data = json.loads(source.text)
    except ValueError as error:
        raise OrchError("E403", f"{source.name} is not JSON: {error}") from None
    return data if isinstance(data, dict) else {"default": data}
