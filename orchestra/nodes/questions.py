"""`input @name "prompt"`: what a binding asks a person for. That it waits is the business of the run's gates."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from orchestra.nodes.base import Node, node
from orchestra.values.scope import Scope

if TYPE_CHECKING:
    from orchestra.nodes.gates import GateOptions

__all__ = ["Question"]


@node
class Question(Node):
    """The right side of `input @name "prompt"`: what a person answered at the gate of that name; any text, if no more
    is said.
    """

    prompt: Node
    options: GateOptions | None
    name: str = field(init=False, default="")

    def eval(self, scope: Scope) -> Any:
        given = self.options.object.eval(scope) if self.options is not None else {}
        free = {} if given.keys() & {"options", "schema"} else {"free": True}
        asked = {"present": self.prompt.eval(scope), **free, **given}
        return scope.run.gates.decision(self.name, asked, scope, self.span)["decision"]
