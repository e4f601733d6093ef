"""Names and ways into values: `@x`, `.field`, `[index]`, slices and filters. Calls are in `functions`."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, Strict, node
from orchestra.nodes.views import MetaViews, View, metadata
from orchestra.values import access
from orchestra.values.presentation import part_of
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import MISSING, Tagged, joined, meta_of, tag, unwrap

__all__ = ["Field", "Index", "Reference", "peek_member", "undefined"]


def undefined(name: str, scope: Scope, node: Node) -> OrchError:
    """The error for a name that nothing binds, with the name that was probably meant."""
    meant = nearest(name, scope.visible() | scope.run.builtin_names())
    help = f"did you mean @{meant}?" if meant else scope.run.import_hint(name)
    return OrchError("E201", f"variable @{name} is not defined", node.span, help=help)


@node
class Reference(Node):
    """`@name`."""

    token: str
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.token[1:]

    def eval(self, scope: Scope) -> Any:
        name = self.name
        around: Scope | None = scope
        while around is not None:  # scope.find, without the call: nothing is evaluated more often
            if name in around.names:
                return around.names[name]
            around = around.parent
        value = scope.run.builtin(name, scope)
        if value is ABSENT:
            raise undefined(name, scope, self)
        return value

    def peek(self, scope: Scope) -> Any:
        name = self.name
        around: Scope | None = scope
        while around is not None:
            if name in around.names:
                return around.names[name]
            around = around.parent
        value = scope.run.builtin(name, scope)
        return MISSING if value is ABSENT else value

    def defined(self, scope: Scope) -> bool:
        return scope.find(self.name) is not ABSENT or scope.run.builtin(self.name, scope) is not ABSENT


@node
class Field(Node):
    """`base.name`; `.mx` leads to what is known about the value."""

    base: Node
    token: str
    name: str = field(init=False)
    each: bool = field(init=False)  # after [*]: the field of every element
    plain: bool = field(init=False)  # nothing but a field of an object

    def __post_init__(self) -> None:
        self.name = self.token[1:]
        self.each = isinstance(self.base, Each) or (isinstance(self.base, Field) and self.base.each)
        self.plain = not self.each and self.name not in ("mx", "keep")

    def eval(self, scope: Scope) -> Any:
        base = self.base.eval(scope)
        if self.plain and base.__class__ is Tagged and base.data.__class__ is dict:  # the commonest first
            value, meta = base.data.get(self.name, MISSING), base.meta
            if meta.inherited and value.__class__ is not Tagged and value is not MISSING:
                return Tagged(value, meta)
            return tag(value, meta)
        return self.of(base, scope)

    def peek(self, scope: Scope) -> Any:
        base = self.base.peek(scope)
        data = base.data if base.__class__ is Tagged else base
        if isinstance(data, (str, int, float)) and self.name not in ("mx", "length", "keep"):
            return MISSING
        return self.of(base, scope)

    def bare(self, scope: Scope) -> Any:
        base = self.base.bare(scope) if self.base.__class__ is Reference else ABSENT
        if self.plain and base.__class__ is dict:
            base = base.get(self.name, MISSING)
            return base.data if base.__class__ is Tagged else base
        return Node.bare(self, scope)

    def of(self, base: Any, scope: Scope) -> Any:
        """The field of a value that is already there."""
        data = base.data if base.__class__ is Tagged else base
        if base.__class__ is Tagged and base.meta.facts is not None and (part := part_of(base, self.name)) is not None:
            return tag(part[0], base.meta)
        if data.__class__ is dict and self.plain:
            value = data.get(self.name, MISSING)
            return tag(value, base.meta) if base.__class__ is Tagged else value
        return self._unusual(base, data, scope)

    def _unusual(self, base: Any, data: Any, scope: Scope) -> Any:
        """`.mx`, and the fields of what is no object."""
        if isinstance(data, View):
            return self._viewed(data)
        if self.name == "mx" and not self._inside_data():
            return MetaViews(data) if self.each and isinstance(data, list) else metadata(base, self.base, scope)
        if self.name == "keep":
            return scope.run.keep(base)
        try:
            value = (access.each_field if self.each else access.get_field)(data, self.name)
        except OrchError as error:
            raise self._advised(error, base) from None
        return tag(value, base.meta) if base.__class__ is Tagged else value

    def _advised(self, error: OrchError, base: Any) -> OrchError:
        """Facts of a file are mistaken for fields of its data."""
        if self.name in (meta_of(base).facts or ()):
            error.help = f"what is known about a file stands below .mx: {self.base.span.text}.mx.{self.name}"
        return error.at(self.span)

    def _viewed(self, view: View) -> Any:
        try:
            return view.field(self.name)
        except OrchError as error:
            raise error.at(self.span) from None

    def _inside_data(self) -> bool:
        """After `.mx.data` a field named `mx` is the data's own."""
        base = self.base
        return (
            isinstance(base, Field) and base.name == "data" and isinstance(base.base, Field) and base.base.name == "mx"
        )


