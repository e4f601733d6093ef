"""One module while a run lasts: what it defines, what it exports, and how it looks to whoever imports it whole.

Finding and evaluating modules is left to `modules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import Note, OrchError, nearest
from orchestra.nodes.script import Script
from orchestra.nodes.views import MetaView, View
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.known import KEPT, RESERVED
from orchestra.values.scope import Context, Scope
from orchestra.values.tagged import MISSING, add_labels, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Module", "Namespace"]


class Module:
    """One file (or built-in set of names) while a run lasts."""

    def __init__(self, name: str, path: Path | None, run: Run, base: Path) -> None:
        self.name = name  # project-relative path, or @scope/name
        self.path = path
        self.home = path.parent if path is not None else base  # where its imports and templates begin
        self.directory = self.home  # where all other paths begin
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
        reserved = variable and (name in RESERVED or name in self.scope.run.prefixes())
        if reserved or (name in KEPT and not imported):
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

    def export_listed(self) -> None:
        """From now on only what is listed can be imported."""
        self.exports = self.exports or {}

    def export(self, name: str, alias: str, span: Span) -> None:
        self.export_listed()
        assert self.exports is not None
        self.exports[alias] = name
        self.places.setdefault(name, span)

    def export_all(self) -> None:
        self._open = True
        self.export_listed()

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

    def namespace(self, labels: Sequence[str] = ()) -> Any:
        return Namespace(self, labels)


class Namespace(View):
    """What `import "…" as @ns` binds: exports as fields; an unknown one is an error."""

    __slots__ = ("labels", "module")

    def __init__(self, module: Module, labels: Sequence[str] = ()) -> None:
        self.module = module
        self.labels = labels  # of the import, for every value

    def field(self, name: str) -> Any:
        value = self.module.exported(name, None)
        if value is not MISSING:
            return add_labels(value, self.labels)
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
        found = {name: self.module.exported(name, None) for name in self.module.export_names()}
        return {name: add_labels(value, self.labels) for name, value in found.items()}

    def items(self) -> dict[str, Any]:
        return self.values()

    def passed(self) -> Any:
        return self

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
