"""`var tools @desk = { … }`: functions of the script made ready for a model, with some arguments fixed or hidden.

A collection is an object of functions, so that it can be called, spread and handed on like any other. What a model is
told of them, and how what it sends becomes arguments, is the business of the runtime.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from orchestra.errors import OrchError, nearest
from orchestra.nodes.op import Op
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, add_labels, plain, unwrap

__all__ = ["FIELDS", "CollectedTool", "collected"]

FIELDS: Final = ("mlld", "bind", "expose", "optional", "labels", "description", "controlArgs")


class CollectedTool(Executable):
    """A function as an entry of a collection offers it. `params` are those that callers see.

    inner:    the function itself
    bound:    fixed arguments by the name of their parameter, evaluated once
    omitted:  visible parameters that callers may leave out
    controls: visible parameters that decide what is affected
    """

    __slots__ = ("bound", "controls", "description", "digest", "inner", "omitted")

    def __init__(
        self,
        inner: Executable,
        params: tuple[str, ...],
        bound: dict[str, Any],
        labels: tuple[str, ...] = (),
        omitted: frozenset[str] = frozenset(),
        description: str | None = None,
        controls: tuple[str, ...] = (),
    ) -> None:
        super().__init__(inner.name, params, tuple(dict.fromkeys((*inner.labels, *labels))))
        self.inner = inner
        self.bound = bound
        self.omitted = omitted
        self.description = description
        self.controls = controls
        self.digest: str | None = None

    @property
    def types(self) -> dict[str, str]:
        return {name: kind for name, kind in self.inner.types.items() if name in self.params}

    @property
    def defaulted(self) -> frozenset[str]:
        return (self.inner.defaulted | self.omitted) & frozenset(self.params)

    def invoke(self, inputs: list[Any], scope: Scope, span: Span | None) -> Any:
        """Call the function with the visible arguments in their order. It runs under its own name, with all labels."""
        if len(inputs) > len(self.params):
            takes = _listed(self.params) or "no arguments"
            raise OrchError("E207", f"@{self.name} takes {takes} here, not {len(inputs)} arguments", span)
        function, complete = self._placed(dict(zip(self.params, inputs, strict=False)))
        op = Op("exe", self.name, complete, self.labels, span, "", {}, function)
        return add_labels(scope.run.call(op, scope), self.labels)

    def _placed(self, given: dict[str, Any]) -> tuple[Executable, list[Any]]:
        """The innermost function, and its arguments in order."""
        named = {**given, **self.bound}
        if isinstance(self.inner, CollectedTool):
            return self.inner._placed(named)
        return self.inner, _trimmed([named.get(name, MISSING) for name in self.inner.params])


def _trimmed(inputs: list[Any]) -> list[Any]:
    while inputs and inputs[-1] is MISSING:
        inputs.pop()
    return inputs


def collected(value: Any, span: Span, name: str) -> dict[str, Any]:
    """The collection that an object describes. Raises E731 for whatever an entry gets wrong."""
    entries = unwrap(value)
    if not isinstance(entries, dict):
        raise _wrong(f"{name} must be an object of tools", span, "write { find: { mlld: @findBook } }")
    made = {}
    for key, entry in entries.items():
        data = unwrap(entry)
        if data is not None:  # an entry that a spread brought along is dropped by null
            made[key] = data if isinstance(data, Executable) else _Entry(key, data, span).tool()
    return made


class _Entry:
    """One entry while it is checked."""

    def __init__(self, key: str, data: Any, span: Span) -> None:
        self._key = key
        self._span = span
        if not isinstance(data, dict):
            raise self._error("is neither a function nor an object", f"write {key}: {{ mlld: @function }}")
        for field in data:
            if field not in FIELDS:
                meant = nearest(field, FIELDS)
                raise self._error(
                    f"has no field {field}", f"did you mean {meant}?" if meant else f"fields: {_listed(FIELDS)}"
                )
        self._data = {field: given for field, given in data.items() if unwrap(given) is not None}
        function = unwrap(self._data.get("mlld"))
        if not isinstance(function, Executable):
            raise self._error("names no function", f"write {key}: {{ mlld: @function }}")
        self._function = function

    def tool(self) -> CollectedTool:
        bound = self._bound()
        visible = self._visible(bound)
        description = plain(self._data.get("description"))
        if description is not None and not isinstance(description, str):
            raise self._error("has a description that is no text")
        return CollectedTool(
            self._function,
            visible,
            bound,
            tuple(self._names("labels") or ()),
            frozenset(self._subset("optional", visible)),
            description or getattr(self._function, "description", None),
            tuple(self._subset("controlArgs", visible)),
        )

    def _bound(self) -> dict[str, Any]:
        given = unwrap(self._data.get("bind", {}))
        if not isinstance(given, dict):
            raise self._error("has a bind that is no object", "write bind: { parameter: value }")
        self._known("bind", given)
        return dict(given)

    def _visible(self, bound: dict[str, Any]) -> tuple[str, ...]:
        """The parameters left to the caller."""
        names = self._names("expose")
        if names is None:
            return tuple(name for name in self._function.params if name not in bound)
        self._known("expose", names)
        both = [name for name in names if name in bound]
        if both:
            raise self._error(f"both binds and exposes {both[0]}", "do one of them")
        hidden = set(self._function.params) - self._function.defaulted - {*names, *bound}
        if hidden:
            first = next(name for name in self._function.params if name in hidden)
            raise self._error(f"leaves {first} without a value", f"expose it, or bind it: bind: {{ {first}: … }}")
        return tuple(dict.fromkeys(names))

    def _subset(self, field: str, visible: tuple[str, ...]) -> list[str]:
        names = self._names(field) or []
        self._known(field, names)
        for name in names:
            if name not in visible:
                raise self._error(f"lists {name} as {field}, which callers do not see", "expose it first")
        return names

    def _known(self, field: str, names: Iterable[str]) -> None:
        params = self._function.params
        for name in names:
            if name not in params:
                meant = nearest(name, params)
                help = f"did you mean {meant}?" if meant else f"parameters of @{self._function.name}: {_listed(params)}"
                raise self._error(f"lists {name} in {field}, which @{self._function.name} does not take", help)

    def _names(self, field: str) -> list[str] | None:
        given = plain(self._data.get(field))
        if given is None:
            return None
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise self._error(f"has {field} that are no list of names", f'write {field}: ["name"]')
        return [name.removeprefix("@") for name in given] if field != "labels" else given

    def _error(self, what: str, help: str | None = None) -> OrchError:
        return _wrong(f"the tool {self._key} {what}", self._span, help)


def _wrong(message: str, span: Span, help: str | None = None) -> OrchError:
    return OrchError("E731", message, span, help=help)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
