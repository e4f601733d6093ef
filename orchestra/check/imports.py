"""Imports: the module is there and parses, it exports what is asked for, and the names are free.

Where a source leads is told by `library`.
"""

from __future__ import annotations

from pathlib import Path

from orchestra.check.bindings import declare
from orchestra.check.library import TEMPLATES
from orchestra.check.module import source_of
from orchestra.check.scope import Name, Scope, Surface
from orchestra.check.templates import check_folder
from orchestra.check.walker import Attitude, Walker, on
from orchestra.errors import OrchError, nearest
from orchestra.import_kinds import check_kind
from orchestra.location import is_url
from orchestra.lookup import written_path
from orchestra.nodes.functions import Param
from orchestra.nodes.modules import Import, ImportAll, ImportItem, ImportWhole, Package, default_name
from orchestra.nodes.policies import ImportPolicy
from orchestra.values.known import MODEL_FUNCTIONS, MODEL_MODULES

__all__: list[str] = []


@on(Import)
def items(walker: Walker, node: Import, scope: Scope, attitude: Attitude) -> None:
    source = source_of(node)
    walker.visit(node.source, scope)
    surface = _surface(walker, node, source)
    for item in node.items.items:
        if isinstance(item, ImportAll):
            name = str(item.alias)[1:]
            declare(walker, Name(name, "import", item.span, node.span.end, surface=surface), scope)
        elif isinstance(item, ImportItem):
            _item(walker, node, item, source, surface, scope)


def _item(
    walker: Walker, node: Import, item: ImportItem, source: str | None, surface: Surface | None, scope: Scope
) -> None:
    name, alias = item.names
    made = Name(alias, "import", item.span, node.span.end, idle=True)
    if surface is not None:
        made.signature = surface.names.get(name)
        made.idle = name not in surface.active
        if not surface.has(name):
            meant = nearest(name, set(surface.names))
            known = "it exports " + ", ".join(sorted(surface.names)) if surface.names else None
            help = f"did you mean {meant}?" if meant else known
            walker.findings.add("E411", f"{name} is not exported by {source}", item.span, help=help, variable=name)
    made.model = name in MODEL_FUNCTIONS and (source or "").removeprefix("@").split("@")[0] in MODEL_MODULES
    declare(walker, made, scope)


@on(ImportPolicy)
def policy(walker: Walker, node: ImportPolicy, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.source, scope)
    declare(walker, Name(str(node.token)[1:], "import", node.span, node.span.end), scope)


@on(ImportWhole)
def whole(walker: Walker, node: ImportWhole, scope: Scope, attitude: Attitude) -> None:
    source = source_of(node)
    walker.visit(node.source, scope)
    walker.visit(node.options, scope)
    templates = node.kind is not None and str(node.kind.word) == "templates"
    if templates and source is not None:
        _templates(walker, node, source)
    surface = None if templates else _surface(walker, node, source)
    name = str(node.alias.alias)[1:] if node.alias is not None else default_name(source or "")
    if name:
        declare(walker, Name(name, "import", node.span, node.span.end, surface=surface, idle=True), scope)


def _templates(walker: Walker, node: ImportWhole, source: str) -> None:
    library = walker.library
    folder = library.resolve(source, walker.module.directory or library.config.root)
    if not folder.is_dir():
        walker.findings.add("E415", f"{source} is not a folder of templates", node.source.span)
        return
    params = [part.name for part in (node.alias.params if node.alias else None) or [] if isinstance(part, Param)]
    check_folder(walker, folder, params)


def _surface(walker: Walker, node: Import | ImportWhole, source: str | None) -> Surface | None:
    """What the module offers; None where that cannot be told, after saying so if it is a fault."""
    if source is None or isinstance(node.source, Package):
        return None
    span = node.source.span
    if is_url(source):
        return None
    if source.endswith(TEMPLATES):
        help = f'exe @name(…) = template "{source}"'
        walker.findings.add("E415", "a template file cannot be imported", span, help=help)
        return None
    library = walker.library
    base = walker.module.directory or library.config.root
    try:
        _check_kind(walker, node, source, base)
        found = library.surface(source, base)
        _check_file(walker, node, source)
    except OrchError as error:
        walker.findings.error(error.at(span))
        return None
    if found is None:
        walker.findings.add(
            "unknown-module",
            f"module {source} is neither bundled nor installed",
            span,
            help="orch install lists the modules of this project",
        )
    return found


def _check_kind(walker: Walker, node: Import | ImportWhole, source: str, base: Path) -> None:
    """E414 for a word before the source that does not fit it."""
    word = str(node.kind.word) if node.kind is not None else None
    virtual = walker.library.is_virtual(source)
    path = None if virtual or is_url(source) else written_path(source, base, walker.library.config)
    check_kind(source, word, virtual, path, node.source.span)


def _check_file(walker: Walker, node: Import | ImportWhole, source: str) -> None:
    """The imported file parses, and does not import this one in turn."""
    library = walker.library
    path = library.file_of(source, walker.module.directory or library.config.root)
    if path is None or path.suffix == ".json":
        return
    module = library.module(path)
    if module.errors:
        first = module.errors[0]
        place = f", line {first.span.line}" if first.span else ""
        raise OrchError("E410", f"{library.shown(path)} does not parse{place}: {first.message}", node.source.span)
    circle = library.circle(module, (walker.module,))
    if circle:
        names = " → ".join(part.source.name.rpartition("/")[2] for part in circle)
        raise OrchError("E412", f"these modules import each other: {names}", node.source.span)
