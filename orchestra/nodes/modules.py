"""`import` and `export`. Finding and running modules is the run's business; what is bound to which name is here."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, Statement, node
from orchestra.nodes.literals import seconds
from orchestra.nodes.tails import With
from orchestra.nodes.templates import Template
from orchestra.nodes.views import View
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, add_labels

__all__ = ["Export", "Import", "ImportWhole", "Needs", "Profiles"]

LIVE = ("@payload", "@state", "@input", "@now")  # values of the run that are modules as well


@node
class ImportKind(Node):
    """`module`, `static`, `live`, `local`, `templates`, `cached(ttl)`."""

    word: str
    ttl: str | None

    @property
    def fresh(self) -> float | None:
        """Seconds for which a copy on disk will do; None if nothing is said about it."""
        if str(self.word) == "live":
            return 0.0
        return seconds(str(self.ttl)) if self.ttl is not None else None


@node
class ModuleName(Node):
    """`@author/name`, `@payload`, `@prefix/path` or `<path>` as a source."""

    token: str


@node
class Package(Node):
    """`node @package`, `py @package`: a package of another language."""

    language: str
    token: str


@node
class ImportItem(Node):
    """`name as @alias`."""

    name: str
    alias: str | None

    @property
    def names(self) -> tuple[str, str]:
        name = str(self.name).removeprefix("@")
        return name, str(self.alias)[1:] if self.alias else name


@node
class ImportAll(Node):
    """`* as @name`."""

    alias: str


@node
class ImportItems(Node):
    items: list[Node]


@node
class ImportAlias(Node):
    """`as @name(params)`."""

    alias: str
    params: list[Any] | None


def source_text(source: Node, scope: Scope) -> str:
    """The source as written: `./lib/x.mld`, `@author/name`."""
    if isinstance(source, Package):
        return f"{str(source.language).removesuffix('thon')}:{str(source.token)[1:]}"
    if isinstance(source, ModuleName):
        token = str(source.token)
        return token[1:-1].strip() if token.startswith("<") else token
    from orchestra.nodes.templates import text_of

    if source.span.text[1:-1] in LIVE:
        return source.span.text[1:-1]  # "@payload" in quotes is no text
    return text_of(source.eval(scope))


@node
class Import(Statement):
    """`import { a, b as @c } from source`."""

    kind: ImportKind | None
    labels: list[str]
    items: ImportItems
    source: Node
    options: With | None

    def exec(self, scope: Scope) -> None:
        scope.run.around("import", self, scope, self._import)

    def _import(self, scope: Scope) -> None:
        source = source_text(self.source, scope)
        wanted = [item.names[0] for item in self.items.items if isinstance(item, ImportItem)]
        module = scope.run.import_module(source, scope, self.source.span, self.kind, self.options, wanted)
        for item in self.items.items:
            if isinstance(item, ImportAll):
                self._bind(str(item.alias)[1:], module.namespace(list(map(str, self.labels))), scope, item)
            elif isinstance(item, ImportItem):
                name, alias = item.names
                self._bind(alias, self._exported(module, name, source, item), scope, item)

    def _exported(self, module: Any, name: str, source: str, item: Node) -> Any:
        value = module.exported(name, item.span)
        if value is not MISSING:
            return value
        if module.lenient:
            return None
        known = module.export_names()
        meant = nearest(name, known)
        help = f"did you mean {meant}?" if meant else ("it exports " + ", ".join(sorted(known)) if known else None)
        raise OrchError("E411", f"{name} is not exported by {source}", item.span, help=help)

    def _bind(self, name: str, value: Any, scope: Scope, item: Node) -> None:
        if not isinstance(value, View):  # a namespace labels its own values
            value = add_labels(value, map(str, self.labels))
        if "secret" in self.labels:
            scope.run.learn_secret(name, value.plain() if isinstance(value, View) else value)
        scope.module.declare(name, value, item.span, imported=True)
        scope.run.imported(value)


@node
class ImportWhole(Statement):
    """`import source as @name`."""

    kind: ImportKind | None
    labels: list[str]
    source: Node
    alias: ImportAlias | None
    options: With | None

    def exec(self, scope: Scope) -> None:
        scope.run.around("import", self, scope, self._import)

    def _import(self, scope: Scope) -> None:
        source = source_text(self.source, scope)
        if self.kind is not None and str(self.kind.word) == "templates":
            value = add_labels(self._templates(source, scope), map(str, self.labels))
        else:
            module = scope.run.import_module(source, scope, self.source.span, self.kind, self.options)
            value = module.namespace(list(map(str, self.labels)))
        name = str(self.alias.alias)[1:] if self.alias is not None else default_name(source)
        scope.module.declare(name, value, self.span, imported=True)

    def _templates(self, source: str, scope: Scope) -> Any:
        params = [param.name for param in (self.alias.params or [])] if self.alias is not None else []
        return scope.run.import_templates(source, params, scope, self.source.span)


def default_name(source: str) -> str:
    """The last part of the source without its extension, other characters as underscores."""
    last = source.strip("\"'`<>").rstrip("/").split("/")[-1].split("@")[-1]
    for ending in (".mld.md", ".mld", ".mlld", ".md", ".json"):
        last = last.removesuffix(ending)
    return "".join(char if char.isalnum() or char == "_" else "_" for char in last)


@node
class ExportItem(Node):
    """`name as alias`."""

    name: str
    alias: str | None

    @property
    def names(self) -> tuple[str, str]:
        name = str(self.name).removeprefix("@")
        return name, str(self.alias).removeprefix("@") if self.alias else name


@node
class ExportAll(Node):
    """`*`."""


@node
class Export(Statement):
    """`export { @a, b as c }`."""

    items: list[Node]

    def exec(self, scope: Scope) -> None:
        scope.module.export_listed()
        for item in self.items:
            if isinstance(item, ExportItem):
                name, alias = item.names
                scope.module.export(name, alias, item.span)
            else:
                scope.module.export_all()


@node
class Needs(Statement):
    """`needs { … }`: what must be there before the script goes on."""

    body: str

    def exec(self, scope: Scope) -> None:
        scope.run.check_needs(str(self.body), self.span)


@node
class Profiles(Statement):
    """`profiles { name: { requires: { … } } }`: what the script can do with more or fewer rights."""

    body: str

    def exec(self, scope: Scope) -> None:
        scope.run.declare_profiles(str(self.body), self.span)


@node
class TemplateFile(Node):
    """`template "path.att"` as the body of a function."""

    path: Template
    options: With | None

    def prepare(self, scope: Scope) -> None:
        """Read and parse the file when the definition runs, so that a missing one fails there."""
        scope.run.template_file(self.written, scope.module, self.path.span)

    @property
    def written(self) -> str:
        """The path as it is written: which file holds a prompt is no question of values."""
        from orchestra.nodes.templates import Text

        return "".join(part.value if isinstance(part, Text) else part.span.text for part in self.path.parts)

    def eval(self, scope: Scope) -> Any:
        return self.filled(self.written, scope)

    def filled(self, path: str, scope: Scope) -> Any:
        """The text of the template file at `path`."""
        body = scope.run.template_file(path, scope.module, self.path.span)
        inner = scope.child("block", {})
        inner.module = body.module
        return body.parsed.eval(inner)
