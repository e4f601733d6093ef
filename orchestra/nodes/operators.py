"""Operators. What they mean for plain values stands in `values.operators`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, holds, node
from orchestra.values import operators
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, Tagged, joined, merge, tag

__all__ = ["And", "Coalesce", "Comparison", "Negative", "Not", "Or", "Product", "Sum", "Ternary"]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "%": operators.remainder,
    "==": operators.equals,
    "!=": operators.differs,
    "~=": operators.tolerant_match,
    "!~=": operators.tolerant_mismatch,
    "<": operators.less,
    "<=": operators.less_equal,
    ">": operators.greater,
    ">=": operators.greater_equal,
}


@dataclass(slots=True, eq=False, repr=False)
class Binary(Node):
    """Driver for two operands: unwrap, apply, join labels, those of elements included."""

    left: Node
    sign: str
    right: Node
    apply: Callable[[Any, Any], Any] = field(init=False)
    lenient: ClassVar[bool] = False  # undefined names count as missing

    def __post_init__(self) -> None:
        self.apply = OPERATORS[str(self.sign)]

    def eval(self, scope: Scope) -> Any:
        a = self.left.peek(scope) if self.lenient else self.left.eval(scope)
        b = self.right.peek(scope) if self.lenient else self.right.eval(scope)
        x = a.data if a.__class__ is Tagged else a
        y = b.data if b.__class__ is Tagged else b
        try:
            value = self.apply(x, y)
        except OrchError as error:
            raise error.at(self.span) from None
        if x.__class__ in CONTAINERS or y.__class__ in CONTAINERS:
            return tag(value, joined((a, b), deep=True))
        if x is a:
            return value if y is b else tag(value, b.meta)
        return tag(value, a.meta if y is b or a.meta is b.meta else merge(a.meta, b.meta))


CONTAINERS = (list, dict)


@node
class Sum(Binary):
    """`a + b`, `a - b`."""


@node
class Product(Binary):
    """`a * b`, `a / b`, `a % b`."""


@node
class Comparison(Binary):
    """`a == b` and its relatives."""

    lenient: ClassVar[bool] = True

    def test(self, scope: Scope) -> bool:
        a, b = self.left.bare(scope), self.right.bare(scope)
        try:
            holds: bool = self.apply(a, b)
            return holds
        except OrchError as error:
            raise error.at(self.span) from None


@node
class Negative(Node):
    operand: Node

    def eval(self, scope: Scope) -> Any:
        value = self.operand.eval(scope)
        if value.__class__ is Tagged:
            return tag(operators.negate(value.data), value.meta)
        return operators.negate(value)


@node
class Not(Node):
    operand: Node

    def eval(self, scope: Scope) -> Any:
        return not self.operand.test(scope)

    def matches(self, subject: Any, scope: Scope) -> bool:
        return not self.operand.matches(subject, scope)


@node
class And(Node):
    left: Node
    right: Node

    def eval(self, scope: Scope) -> Any:
        value = self.left.peek(scope)
        return self.right.peek(scope) if holds(value, self.left.span) else value

    peek = eval


@node
class Or(Node):
    left: Node
    right: Node

    def eval(self, scope: Scope) -> Any:
        value = self.left.peek(scope)
        return value if holds(value, self.left.span) else self.right.peek(scope)

    peek = eval


@node
class Coalesce(Node):
    """`a ?? b`: the second only if the first is null or missing."""

    left: Node
    right: Node

    def eval(self, scope: Scope) -> Any:
        value = self.left.peek(scope)
        data = value.data if value.__class__ is Tagged else value
        return self.right.peek(scope) if data is None or data is MISSING else value

    peek = eval


@node
class Ternary(Node):
    condition: Node
    yes: Node
    no: Node

    def eval(self, scope: Scope) -> Any:
        return self.yes.whole(scope) if self.condition.test(scope) else self.no.whole(scope)
