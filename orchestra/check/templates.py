"""Template files against their declarations: the file is there, parses, and uses the names it is given.

Folders of templates that an import makes callable are checked here as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestra.check.library import TEMPLATES
from orchestra.check.module import literal
from orchestra.check.scope import Name, Scope
from orchestra.check.walker import Walker
from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.functions import Exe
from orchestra.nodes.modules import TemplateFile
from orchestra.nodes.prose import ProseFile
from orchestra.nodes.templates import Template, references
from orchestra.source import Span

__all__ = ["check_folder", "check_template", "template_path"]


def template_path(body: Node) -> Template | None:
    """The path of the template file that is the body of a function."""
    if isinstance(body, TemplateFile):
        return body.path
    named = literal(body.path) if isinstance(body, ProseFile) else None
    return body.path if isinstance(body, ProseFile) and named and named.endswith(TEMPLATES) else None


def check_template(walker: Walker, function: Exe, path: Template, scope: Scope) -> None:
    """`exe @f(a) = template "x.att"`, with `scope` holding the parameters."""
    written = literal(path)
    if written is None:
        walker.visit(path, scope)
        return
    parsed = _parsed(walker, written, path.span)
    if parsed is None:
        return
    inner = scope.child("template")
    walker.visit(parsed, inner)
    mentioned = {ref.name for ref in references(parsed)}
    for param in function.params or []:
        if param.name not in mentioned:
            message = f"{written} does not use the parameter {param.name}"
            walker.findings.add("template-unused-parameter", message, param.span, variable=param.name)


def _parsed(walker: Walker, written: str, span: Span) -> Node | None:
    """The nodes of a template file, or None after saying why there are none."""
    library = walker.library
    folder = walker.module.directory or library.config.root
    try:
        path = library.resolve(written, folder)
        if path.suffix in TEMPLATES:
            return library.template(path)
        raise OrchError("E407", f"a template file ends in .att or .mtt, not in {path.suffix or 'nothing'}")
    except OrchError as error:
        if error.code == "E401":
            error = library.missing(written, folder)
        walker.findings.error(error.at(span))
        return None


def check_folder(walker: Walker, folder: Path, params: Sequence[str]) -> None:
    """`import templates from "folder" as @name(params)`."""
    inner = Scope("folder").child("template")  # the names of the script are not theirs
    for param in params:
        inner.bind(Name(param, "param"))
    for path in _files(folder):
        try:
            walker.visit(walker.library.template(path), inner)
        except OrchError as error:
            walker.findings.error(error)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in TEMPLATES and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path
