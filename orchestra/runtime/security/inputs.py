"""What the conditions of a guard see: `@input` with its quantifiers, and `@mx.args`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.nodes.views import MetaView, View
from orchestra.values import access
from orchestra.values.methods import call_method
from orchestra.values.operators import truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, joined, plain, tag, unwrap
from orchestra.values.text import template_text

__all__ = ["ArgumentsView", "Inputs", "named_arguments"]

QUANTIFIERS: dict[str, Callable[[Iterable[bool]], bool]] = {
    "any": any,
    "all": all,
    "none": lambda answers: not any(answers),
}


class Inputs(View):
    """The inputs of an operation: an array that can be asked about any, all or none of its elements."""

    __slots__ = ("values",)

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def field(self, name: str) -> Any:
        if name in QUANTIFIERS:
            return Quantified(QUANTIFIERS[name], self.values)
        if name == "mx":
            return MetaView(self.values, None)
        if name.lstrip("-").isdigit():
            return access.get_index(self.values, int(name))
        if name == "length":
            return len(self.values)
        return _method(name, lambda inputs: call_method(self.values, name, inputs))

    def plain(self) -> Any:
        return self.values


class Quantified(View):
    """`@input.any` and what follows it, up to the method that each element is asked."""

    __slots__ = ("_reduce", "_values")

    def __init__(self, reduce: Callable[[Iterable[bool]], bool], values: list[Any]) -> None:
        self._reduce = reduce
        self._values = values

    def field(self, name: str) -> Any:
        found = [_part(value, name) for value in self._values]
        if all(part is not MISSING for part in found) and found:
            return Quantified(self._reduce, found)
        if not found and name in ("mx", "text", "labels", "taint", "sources"):
            return Quantified(self._reduce, [])
        return _method(name, self._asked(name))

    def _asked(self, name: str) -> Callable[[list[Any]], Any]:
        def ask(inputs: list[Any]) -> bool:
            return self._reduce(truthy(unwrap(call_method(unwrap(value), name, inputs))) for value in self._values)

        return ask

    def plain(self) -> Any:
        return self._reduce(truthy(unwrap(value)) for value in self._values)


def _part(value: Any, name: str) -> Any:
    """`.mx`, `.text`, or a field of one element."""
    if isinstance(value, View):
        return value.field(name)
    if name == "mx":
        return MetaView(value, None)
    if name == "text":
        return template_text(value)
    data = unwrap(value)
    return data.get(name, MISSING) if isinstance(data, dict) else MISSING


def _method(name: str, act: Callable[[list[Any]], Any]) -> Native:
    def body(op: Op, scope: Scope) -> Any:
        try:
            return act([unwrap(value) for value in op.inputs])
        except OrchError as error:
            raise error.at(op.span) from None

    return Native(name, (), body)


class ArgumentsView(View):
    """`@mx.args`: the arguments by the names of the parameters; `.names` lists these, `["names"]` is an argument."""

    __slots__ = ("_known",)

    def __init__(self, known: dict[str, Any]) -> None:
        self._known = known

    def field(self, name: str) -> Any:
        return list(self._known) if name == "names" else self.index(name)

    def index(self, name: str) -> Any:
        return self._known.get(name, MISSING)

    def plain(self) -> Any:
        return dict(self._known)


def named_arguments(op: Op) -> ArgumentsView:
    """The named inputs of an operation."""
    if op.kind == "tool":
        sent = plain(op.inputs[0])
        return ArgumentsView(sent if isinstance(sent, dict) else {})
    params = getattr(op.function, "params", ()) or ()
    return ArgumentsView(dict(zip(params, op.inputs, strict=False)))


def carrying(value: Any, source: Any) -> Any:
    """A replacement that carries what the replaced value carried."""
    return tag(value, joined((source,), deep=True))
