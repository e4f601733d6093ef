"""Templates: text with references, files, conditional parts and loops. Escapes were resolved by the scanner."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from orchestra.errors import OrchError, Warned
from orchestra.nodes.base import Node, holds, node, walk
from orchestra.nodes.callees import stage_callee
from orchestra.nodes.files import Load, LoadAs
from orchestra.nodes.functions import Call, call_value
from orchestra.nodes.names import Field, Reference
from orchestra.nodes.views import View
from orchestra.values.executable import Executable
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import MISSING, Meta, Tagged, joined, merge, tag, unwrap
from orchestra.values.text import template_text

__all__ = ["Interpolation", "Template", "Text", "TextBody", "text_of"]


UNLOADED = ("E401", "E402", "E403", "E406")  # missing, not to be read, no text or broken data, no answer


def text_of(value: Any) -> str:
    """The text of a value inside a template."""
    if value.__class__ is str:
        return value
    data = value.data if value.__class__ is Tagged else value
    return template_text(data.plain() if isinstance(data, View) else value)


def join_parts(parts: list[Node], scope: Scope) -> Any:
    """The text of template parts; labels of what was interpolated stay on it."""
    pieces: list[str] = []
    meta: Meta | None = None
    for part in parts:
        value = part.eval(scope)
        if value.__class__ is str:
            pieces.append(value)
            continue
        if value.__class__ is int:
            pieces.append(text_of(value))
            continue
        if value.__class__ is Tagged:
            meta = value.meta if meta is None else merge(meta, value.meta)
        else:
            inner = joined((value,), deep=True)
            meta = merge(meta, inner) if meta is not None else inner
        pieces.append(text_of(value))
    text = "".join(pieces)
    return text if meta is None else tag(text, meta)


@node
class Text(Node):
    """Literal text."""

    value: str

    def eval(self, scope: Scope) -> str:
        return self.value


@node
class Template(Node):
    """Any quoted form. `opener` is the mark that began it."""

    opener: str
    parts: list[Node]
    only: Node | None = field(init=False)  # its single part

    def __post_init__(self) -> None:
        self.only = self.parts[0] if len(self.parts) == 1 else None

    def eval(self, scope: Scope) -> Any:
        only = self.only
        return only.value if only.__class__ is Text else join_parts(self.parts, scope)

    def whole(self, scope: Scope) -> Any:
        """A short template whose only content is one reference yields the value itself."""
        only = self.only
        if only.__class__ is Text:
            return only.value
        if isinstance(only, Interpolation) and self.opener in ('"', "`"):
            return only.eval(scope)
        return join_parts(self.parts, scope)


@node
class TextBody(Node):
    """The whole of a template file."""

    parts: list[Node]

    def eval(self, scope: Scope) -> Any:
        return join_parts(self.parts, scope)


@node
class CondensedStage(Node):
    """`|@name.variant` directly after a reference in text."""

    name: str
    fields: list[str]

    @property
    def path(self) -> list[str]:
        return [str(self.name)[1:], *(str(token)[1:] for token in self.fields)]


@node
class Interpolation(Node):
    """A reference, call or file in text. What nothing defines stays as it was written."""

    target: Node
    stages: list[CondensedStage]

    def eval(self, scope: Scope) -> Any:
        target = self.target
        if isinstance(target, Field) and isinstance(target.base, Reference):  # the commonest: looked up once
            base = scope.find(target.base.name)
            if base is not ABSENT and base is not MISSING:
                return self._piped(_field_of(target, base, scope), scope)
        if not is_defined(target, scope):
            return self.span.text
        root = root_of(target)
        value = self._load(scope) if isinstance(root, Load) else self._value(scope)
        if isinstance(root, Placeholder) and unwrap(value) in (None, MISSING):
            return ""
        return self._piped(value, scope)

    def _piped(self, value: Any, scope: Scope) -> Any:
        if isinstance(unwrap(value), Executable) and not self.stages:
            value = call_value(value, [], scope, self)
        for stage in self.stages:
            value = call_value(stage_callee(stage.path, scope, stage), [value], scope, stage)
        return None if value is MISSING else value

    def _value(self, scope: Scope) -> Any:
        if isinstance(self.target, Field):
            return _field_or_text(self.target, scope)
        return self.target.eval(scope)

    def _load(self, scope: Scope) -> Any:
        """A file that cannot be loaded in text is a warning and an empty text."""
        try:
            return self._value(scope)
        except OrchError as error:
            if error.code not in UNLOADED:
                raise
            scope.run.warn(Warned(error.code, error.message, error.span, error.help))
            return ""


def _field_or_text(target: Field, scope: Scope) -> Any:
    """A chain of fields in text. On a number or boolean `.prompt.md` is no field but the end of a file name."""
    fields = [target]
    while isinstance(fields[-1].base, Field):
        fields.append(fields[-1].base)
    value = fields[-1].base.eval(scope)
    while fields:
        field = fields.pop()
        if _ends_before(field, value):
            return _with_text(value, "".join(str(part.token) for part in (field, *reversed(fields))))
        value = field.of(value, scope)
    return value


def _field_of(target: Field, base: Any, scope: Scope) -> Any:
    return _with_text(base, target.token) if _ends_before(target, base) else target.of(base, scope)


def _ends_before(field: Field, base: Any) -> bool:
    return isinstance(unwrap(base), (int, float)) and field.name != "mx"


def _with_text(value: Any, behind: str) -> Any:
    return tag(text_of(unwrap(value)) + behind, joined((value,)))


def root_of(target: Node) -> Node:
    """The reference at the beginning of a chain of accesses and calls."""
    while True:
        inner = getattr(target, "base", None) or getattr(target, "callee", None) or getattr(target, "target", None)
        if not isinstance(inner, Node):
            return target
        target = inner


def is_defined(target: Node, scope: Scope) -> bool:
    """Whether the name that a chain begins with is bound to something; calls and files count as defined."""
    if isinstance(target, (Call, Load, LoadAs)):
        return True
    root = root_of(target)
    if not isinstance(root, Reference):
        return True
    value = scope.find(root.name)
    if value is ABSENT:
        value = scope.run.builtin(root.name, scope)
        return value is not ABSENT and not isinstance(value, Executable)
    return value is not MISSING


@node
class Placeholder(Node):
    """`<>`: the file that an `as` template is applied to."""

    token: str

    def eval(self, scope: Scope) -> Any:
        value = scope.find("<>")
        return self.span.text if value is ABSENT else value


@node
class Negated(Node):
    """`!@x` in text: the word true or false."""

    target: Node

    def eval(self, scope: Scope) -> str:
        return "false" if _is_true(self.target, scope) else "true"


@node
class Omission(Node):
    """`@x?` in text: nothing when falsy."""

    target: Node

    def eval(self, scope: Scope) -> Any:
        value = self.target.peek(scope)
        return value if holds(value, self.span) else ""


@node
class Fallback(Node):
    """`@x??"default"` in text: the default when null or missing."""

    target: Node
    default: Template

    def eval(self, scope: Scope) -> Any:
        value = self.target.peek(scope)
        data = unwrap(value)
        return self.default.eval(scope) if data is None or data is MISSING else value


@node
class Snippet(Node):
    """`@x?"text"`: the text when truthy."""

    target: Node
    text: Template

    def eval(self, scope: Scope) -> Any:
        return self.text.eval(scope) if _is_true(self.target, scope) else ""


def _is_true(target: Node, scope: Scope) -> bool:
    return holds(target.peek(scope), target.span)


@node
class Mustache(Node):
    """`{{name}}`; an undefined name stays as written."""

    target: Node

    def eval(self, scope: Scope) -> Any:
        if not is_defined(self.target, scope):
            return self.span.text
        value = self.target.eval(scope)
        return None if value is MISSING else value


@node
class Angles(Node):
    """`<<text>>`: the text between single angle brackets."""

    parts: list[Node]

    def eval(self, scope: Scope) -> Any:
        inner = join_parts(self.parts, scope)
        return tag(f"<{text_of(inner)}>", joined((inner,)))


@node
class TextLoop(Node):
    """`/for @x in @xs` … `/end` at line starts."""

    key: str | None
    variable: str
    source: Node
    parts: list[Node]

    @property
    def names(self) -> frozenset[str]:
        """The names that it gives to its body."""
        name = str(self.variable)[1:]
        return frozenset({name, f"{name}_key", *([str(self.key)[1:]] if self.key else [])})

    def eval(self, scope: Scope) -> Any:
        from orchestra.nodes.items import items_of

        name = str(self.variable)[1:]
        made: list[Any] = []
        for key, item in items_of(self.source.eval(scope), self.source).pairs:
            names = {name: item, f"{name}_key": key}
            if self.key:
                names[str(self.key)[1:]] = key
            made.append(join_parts(self.parts, scope.child("item", names)))
        text = "".join(text_of(piece) for piece in made)
        return tag(text, joined(made))


def references(root: Node) -> list[Reference]:
    """Every reference below a node, for digests and checks."""
    return [part for part in walk(root) if isinstance(part, Reference)]


def loop_names(root: Node) -> set[str]:
    """The names that loops of the text bind."""
    return {name for part in walk(root) if isinstance(part, TextLoop) for name in part.names}
