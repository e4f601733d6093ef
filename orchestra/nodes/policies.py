"""`policy` and `auth`: what a script may do, and which credentials commands get.

Keeping to them is the run's business.
"""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, node
from orchestra.nodes.modules import source_text
from orchestra.nodes.views import View
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, unwrap

__all__ = ["ActivePolicy", "Auth", "Credential", "ImportPolicy", "Policy", "Union"]


class ActivePolicy(View):
    """A policy as a value: its name, and its parts as they were written; a union has several."""

    __slots__ = ("name", "parts", "span")

    def __init__(self, name: str, parts: list[dict[str, Any]], span: Any) -> None:
        self.name = name
        self.parts = parts
        self.span = span

    def field(self, name: str) -> Any:
        return next((part[name] for part in reversed(self.parts) if name in part), MISSING)

    def plain(self) -> Any:
        return {key: value for part in self.parts for key, value in part.items()}


class Credential(View):
    """What `auth` declares: where a secret is found, and the variable of the environment that gets it."""

    __slots__ = ("name", "source", "variable")

    def __init__(self, name: str, source: str, variable: str) -> None:
        self.name = name
        self.source = source
        self.variable = variable

    def plain(self) -> Any:
        return {"from": self.source, "as": self.variable}


def fragments(value: Any, node: Node) -> list[dict[str, Any]]:
    """The parts of a policy from a value: an object, or a policy."""
    data = unwrap(value)
    if isinstance(data, ActivePolicy):
        return data.parts
    data = plain(data)
    if not isinstance(data, dict):
        raise OrchError("E607", "a policy is an object", node.span, help="policy @name = { deny: [sh] }", exit=2)
    return [data]


@node
class Union(Node):
    """`union(@a, @b)`: several policies as one."""

    args: list[Node]

    def eval(self, scope: Scope) -> Any:
        parts = [part for argument in self.args for part in fragments(argument.eval(scope), argument)]
        return ActivePolicy("union", parts, self.span)


@node
class Policy(Statement):
    """`policy @name = { … }`: in force from its line to the end of the run."""

    token: str
    body: Node

    def exec(self, scope: Scope) -> None:
        name = str(self.token)[1:]
        policy = ActivePolicy(name, fragments(self.body.eval(scope), self.body), self.span)
        scope.run.read_policy(policy)  # what is wrong with it is told where it stands
        scope.module.declare(name, policy, self.span)
        if not scope.module.defining:
            scope.run.add_policy(policy)


@node
class ImportPolicy(Statement):
    """`import policy @name from "path"`."""

    token: str
    source: Node

    def exec(self, scope: Scope) -> None:
        name = str(self.token)[1:]
        source = source_text(self.source, scope)
        module = scope.run.import_module(source, scope, self.source.span, None, None, [name])
        value = module.exported(name, self.span)
        value = module.exported("default", self.span) if value is MISSING else value
        if value is MISSING:
            raise OrchError("E411", f"{name} is not exported by {source}", self.span)
        policy = ActivePolicy(name, fragments(value, self), self.span)
        scope.module.declare(name, policy, self.span, imported=True)
        scope.run.add_policy(policy)


@node
class Auth(Statement):
    """`auth @name = "VARIABLE"` or `{ from: "env:VARIABLE", as: "NAME" }`."""

    token: str
    value: Node

    def exec(self, scope: Scope) -> None:
        name, data = str(self.token)[1:], plain(self.value.eval(scope))
        scope.module.declare(name, credential(name, data, self), self.span)


def credential(name: str, data: Any, place: Node) -> Credential:
    """Read what stands behind `auth @name =` or below `auth` in a policy."""
    if isinstance(data, str):
        return Credential(name, data if ":" in data else f"env:{data}", data.rpartition(":")[2])
    if not isinstance(data, dict) or not isinstance(data.get("from"), str):
        help = 'auth @name = "VARIABLE", or { from: "env:VARIABLE", as: "NAME" }'
        raise OrchError("E607", f"auth @{name} does not say where it comes from", place.span, help=help, exit=2)
    source = data["from"] if ":" in data["from"] or data["from"] == "keychain" else f"env:{data['from']}"
    return Credential(name, source, str(data.get("as") or source.rpartition(":")[2]))
