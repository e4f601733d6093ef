"""Guards and policies as they stand: triggers that cannot occur, privileges without a limit, policies that say nothing.

Only policies that are written out can be read here; the others are read when their line runs.
"""

from __future__ import annotations

from orchestra.check.module import Module, literal
from orchestra.check.scope import Name, Scope
from orchestra.check.walker import Attitude, Walker, on
from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, walk
from orchestra.nodes.blocks import Labelled, Var
from orchestra.nodes.functions import Exe
from orchestra.nodes.guards import Allow, Guard, GuardAny, Relabel
from orchestra.nodes.hooks import HookFunction, HookOperation
from orchestra.nodes.literals import Array, Constant, Number, Object, Pair
from orchestra.nodes.modules import Import, ImportWhole
from orchestra.nodes.policies import Policy
from orchestra.nodes.policy_rules import read_rules
from orchestra.nodes.unbuilt import Unbuilt
from orchestra.values.known import OPERATIONS

__all__ = ["check_security"]

EXECUTORS = frozenset("cmd sh bash js node py llm".split())
GIVEN = frozenset("secret sensitive pii trusted untrusted llm influenced".split())  # labels that others may give


@on(Guard)
def guard(walker: Walker, node: Guard, scope: Scope, attitude: Attitude) -> None:
    inner = scope.child("call", deferred=True)
    for name in ("input", "output"):
        inner.bind(Name(name, "param"))
    if isinstance(node.trigger, HookFunction):
        found = scope.find(str(node.trigger.name)[1:])
        if found is not None:
            found.used = True
    walker.visit(node.rules, inner)
    if node.privileged is not None and any(_allows_all(entry) for entry in node.rules.entries):
        message = "a privileged guard that allows everything switches policies off for all that it matches"
        walker.findings.add(
            "privileged-allow-all", message, node.span, help="name the conditions under which it allows"
        )


@on(Policy)
def policy(walker: Walker, node: Policy, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.body, scope)
    data = _plain(node.body)
    if isinstance(data, dict):
        try:
            read_rules(str(node.token)[1:], data, node.span)
        except OrchError as error:
            walker.findings.error(error)


def check_security(walker: Walker) -> None:
    """What a whole file has to say before its guards can be judged."""
    for statement in walker.module.statements:
        if isinstance(statement, Guard) and isinstance(statement.trigger, HookOperation):
            _check_trigger(walker, statement, str(statement.trigger.token))
    if walker.module.script is not None:
        for part in walk(walker.module.script):
            refusal = part.refusal() if isinstance(part, Unbuilt) else None
            if refusal is not None:
                walker.findings.error(refusal)


def _check_trigger(walker: Walker, node: Guard, word: str) -> None:
    module = walker.module
    labels = _labels(module) | GIVEN
    if not module.acts or any(isinstance(part, (Import, ImportWhole)) for part in module.statements):
        return  # what others bring along is not known here
    if word.startswith("op:"):
        kind = word[3:].partition(":")[0]
        if kind in OPERATIONS or kind in EXECUTORS or word[3:] in labels:
            return
        meant = nearest(kind, OPERATIONS | EXECUTORS)
        help = f"did you mean op:{meant}?" if meant else None
        walker.findings.add("guard-never-matches", f"there is no operation {kind}", node.trigger.span, help=help)
    elif not any(label == word or label.startswith(f"{word}:") for label in labels) and ":" not in word:
        meant = nearest(word, labels)
        help = f"did you mean {meant}?" if meant else None
        walker.findings.add("guard-never-matches", f"nothing has the label {word}", node.trigger.span, help=help)


def _labels(module: Module) -> set[str]:
    found: set[str] = set()
    for statement in module.statements:
        for part in walk(statement):
            if isinstance(part, (Exe, Var)):
                found.update(map(str, part.labels))
            elif isinstance(part, (Labelled, Relabel)):
                found.add(str(part.label))
            elif isinstance(part, Allow) and part.options is not None:
                found.update(map(str, _listed(_plain(part.options.object), "addLabels")))
    return found


def _listed(data: object, key: str) -> list[object]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else [] if value is None else [value]


def _allows_all(entry: Node) -> bool:
    return isinstance(entry, GuardAny) and isinstance(entry.action, Allow)


class _Unknown(Exception):
    """A part of a literal that is known only when it is evaluated."""


def _plain(node: Node) -> object:
    """A literal as data; None for what is known only later."""
    try:
        return _data(node)
    except _Unknown:
        return None


def _data(node: Node) -> object:
    if isinstance(node, Object):
        members = [member for member in node.members if isinstance(member, Pair)]
        if len(members) < len(node.members):
            raise _Unknown
        return {member.key.span.text.strip("\"'`"): _data(member.value) for member in members}
    if isinstance(node, Array):
        return [_data(item) for item in node.items]
    if isinstance(node, (Constant, Number)):
        return node.value
    text = literal(node)
    if text is None:
        raise _Unknown
    return text
