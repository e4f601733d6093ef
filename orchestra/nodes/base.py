"""What every node shares: its class table, printing, and the drivers that keep tags out of the constructs.

A node is a slotted dataclass named after its grammar rule. It carries its own meaning as `eval(scope)`; `Strict` nodes
only say how plain parts combine, and the driver here unwraps tags, joins labels and wraps again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeVar, dataclass_transform

from orchestra.errors import OrchError
from orchestra.nodes.signals import Return
from orchestra.source import Span
from orchestra.values.error_item import check_condition
from orchestra.values.operators import equals, truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, Tagged, joined, plain, tag

__all__ = [
    "CLASSES", "Node", "Statement", "Strict", "children", "execute", "holds", "node", "parts_of", "present",
    "rule_name", "walk",
]  # fmt: skip

CLASSES: dict[str, type[Node]] = {}  # grammar rule → node class, filled by the decorator while modules load
T = TypeVar("T", bound="Node")


def rule_name(cls: type) -> str:
    """`WhenMatch` → `when_match`, the grammar rule that builds the class."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__.rstrip("_")).lower()


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def node(cls: type[T]) -> type[T]:
    """Make a class a slotted dataclass and the meaning of the grammar rule of the same name."""
    made = dataclass(slots=True, eq=False, repr=False)(cls)
    CLASSES[rule_name(made)] = made
    for name in ("peek", "whole"):  # the same as eval, unless a class says otherwise: then without a call between
        if getattr(made, name) is getattr(Node, name):
            setattr(made, name, made.eval)
    if made.outcome is Node.outcome:
        made.outcome = made.whole  # type: ignore[method-assign]
    return made


@dataclass(slots=True, eq=False)
class Node:
    """A piece of a script. Public fields of subclasses are its parts, in the order of the grammar."""

    span: Span

    def eval(self, scope: Scope) -> Any:
        """The value of this node in `scope`, tags included."""
        raise AssertionError(f"{type(self).__name__} has no value")

    def peek(self, scope: Scope) -> Any:
        """Like `eval`, but an undefined name is MISSING: what conditions and logical operands see."""
        return self.eval(scope)

    def bare(self, scope: Scope) -> Any:
        """The data of what `peek` gives, without its tag: all that a condition asks for."""
        value = self.peek(scope)
        return value.data if value.__class__ is Tagged else value

    def whole(self, scope: Scope) -> Any:
        """The value where a template around a single reference stands for the reference itself."""
        return self.eval(scope)

    def exec(self, scope: Scope) -> Return | None:
        """Run it for its effect. A `=>` that it meets is handed to whoever runs the block around."""
        self.eval(scope)
        return None

    def outcome(self, scope: Scope) -> Any:
        """What it is worth as a body or action: its value, MISSING for null; an effect gives its text or null."""
        return self.whole(scope)

    @property
    def only_acts(self) -> bool:
        """Whether it can have no value: as an action of `when` it then returns from no function."""
        return False

    def test(self, scope: Scope) -> bool:
        """Whether it holds as a condition. Undefined names are false, an unhandled error item is an error."""
        return holds(self.bare(scope), self.span)

    def matches(self, subject: Any, scope: Scope) -> bool:
        """Whether it is what `when subject` looks for, by loose equality."""
        return equals(plain(subject), present(plain(self.peek(scope))))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in parts_of(type(self)))
        return f"{type(self).__name__}({shown})"


class Statement(Node):
    """A node that has an effect and no value."""

    __slots__ = ()
    only_acts = True

    def exec(self, scope: Scope) -> Return | None:
        raise AssertionError

    def outcome(self, scope: Scope) -> Any:
        """The value of a `=>` in it, else null."""
        ended = self.exec(scope)
        return ended.value if ended is not None else None


def execute(statement: Node, scope: Scope) -> None:
    """Run a statement where no block waits for its `=>`: that is raised."""
    ended = statement.exec(scope)
    if ended is not None:
        raise ended


_PARTS: dict[type, tuple[str, ...]] = {}


def parts_of(cls: type) -> tuple[str, ...]:
    """Names of the fields that hold parts, without the span and without what is computed later."""
    if cls not in _PARTS:
        _PARTS[cls] = tuple(f.name for f in fields(cls) if f.name != "span" and f.init)
    return _PARTS[cls]


def children(parent: Node) -> Iterator[Node]:
    """The nodes directly below one."""
    for name in parts_of(type(parent)):
        part = getattr(parent, name)
        if isinstance(part, Node):
            yield part
        elif isinstance(part, list):
            yield from (item for item in part if isinstance(item, Node))


def walk(root: Node) -> Iterator[Node]:
    """A node and everything below it, in source order."""
    pending = [root]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(list(children(current))))


def holds(value: Any, span: Span) -> bool:
    """Whether a value that stands at `span` counts as true."""
    if value is True or value is False:
        return bool(value)
    data = value.data if value.__class__ is Tagged else value
    if isinstance(data, (list, dict)):
        try:
            check_condition(data)
        except OrchError as error:
            raise error.at(span) from None
    return truthy(data)


def present(value: Any) -> Any:
    """A value as it is bound, stored or passed on: what is missing becomes null."""
    return None if value is MISSING else value


class Strict(Node):
    """A node whose value follows from the plain values of all its parts.

    `operands` names the parts; `combine` gets their data and gives data back. Labels of every operand flow into the
    result.
    """

    __slots__ = ()
    lenient: ClassVar[bool] = False  # undefined names count as missing

    def operands(self) -> tuple[Node, ...]:
        raise AssertionError

    combine: Callable[..., Any]

    def eval(self, scope: Scope) -> Any:
        values = [part.peek(scope) if self.lenient else part.eval(scope) for part in self.operands()]
        for value in values:
            if value.__class__ is Tagged:
                return tag(self.combine(*[v.data if v.__class__ is Tagged else v for v in values]), joined(values))
        return self.combine(*values)
