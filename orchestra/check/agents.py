"""Agents and sessions: is there such an agent, and does one that is to be resumed remember anything.

Skills lie outside of the script and are looked for by the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestra.check.module import literal
from orchestra.check.scope import Scope
from orchestra.check.walker import Attitude, Walker, on
from orchestra.errors import nearest
from orchestra.nodes.base import Node
from orchestra.nodes.literals import Array, Constant, Object, Pair
from orchestra.nodes.names import Reference
from orchestra.nodes.script import Script
from orchestra.nodes.sessions import Agent, Asking, Resume, Session
from orchestra.values.known import is_known

__all__ = ["agents_of", "settings_of"]


@on(Session, Resume)
def session(walker: Walker, node: Asking, scope: Scope, attitude: Attitude) -> None:
    whom = node.whom
    if isinstance(whom, Reference) and scope.find(whom.name) is None and not is_known(whom.name):
        agents = {str(agent.token)[1:] for agent in agents_of(walker.module.script)}
        close = nearest(whom.name, agents | scope.visible())
        help = f"did you mean @{close}?" if close else f'agent @{whom.name} = {{ prompt: "…" }}'
        walker.findings.add("E741", f"agent @{whom.name} is not defined", whom.span, help=help, variable=whom.name)
    else:
        walker.visit(whom, scope)
    if isinstance(whom, Reference) and node.resumed and _forgets(whom.name, walker.module.script):
        message = f"agent {whom.name} does not persist, so there is nothing to resume"
        help = f'agent @{whom.name} = {{ persist: "run", … }}'
        walker.findings.add("E742", message, whom.span, help=help, variable=whom.name)
    walker.visit(node.task, scope)


def agents_of(script: Script | None) -> Iterator[Agent]:
    """The agents that a script declares."""
    yield from (part for part in (script.statements if script is not None else ()) if isinstance(part, Agent))


def settings_of(agent: Agent) -> dict[str, Any]:
    """The settings of a declaration, as far as they are written out."""
    members = agent.value.members if isinstance(agent.value, Object) else ()
    pairs = [member for member in members if isinstance(member, Pair)]
    return {pair.key.span.text.strip("\"'`"): _written(pair.value) for pair in pairs}


def _written(value: Node) -> Any:
    """Text, a list of texts, true or false; None for what is computed."""
    if isinstance(value, Array):
        return [literal(item) for item in value.items]
    if isinstance(value, Constant):
        return {"true": True, "false": False}.get(value.span.text)
    return literal(value)


def _forgets(name: str, script: Script | None) -> bool:
    """Whether an agent is declared here as one that does not persist."""
    for agent in agents_of(script):
        if str(agent.token)[1:] == name and isinstance(agent.value, Object) and _is_plain(agent.value):
            value = _setting(agent, "persist")
            return value is None or (isinstance(value, Constant) and value.span.text in ("false", "null"))
    return False


def _is_plain(value: Object) -> bool:
    """Whether nothing is spread into an object."""
    return all(isinstance(member, Pair) for member in value.members)


def _setting(agent: Agent, name: str) -> Node | None:
    for member in agent.value.members if isinstance(agent.value, Object) else ():
        if isinstance(member, Pair) and member.key.span.text.strip("\"'`") == name:
            return member.value
    return None
