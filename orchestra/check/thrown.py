"""Names of errors: what functions declare, what is thrown, what a `catch` waits for.

Only names that are written down count; what values decide is left to the run.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestra.check.findings import Findings
from orchestra.check.module import Module, literal
from orchestra.errors import NAMES, nearest
from orchestra.nodes.base import Node, children, walk
from orchestra.nodes.functions import Exe
from orchestra.nodes.literals import Array, Object, Pair
from orchestra.nodes.options import WithOptions
from orchestra.nodes.promises import NAME
from orchestra.nodes.tails import With
from orchestra.nodes.templates import Template
from orchestra.nodes.trying import CODE, Catch, Throw, Try

__all__ = ["check_thrown"]


def check_thrown(module: Module, findings: Findings) -> None:
    if module.script is None:
        return
    parts = list(walk(module.script))
    for part in parts:
        if isinstance(part, Exe) and isinstance(part.body, WithOptions):
            _check_declaration(part, part.body, findings)
    known = _known(parts) if not module.imports() else None
    if known is not None:
        for part in parts:
            if isinstance(part, Catch):
                _check_caught(part, known, findings)


def _check_declaration(function: Exe, body: WithOptions, findings: Findings) -> None:
    """What leaves a function that declares errors is one of them."""
    declared = _declared(body.options)
    if declared is None:
        return
    for part in _leaving(body.value):
        name = thrown_name(part)
        if name and name not in declared:
            meant = nearest(name, declared)
            help = f"did you mean {meant}?" if meant else f"errors: [{', '.join(map(repr, [*declared, name]))}]"
            message = f"{function.token} throws {name}, which its errors do not name"
            findings.add("undeclared-error", message, part.span, help=help)


def _leaving(root: Node) -> Iterator[Throw]:
    """The throws below a node that nothing around them catches."""
    if isinstance(root, Throw):
        yield root
    for part in children(root):
        if not (isinstance(root, Try) and root.handlers and part is root.body):
            yield from _leaving(part)


def _check_caught(node: Catch, known: set[str], findings: Findings) -> None:
    for name in node.caught:
        if not CODE.fullmatch(name) and name not in known and name not in NAMES.values():
            meant = nearest(name, known)
            message = f"nothing here throws or declares the error {name}"
            findings.add(
                "unknown-error", message, node.place_of(name), help=f"did you mean {meant}?" if meant else None
            )


def _known(parts: list[Node]) -> set[str] | None:
    """Every name that an error can have in a module; None if a value decides one of them."""
    names: set[str] = set()
    for part in parts:
        if isinstance(part, Throw):
            name = thrown_name(part)
            if name is None:
                return None
            names.add(name)
        elif isinstance(part, With):
            names.update(_declared(part) or ())
    return names


def thrown_name(node: Throw) -> str | None:
    """The name of what is thrown: "" if it has none, None if that cannot be seen."""
    value = node.value
    if value is None:
        return ""
    if isinstance(value, Template):
        text = literal(value) or ""
        return text if NAME.fullmatch(text) else ""
    if not isinstance(value, Object) or not all(isinstance(member, Pair) for member in value.members):
        return None
    named = [member.value for member in value.members if isinstance(member, Pair) and member.key.span.text == "name"]
    return literal(named[0]) if named else ""


def _declared(options: With) -> list[str] | None:
    part = options.part("errors")
    names = [literal(item) for item in part.items] if isinstance(part, Array) else [None]
    found = [name for name in names if name is not None]
    return found if len(found) == len(names) else None
