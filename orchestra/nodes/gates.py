"""`gate "name" with { … }`: a question to a person. Waiting for the answer is the business of the run."""

from __future__ import annotations

from typing import Any, Final

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, node
from orchestra.nodes.literals import Object, Pair
from orchestra.nodes.templates import text_of
from orchestra.values.scope import Scope

__all__ = ["KEYS", "Gate", "GateOptions"]

KEYS: Final = ("present", "options", "accept", "bind", "note", "multi", "free", "schema", "skip")


@node
class GateOptions(Node):
    """The braces behind a gate."""

    object: Object

    def __post_init__(self) -> None:
        for member in self.object.members:
            name = member.key.span.text.strip("\"'`") if isinstance(member, Pair) else None
            if name is not None and name not in KEYS:
                meant = nearest(name, KEYS)
                help = f"did you mean {meant}?" if meant else "one of " + ", ".join(KEYS)
                raise OrchError("E101", f"a gate has no option {name}", member.span, help=help, exit=2)


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