def peek_member(node: Node, scope: Scope) -> Any:
    """What a name leads to, or MISSING; unlike elsewhere also for what a module does not export."""
    try:
        return node.peek(scope)
    except OrchError as error:
        if error.code != "E411":
            raise
        return MISSING


@node
class NameKey(Node):
    """The bare word in `@x[word]`: the string."""

    token: str

    def eval(self, scope: Scope) -> str:
        return str(self.token)


class Access(Strict):
    """An access whose parts are evaluated like operands; `base` may be missing."""

    __slots__ = ()
    base: Node

    def peek(self, scope: Scope) -> Any:
        return MISSING if self.base.peek(scope) is MISSING else self.eval(scope)

    def eval(self, scope: Scope) -> Any:
        try:
            return Strict.eval(self, scope)
        except OrchError as error:
            raise error.at(self.span) from None


@node
class Index(Access):
    base: Node
    key: Node

    def operands(self) -> tuple[Node, ...]:
        return self.base, self.key

    def combine(self, base: Any, key: Any) -> Any:
        if isinstance(base, View):
            return base.index(str(key))
        return access.get_index(base, key)


@node
class Slice(Access):
    base: Node
    start: Node | None
    stop: Node | None

    def operands(self) -> tuple[Node, ...]:
        return tuple(part or NULL for part in (self.base, self.start, self.stop))

    def combine(self, base: Any, start: Any, stop: Any) -> Any:
        return access.slice_of(base, start, stop)


@node
class Each(Node):
    """`[*]`: every element; a field after it is taken of each."""

    base: Node

    def eval(self, scope: Scope) -> Any:
        value = self.base.eval(scope)
        data = unwrap(value)
        if isinstance(data, dict):
            data = list(data.values())
        if data is MISSING or data is None:
            return None
        if not isinstance(data, list):
            raise OrchError("E205", "only the elements of an array can be taken with [*]", self.span)
        return tag(data, joined([value]))


@node
class FilterPath(Node):
    """The field path inside `[?path op value]`."""

    name: str
    fields: list[str]

    @property
    def path(self) -> list[str]:
        return [str(self.name), *(str(token)[1:] for token in self.fields)]


@node
class Filter(Access):
    base: Node
    path: FilterPath
    operator: str | None
    value: Node | None

    def operands(self) -> tuple[Node, ...]:
        return self.base, self.value or NULL

    def combine(self, base: Any, value: Any) -> Any:
        operator = str(self.operator) if self.operator else None
        return access.filter_of(base, self.path.path, operator, value)


class _Null(Node):
    """Stands where a part is left out."""

    __slots__ = ()

    def __init__(self) -> None:
        pass

    def eval(self, scope: Scope) -> Any:
        return None


NULL = _Null()
