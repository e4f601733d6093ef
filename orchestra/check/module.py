"""One file as the checks see it: its statements, what it defines at the top level and what it exports.

Finding and reading files is left to `library`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestra.check.scope import Signature, Surface
from orchestra.errors import OrchError
from orchestra.nodes.base import Node, walk
from orchestra.nodes.blocks import FieldsTarget, ItemsTarget, Var
from orchestra.nodes.commands import Code, Command
from orchestra.nodes.files import Load
from orchestra.nodes.foreach import Foreach
from orchestra.nodes.functions import Call, Exe, Shadow
from orchestra.nodes.guards import Guard
from orchestra.nodes.hooks import Hook
from orchestra.nodes.loop import Loop
from orchestra.nodes.loops import For
from orchestra.nodes.modules import Export, ExportItem, Import, ImportWhole, ModuleName, Needs
from orchestra.nodes.names import Field, Reference
from orchestra.nodes.pipelines import ParallelCalls, Pipeline
from orchestra.nodes.policies import Auth, ImportPolicy, Policy
from orchestra.nodes.script import Document, Script
from orchestra.nodes.sessions import Agent, Resume, Session
from orchestra.nodes.templates import Template, Text
from orchestra.source import Source

__all__ = ["Module", "bound_names", "is_idle", "literal", "signature", "source_of"]

GUARDING = (Guard, Policy, Auth)
DEFINITIONS = (Var, Exe, Agent, Shadow, Import, ImportWhole, ImportPolicy, Export, Needs, Hook, *GUARDING, Document)
BUSY = (Call, Command, Code, Load, For, Foreach, Loop, Pipeline, ParallelCalls, Session, Resume)


@dataclass(slots=True)
class Module:
    """A parsed file. `errors` are its syntax errors; with any, there are no statements."""

    source: Source
    script: Script | None
    errors: list[OrchError] = field(default_factory=list)

    @property
    def path(self) -> Path | None:
        return self.source.path

    @property
    def directory(self) -> Path | None:
        return self.source.directory

    @property
    def statements(self) -> list[Node]:
        return self.script.statements if self.script is not None else []

    @property
    def acts(self) -> bool:
        """Whether the file does something besides defining names for others."""
        return any(not isinstance(statement, DEFINITIONS) for statement in self.statements)

    def definitions(self) -> Iterator[tuple[str, Var | Exe | Agent | Guard | Policy | Auth]]:
        """The variables, functions, guards and the like of the top level, in order."""
        for statement in self.statements:
            if isinstance(statement, Var):
                for name in bound_names(statement.target):
                    yield name, statement
            elif isinstance(statement, (Exe, Agent)):
                yield str(statement.token)[1:], statement
            elif isinstance(statement, GUARDING):
                token = statement.name if isinstance(statement, Guard) else statement.token
                if token:
                    yield str(token)[1:], statement

    def imports(self) -> list[Import | ImportWhole]:
        return [part for part in self.statements if isinstance(part, (Import, ImportWhole))]

    def exported(self) -> dict[str, str] | None:
        """Exported name → own name, as far as an `export` lists them; None if everything is exported."""
        listed: dict[str, str] | None = None
        for statement in self.statements:
            if isinstance(statement, Export) and listed is None:
                listed = {}
            for item in statement.items if isinstance(statement, Export) else ():
                assert listed is not None
                if isinstance(item, ExportItem):
                    name, alias = item.names
                    listed[alias] = name
                else:
                    listed |= {name: name for name, _ in self.definitions()}
        return listed

    def surface(self) -> Surface:
        """What importers can see."""
        own = {name: signature(part) if isinstance(part, Exe) else None for name, part in self.definitions()}
        exported = self.exported()
        names = own if exported is None else {alias: own.get(name) for alias, name in exported.items()}
        active = {name for name, part in self.definitions() if isinstance(part, GUARDING)}
        if exported is not None:
            active = {alias for alias, name in exported.items() if name in active}
        return Surface(self.source.name, names, open=bool(self.errors), active=frozenset(active))

    def checkpoints(self) -> list[str]:
        return self.script.checkpoints() if self.script is not None else []


def bound_names(target: object) -> list[str]:
    """The names on the left of a binding."""
    if isinstance(target, (FieldsTarget, ItemsTarget)):
        return [str(name).removeprefix("@") for name in target.names]
    return [str(target).removeprefix("@")]


def signature(function: Exe) -> Signature | None:
    """What callers have to know; None for a second name of a function that was made elsewhere."""
    if function.params is None and isinstance(function.body, (Reference, Field)):
        return None
    params = function.params or []
    return Signature(tuple(param.name for param in params), sum(param.default is None for param in params))


def is_idle(value: Node) -> bool:
    """Whether making a value calls, runs or loads nothing."""
    return not any(isinstance(part, BUSY) for part in walk(value))


def literal(template: Node) -> str | None:
    """The text of a template in which nothing is filled in."""
    if not isinstance(template, Template):
        return None
    if not template.parts:
        return ""
    only = template.parts[0]
    return only.value if len(template.parts) == 1 and isinstance(only, Text) else None


def source_of(statement: Import | ImportWhole) -> str | None:
    """Where an import comes from as written, or None where a value decides."""
    if isinstance(statement.source, ModuleName):
        token = str(statement.source.token)
        return token[1:-1].strip() if token.startswith("<") else token
    return literal(statement.source)
