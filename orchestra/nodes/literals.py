"""Numbers, constants, arrays, objects, and the words and patterns that only calls take."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.views import View
from orchestra.regex import Regex as Pattern
from orchestra.values.operators import EXACT, truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, unwrap

__all__ = ["Array", "Constant", "Number", "Object"]

CONSTANTS = {"true": True, "false": False, "null": None}


@node
class Number(Node):
    token: str
    value: Any = field(init=False)

    def __post_init__(self) -> None:
        number = float(self.token)
        self.value = int(number) if number.is_integer() and abs(number) <= EXACT else number

    def eval(self, scope: Scope) -> Any:
        return self.value

    bare = eval


@node
class Constant(Node):
    token: str
    value: Any = field(init=False)

    def __post_init__(self) -> None:
        self.value = CONSTANTS[self.token]

    def eval(self, scope: Scope) -> Any:
        return self.value

    bare = eval


@node
class Duration(Node):
    """`90s`, `250ms`: seconds as a float."""

    token: str

    def eval(self, scope: Scope) -> float:
        return seconds(self.token)


UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds(text: str) -> float:
    """`1.5s` → 1.5."""
    digits = text.rstrip("mshdw")
    return float(digits) * UNITS[text[len(digits) :]]


@node
class Regex(Node):
    """`/body/flags` as an argument."""

    token: str
    pattern: Any = field(init=False)

    def __post_init__(self) -> None:
        body, _, flags = self.token[1:].rpartition("/")
        try:
            self.pattern = Pattern.of(body, flags)
        except OrchError as error:
            error.exit = 2
            raise error.at(self.span) from None

    def eval(self, scope: Scope) -> Any:
        return self.pattern


@node
class BareWords(Node):
    """Words without quotes as an argument: their text."""

    token: str

    def eval(self, scope: Scope) -> str:
        return str(self.token)


@node
class Spread(Node):
    """`...@list` or `...@object` inside a literal."""

    source: Node


@node
class Array(Node):
    items: list[Node]

    def eval(self, scope: Scope) -> list[Any]:
        made: list[Any] = []
        for item in self.items:
            if isinstance(item, Spread):
                made.extend(_spread_items(item, scope))
            elif isinstance(item, Optional):
                value = item.peek(scope)
                if item.keeps_null or truthy(unwrap(value)):
                    made.append(present(value))
            else:
                made.append(present(item.eval(scope)))
        return made


def _spread_items(item: Spread, scope: Scope) -> list[Any]:
    value = unwrap(item.source.eval(scope))
    if isinstance(value, list):
        return value
    if value is None or value is MISSING:
        return []
    raise OrchError("E206", "only an array can be spread into an array", item.span)


@node
class Optional(Node):
    """`@x?`: left out where it is falsy; on a load or field it only says that it may be missing."""

    target: Node

    @property
    def keeps_null(self) -> bool:
        from orchestra.nodes.files import Load

        return isinstance(self.target, Load)

    def eval(self, scope: Scope) -> Any:
        return self.target.peek(scope)

    def peek(self, scope: Scope) -> Any:
        return self.target.peek(scope)


@node
class Key(Node):
    token: str

    def eval(self, scope: Scope) -> str:
        return str(self.token)


@node
class ComputedKey(Node):
    value: Node

    def eval(self, scope: Scope) -> str:
        from orchestra.values.text import template_text

        return template_text(self.value.eval(scope))


@node
class Pair(Node):
    """`key: value`, or `key?: value`, which is left out when the value is falsy."""

    key: Node
    optional: str | None
    value: Node


@node
class Object(Node):
    """`{key: value, ...@more}`; later entries win and keep the first position."""

    members: list[Node]

    def eval(self, scope: Scope) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for member in self.members:
            if isinstance(member, Spread):
                made.update(_spread_fields(member, scope))
            elif isinstance(member, Pair):
                value = member.value.peek(scope) if member.optional else member.value.eval(scope)
                if not member.optional or truthy(unwrap(value)):
                    made[unwrap(member.key.eval(scope))] = present(value)
        return made


def _spread_fields(member: Spread, scope: Scope) -> dict[str, Any]:
    value = unwrap(member.source.eval(scope))
    if isinstance(value, View):
        value = value.items()
    if isinstance(value, dict):
        return value
    if value is None or value is MISSING:
        return {}
    raise OrchError("E206", "only an object can be spread into an object", member.span)
