"""`hook`: a function that runs beside operations. The run decides when; what a hook matches and does is here."""

from __future__ import annotations

from typing import Any

from orchestra.nodes.base import Node, Statement, node
from orchestra.nodes.blocks import FELL, Block
from orchestra.nodes.op import Op
from orchestra.nodes.signals import Return
from orchestra.nodes.templates import Template, text_of
from orchestra.nodes.when import When
from orchestra.values.scope import Scope
from orchestra.values.tagged import labels_of

__all__ = ["UNCHANGED", "ActiveHook", "Hook", "HookFunction", "HookOperation"]

UNCHANGED = FELL  # a hook body without `=>`


@node
class HookFunction(Node):
    """`@name` or `@name("prefix")`: calls of one function."""

    name: str
    path: list[Any]

    @property
    def parts(self) -> tuple[str, Template | None]:
        prefix = next((part for part in self.path if isinstance(part, Template)), None)
        fields = [str(part)[1:] for part in self.path if isinstance(part, str)]
        return (fields[-1] if fields else str(self.name)[1:]), prefix


@node
class HookOperation(Node):
    """`op:kind`, `op:label` or a label."""

    token: str


@node
class Hook(Statement):
    """`hook @name timing filter = [ … ]`."""

    name: str | None
    timing: str
    filter: Node
    body: Block | When

    def exec(self, scope: Scope) -> None:
        scope.run.add_hook(ActiveHook(self, scope), self.span)


class ActiveHook:
    """A hook whose line has run, with the scope where it stands."""

    def __init__(self, definition: Hook, scope: Scope) -> None:
        self.definition = definition
        self.scope = scope
        self.name = str(definition.name)[1:] if definition.name else None
        self.timing = str(definition.timing)
        self.function: str | None = None
        self.prefix: str | None = None
        self.operation: str | None = None
        self.label: str | None = None
        self._read(definition.filter, scope)

    def _read(self, filter: Node, scope: Scope) -> None:
        if isinstance(filter, HookFunction):
            self.function, prefix = filter.parts
            self.prefix = text_of(prefix.eval(scope)) if prefix is not None else None
        elif isinstance(filter, HookOperation):
            word = str(filter.token)
            if word.startswith("op:"):
                self.operation = word[3:]
            else:
                self.label = word

    @property
    def kind(self) -> str:
        return "function" if self.function else "operation" if self.operation else "label"

    def matches(self, op: Op) -> bool:
        if self.function is not None:
            if op.kind != "exe" or self.function not in (op.name, op.alias):
                return False
            return self.prefix is None or (bool(op.inputs) and text_of(op.inputs[0]).startswith(self.prefix))
        if self.operation is not None:
            return op.kind == self.operation or self.operation in op.labels
        return self.label in op.labels or any(self.label in labels_of(value) for value in op.inputs)

    def run(self, scope: Scope) -> Any:
        """The value of the body's `=>`, or UNCHANGED. `when` bodies act and never transform."""
        body = self.definition.body
        if isinstance(body, When):
            body.eval(scope)
            return UNCHANGED
        try:
            value = body.run(scope)
        except Return as signal:
            value = signal
        return value.value if value.__class__ is Return else value
