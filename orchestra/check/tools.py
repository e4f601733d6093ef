"""Collections of tools: fields that do not exist, and parameters that the function of an entry does not have.

What only values can tell is left to the run, which has the last word.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestra.check.findings import Findings
from orchestra.check.module import Module, literal
from orchestra.errors import nearest
from orchestra.nodes.base import Node
from orchestra.nodes.blocks import Var
from orchestra.nodes.functions import Exe
from orchestra.nodes.literals import Array, Object, Pair
from orchestra.nodes.names import Reference
from orchestra.nodes.templates import Template
from orchestra.nodes.tool_collection import FIELDS

__all__ = ["check_collections"]

NAMING = ("bind", "expose", "optional", "controlArgs")


def check_collections(module: Module, findings: Findings) -> None:
    functions = {f"@{name}": part for name, part in module.definitions() if isinstance(part, Exe)}
    for _, statement in module.definitions():
        if isinstance(statement, Var) and statement.collects and isinstance(statement.value, Object):
            for key, entry in _pairs(statement.value):
                if isinstance(entry.value, Object):
                    _check_entry(key, entry.value, functions, findings)


def _check_entry(tool: str, entry: Object, functions: dict[str, Exe], findings: Findings) -> None:
    fields = dict(_pairs(entry))
    for name, pair in fields.items():
        if name not in FIELDS:
            meant = nearest(name, FIELDS)
            help = f"did you mean {meant}?" if meant else f"fields: {', '.join(FIELDS)}"
            findings.add("E731", f"the tool {tool} has no field {name}", pair.key.span, help=help)
    source = fields["mlld"].value if "mlld" in fields else None
    function = functions.get(source.token) if isinstance(source, Reference) else None
    if function is not None and not any(not isinstance(member, Pair) for member in entry.members):
        params = [param.name for param in function.params or []]
        for field in NAMING:
            for name, place in _named(fields[field].value) if field in fields else ():
                if name not in params:
                    meant = nearest(name, params)
                    known = f"parameters of {function.token}: {', '.join(params)}"
                    message = f"the tool {tool} lists {name} in {field}, which {function.token} does not take"
                    findings.add("E731", message, place.span, help=f"did you mean {meant}?" if meant else known)


def _pairs(value: Object) -> Iterator[tuple[str, Pair]]:
    for member in value.members:
        if isinstance(member, Pair):
            yield member.key.span.text.strip("\"'`"), member


def _named(value: Node) -> Iterator[tuple[str, Node]]:
    """Names of parameters in an object's keys or an array's texts."""
    if isinstance(value, Object):
        yield from ((name, pair.key) for name, pair in _pairs(value))
    elif isinstance(value, Array):
        for item in value.items:
            name = literal(item) if isinstance(item, Template) else None
            if name is not None:
                yield name, item
