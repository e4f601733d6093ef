"""`gate "name" with { … }`: a question to a person. Waiting for the answer is the business of the run."""

from __future__ import annotations

from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node
from orchestra.nodes.braces import Braces
from orchestra.nodes.literals import Object
from orchestra.nodes.templates import text_of
from orchestra.values.scope import Scope

__all__ = ["KEYS", "Gate", "GateOptions"]

KEYS: Final = ("present", "options", "accept", "bind", "note", "multi", "free", "schema", "skip")


@node
class GateOptions(Braces):
    """The braces behind a gate."""

    whose = "a gate"
    keys = KEYS
    object: Object


@node
class Gate(Node):
    """The decision of a person, as `{ decision, note, by, occurrence }`."""

    name: Node
    options: GateOptions | None

    def eval(self, scope: Scope) -> Any:
        name = text_of(self.name.eval(scope)).strip()
        if not name:
            raise OrchError("E821", "a gate needs a name", self.span, help='gate "release" with { present: @plan }')
        given = self.options.object.eval(scope) if self.options is not None else {}
        return scope.run.gates.decision(name, given, scope, self.span)

    def exec_statement(self, scope: Scope) -> None:
        """As a statement it waits, and shows nothing."""
        self.eval(scope)
