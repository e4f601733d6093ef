"""Files: `<…>` loads with selectors and `as` templates, `file` and `files`.

Reading and writing is the run's business.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, node
from orchestra.nodes.names import Reference
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import joined, meta_of, tag, unwrap, with_facts
from orchestra.values.text import template_text

if TYPE_CHECKING:
    from orchestra.nodes.templates import Template

ROOTS = ("root", "base")
_SYNTAX = re.compile(r"[\\,;?!#'\"]")  # of what selects sections

__all__ = ["File", "Files", "Load", "LoadAs", "Selector", "path_text"]


def path_text(parts: list[Node], scope: Scope) -> tuple[str, Any]:
    """The text of a path with its references filled in, and what flows from them."""
    from orchestra.nodes.templates import join_parts, text_of

    value = join_parts(parts, scope)
    return text_of(value).strip(), joined((value,))


@node
class Selector(Node):
    """`# section`, `{ definition }` inside a load."""

    sign: str
    parts: list[Node]

    def text(self, scope: Scope) -> str:
        if self.sign == "{":
            return "{ " + path_text(self.parts, scope)[0]
        return f"{self.sign} " + "".join(self._written(part, scope) for part in self.parts)

    def _written(self, part: Node, scope: Scope) -> str:
        """A part of the names of sections: what a reference gives is a name, or several, and no syntax."""
        from orchestra.nodes.templates import Text, text_of

        if isinstance(part, Text):
            return part.value
        value = part.eval(scope)
        names = unwrap(value) if isinstance(unwrap(value), list) else [value]
        return ", ".join(_SYNTAX.sub(r"\\\g<0>", text_of(name).strip()) for name in names)


@node
class Load(Node):
    """`<path>`: a file, an address, or all files that match a pattern."""

    parts: list[Node]
    selector: Selector | None
    title: Template | None

    def eval(self, scope: Scope) -> Any:
        return self._load(scope, optional=False)

    def peek(self, scope: Scope) -> Any:
        """`<path>?`: null when it cannot be loaded."""
        return self._load(scope, optional=True)

    def _load(self, scope: Scope, optional: bool) -> Any:
        path, flow = self.path(scope)
        selector = self.selector.text(scope) if self.selector is not None else None
        try:
            value = scope.run.load(path, selector, scope, optional)
            if self.title is not None:
                value = renamed(value, self.title, self.selector, scope)
        except OrchError as error:
            raise error.at(self.span) from None
        return tag(value, flow) if flow.flows else value

    def path(self, scope: Scope) -> tuple[str, Any]:
        path, flow = path_text(self.parts, scope)
        start = self._start(scope)
        if start:
            path = start + path_text(self.parts[1:], scope)[0]
        if len(path) > 1 and path[0] == path[-1] and path[0] in "\"'":
            path = path[1:-1]
        if not path:
            raise OrchError("E402", "the path of this load is empty", self.span)
        return path, flow

    def _start(self, scope: Scope) -> str:
        """`@name` if the path begins with the project root or an in-memory workspace rather than with a variable."""
        first = getattr(self.parts[0], "target", None) if self.parts else None
        name = first.name if isinstance(first, Reference) else None
        is_root = name in ROOTS and scope.find(name) is ABSENT
        return f"@{name}" if is_root or (name is not None and scope.run.is_workspace(name)) else ""


@node
class LoadAs(Node):
    """`<glob> as "…"`: a text for each file; after one section a new heading."""

    load: Load
    template: Template

    def eval(self, scope: Scope) -> Any:
        value = self.load.eval(scope)
        try:
            return renamed(value, self.template, self.load.selector, scope)
        except OrchError as error:
            raise error.at(self.span) from None


@node
class LoadFormat(Node):
    """`<file> as yaml`: the text read as data of that format."""

    load: Load
    format: str

    def eval(self, scope: Scope) -> Any:
        try:
            return scope.run.read_as(self.load.eval(scope), str(self.format))
        except OrchError as error:
            raise error.at(self.span) from None


def renamed(value: Any, template: Template, selector: Selector | None, scope: Scope) -> Any:
    """Apply an `as` template to what was loaded."""
    data = unwrap(value)
    if isinstance(data, list):
        made = [_of_one(template, item, scope) for item in data]
        return tag(with_facts(made, text="\n\n".join(template_text(text) for text in made)), joined((value,), True))
    if selector is None:
        raise OrchError(
            "E405",
            "as needs several files or a section",
            help="use a pattern such as <docs/*.md>, or interpolate the file",
        )
    return scope.run.rename_heading(value, _filled(template, value, scope))


def _of_one(template: Template, item: Any, scope: Scope) -> Any:
    """The text for one of several: a section keeps its body below the new heading."""
    filled = _filled(template, item, scope)
    return scope.run.rename_heading(item, filled) if "sections" in (meta_of(item).facts or ()) else filled


def _filled(template: Template, item: Any, scope: Scope) -> Any:
    return template.eval(scope.child(names={"<>": item}))


@node
class File(Statement):
    """`file "path" = value`."""

    target: Node
    value: Node

    def exec(self, scope: Scope) -> None:
        from orchestra.nodes.output import destination_text

        scope.run.write_file(destination_text(self.target, scope), self.value.whole(scope), scope, self.span)


@node
class RepositoryOption(Node):
    """`branch: "main"`."""

    name: str
    value: Node


@node
class Repository(Node):
    """`git "url" branch: … path: … depth: …`: the text files of a repository."""

    url: Node
    options: list[RepositoryOption]

    def files(self, scope: Scope) -> dict[str, Any]:
        from orchestra.nodes.templates import text_of

        known = {str(option.name): option for option in self.options}
        for name, option in known.items():
            if name not in ("branch", "path", "depth"):
                code = "E605" if name == "auth" else "E101"
                help = "branch, path and depth are the options of git"
                raise OrchError(code, f"git has no option {name} in this version", option.span, help=help, exit=2)
        given = {name: text_of(option.value.eval(scope)) for name, option in known.items()}
        found: dict[str, Any] = scope.run.repository(text_of(self.url.eval(scope)), given, scope, self.span)
        return found


@node
class Files(Statement):
    """`files "folder/" = [ {"name": value}, … ]`."""

    target: Node
    value: Node

    def exec(self, scope: Scope) -> None:
        from orchestra.nodes.output import destination_text

        folder = destination_text(self.target, scope)
        if isinstance(self.value, Repository):
            scope.run.fill(folder, self.value.files(scope), scope, self.span)
            return
        entries = unwrap(self.value.eval(scope))
        if not isinstance(entries, list):
            raise OrchError("E420", "files needs an array of objects with one path each", self.value.span)
        for entry in entries:
            self._write(folder, entry, scope)

    def _write(self, folder: str, entry: Any, scope: Scope) -> None:
        fields = dict(unwrap(entry)) if isinstance(unwrap(entry), dict) else {}
        description = fields.pop("desc", None)
        if len(fields) != 1:
            raise OrchError("E420", "files needs an array of objects with one path each", self.value.span)
        ((name, value),) = fields.items()
        scope.run.write_file(f"{folder.rstrip('/')}/{name}", value, scope, self.span, description)
