"""Operators. What they mean for plain values stands in `values.operators`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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

    def __post_init__(self) -> None:
        self.apply = OPERATORS[str(self.sign)]

    def eval(self, scope: Scope) -> Any:
        return self._applied(self.left.eval(scope), self.right.eval(scope))

    def _applied(self, a: Any, b: Any) -> Any:
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
        return tag(value, a.meta if y is b else merge(a.meta, b.meta))


CONTAINERS = (list, dict)


@node
class Sum(Binary):
    """`a + b`, `a - b`."""


@node
class Product(Binary):
    """`a * b`, `a / b`, `a % b`."""


@node
class Comparison(Binary):
    """`a == b` and its relatives. Undefined names compare as missing."""

    def eval(self, scope: Scope) -> Any:
        return self._applied(self.left.peek(scope), self.right.peek(scope))

    def test(self, scope: Scope) -> bool:
        a, b = self.left.peek(scope), self.right.peek(scope)
        try:
            return bool(self.apply(a.data if a.__class__ is Tagged else a, b.data if b.__class__ is Tagged else b))
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
