"""A whole script, its prose, and its checkpoints."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, node, walk
from orchestra.nodes.signals import Return
from orchestra.nodes.tails import With
from orchestra.nodes.templates import Template, Text, text_of
from orchestra.values.scope import Scope

__all__ = ["Checkpoint", "Document", "Script"]


@node
class Document(Statement):
    """Prose in markdown mode, copied out."""

    text: str

    def exec(self, scope: Scope) -> None:
        scope.run.prose(str(self.text))


@node
class Checkpoint(Node):
    """`checkpoint "name"`: the phase that starts here."""

    name: Template
    options: With | None

    def exec(self, scope: Scope) -> None:
        name = text_of(self.name.eval(scope)).strip()
        if not name:
            raise OrchError("E805", "a checkpoint needs a name", self.span)

        def enter(inner: Scope) -> None:
            scope.run.enter_phase(name, self.options, inner, self.span)

        scope.run.around("checkpoint", self, scope, enter, name)

    eval = exec

    @property
    def literal(self) -> str | None:
        """The name, if it is written out."""
        parts = self.name.parts
        return parts[0].value if len(parts) == 1 and isinstance(parts[0], Text) else None


@node
class Script(Node):
    """A file: its statements in order. `header` holds what was said before the first of them."""

    statements: list[Node]
    header: dict[str, Any] = field(init=False, default_factory=dict)
    marks: list[int] = field(init=False, default_factory=list)  # start and end of every token

    def run(self, scope: Scope) -> Any:
        """Run as the main script; the value of `=>`, or None."""
        for statement in self.statements:
            if (ended := _executed(statement, scope)) is not None:
                return ended.value
        return None

    def define(self, scope: Scope) -> Any:
        """Run as a module: definitions and control blocks, but nothing that speaks; the value of `=>`, or None."""
        try:
            return self._define(scope)
        except Return as result:  # from an `if`, a sequential `for` or a `loop` of the top level
            return result.value

    def _define(self, scope: Scope) -> Any:
        for statement in self.statements:
            ended = None if isinstance(statement, Document) else _executed(statement, scope)
            if ended is not None:
                return ended.value
        return None

    def checkpoints(self) -> list[str]:
        """Names of the checkpoints in source order, as far as they are written out."""
        return [part.literal for part in walk(self) if isinstance(part, Checkpoint) and part.literal is not None]


def _executed(statement: Any, scope: Scope) -> Any:
    """Run a statement of the top level, and tell how long it took where that is asked for."""
    scope.run.check_interrupted()
    if scope.run.planning is not None:
        return scope.run.planning.statement(statement, scope)
    return scope.run.timed(statement, scope) if scope.run.options.debug else statement.exec(scope)
