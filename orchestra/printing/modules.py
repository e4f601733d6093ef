"""How imports and exports are written."""

from __future__ import annotations

from orchestra.nodes.modules import (
    Export,
    ExportAll,
    ExportItem,
    Import,
    ImportAlias,
    ImportAll,
    ImportItem,
    ImportItems,
    ImportKind,
    ImportWhole,
    Needs,
    Package,
    Profiles,
)
from orchestra.printing.layout import LINE, Doc
from orchestra.printing.printer import Printer, listed, prints, spaced
from orchestra.printing.statements import labels, params


@prints(Import)
def import_(node: Import, show: Printer) -> Doc:
    what = spaced(show(node.kind), labels(node.labels), show(node.items))
    return spaced("import", what, "from", show(node.source), show(node.options))


@prints(ImportWhole)
def import_whole(node: ImportWhole, show: Printer) -> Doc:
    source = (show(node.source), show(node.alias))
    return spaced("import", show(node.kind), labels(node.labels), source, show(node.options))


@prints(ImportKind)
def import_kind(node: ImportKind, show: Printer) -> Doc:
    return node.word + (f"({node.ttl})" if node.ttl else "")


@prints(ImportAlias)
def import_alias(node: ImportAlias, show: Printer) -> Doc:
    given = [param for param in node.params or () if param is not None]
    return f" as {node.alias}", params(given, show) if given else ""


@prints(ImportItems)
def import_items(node: ImportItems, show: Printer) -> Doc:
    return listed("{", [show(item) for item in node.items], "}", LINE)


@prints(ImportItem, ExportItem)
def item(node: ImportItem | ExportItem, show: Printer) -> Doc:
    return node.name + (f" as {node.alias}" if node.alias else "")


@prints(ImportAll)
def import_all(node: ImportAll, show: Printer) -> Doc:
    return f"* as {node.alias}"


@prints(Package)
def package(node: Package, show: Printer) -> Doc:
    return f"{node.language} {node.token}"


@prints(Export)
def export(node: Export, show: Printer) -> Doc:
    return "export ", listed("{", [show(item) for item in node.items], "}", LINE)


@prints(ExportAll)
def export_all(node: ExportAll, show: Printer) -> Doc:
    return "*"


@prints(Profiles)
def profiles(node: Profiles, show: Printer) -> Doc:
    return "profiles {", node.body, "}"


@prints(Needs)
def needs(node: Needs, show: Printer) -> Doc:
    return "needs {", node.body, "}"
