"""What the names of a program are called in the script, and which variables are kept in a box.

A variable of a script is bound once in its block. One that a program changes, or reads outside the block it was bound
in, becomes a field `now` of an object: adding to an object from an inner block changes it. Who reads and binds is
`values` and `statements`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from orchestra.prose_import import syntax as s
from orchestra.values.known import KEPT, is_known

__all__ = ["Scoping", "blocks_of", "changed_in", "mentioned", "reached", "scoping", "script_name", "within"]

Scope = tuple[int, ...]


def script_name(name: str) -> str:
    """The name without its `@`; hyphens would be read as minus in some places."""
    plain = name.replace("-", "_")
    return plain + "_" if plain in KEPT or is_known(plain) else plain


@dataclass(frozen=True)
class Event:
    """Something that happens to a name. `bind`: it begins there, as a parameter or item does."""

    kind: Literal["bind", "let", "assign", "use"]
    name: str
    scope: Scope


@dataclass
class Scoping:
    """The variables of a program or block.

    known: all names that mean something somewhere in it; variables: those that are no parameters or items
    boxed: variables that are kept in a box; hoisted: those whose box is made at the beginning
    """

    known: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    boxed: set[str] = field(default_factory=set)
    hoisted: list[str] = field(default_factory=list)


def scoping(lines: s.Lines, parameters: Iterable[str] = (), outer: Scoping | None = None) -> Scoping:
    """The variables of these lines. `outer`: those of the program around a block, of which some turn out to change."""
    walker = _Walker()
    walker.names("bind", parameters, ())
    walker.lines(lines, ())
    made, declared = Scoping(), dict[str, list[Scope]]()
    for event in walker.events:
        if event.kind in ("bind", "let"):
            made.known.add(event.name)
            declared.setdefault(event.name, []).append(event.scope)
        if event.kind == "let":
            made.variables.add(event.name)
    for event in walker.events:
        if event.name in declared:
            _settle(made, event, declared[event.name])
        elif event.kind == "assign" and outer is not None and event.name in outer.variables:
            outer.boxed.add(event.name)
        elif event.kind == "assign":  # the first one binds it
            declared[event.name] = [event.scope]
            made.known.add(event.name)
            made.variables.add(event.name)
    return made


def _settle(made: Scoping, event: Event, scopes: list[Scope]) -> None:
    """Whether what happens to a name makes it one that changes."""
    if event.name not in made.variables:
        return
    if event.kind == "assign" or (event.kind == "let" and scopes.count(event.scope) > 1):
        made.boxed.add(event.name)
    if not any(event.scope[: len(scope)] == scope for scope in scopes):
        made.boxed.add(event.name)
        if event.name not in made.hoisted:
            made.hoisted.append(event.name)


def changed_in(lines: s.Lines) -> set[str]:
    """The names that get another value in these lines."""
    return {node.name for node in within(lines) if isinstance(node, s.Assign)}


class _Walker:
    """Goes through lines in their order. Each block is a scope, numbered within the one around it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._scopes = 0

    def names(self, kind: Literal["bind", "let", "assign", "use"], names: Iterable[str | None], scope: Scope) -> None:
        self.events += [Event(kind, name, scope) for name in names if name is not None]

    def lines(self, lines: s.Lines, scope: Scope) -> None:
        for line in lines:
            self.visit(line, scope)

    def _inside(self, lines: s.Lines | None, scope: Scope, *bound: str | None) -> None:
        self._scopes += 1
        inner = (*scope, self._scopes)
        self.names("bind", bound, inner)
        self.lines(lines or (), inner)

    def visit(self, node: Any, scope: Scope) -> None:
        match node:
            case s.Block() | s.Agent():
                pass  # blocks have names of their own; agents stand outside
            case s.Path(names=(name, *_)):
                self.names("use", [name], scope)
            case s.Let(names=names, value=value):
                self.visit(value, scope)
                self.names("let", names, scope)
            case s.Input(name=name) | s.Output(name=name):
                self.visit(getattr(node, "value", None), scope)
                self.names("let", [name], scope)
            case s.Assign(name=name, value=value):
                self.visit(value, scope)
                self.names("assign", [name], scope)
            case s.Bare(value=s.Anonymous(body=body)):
                self.lines(body, scope)
            case s.Bare(value=s.Parallel(branches=branches)):
                self._branches(branches, scope)
            case s.Property(name=name, value=value):
                if name == "context" or not isinstance(value, s.Path):
                    self.visit(value, scope)
            case _:
                self._body(node, scope)

    def _branches(self, branches: tuple[s.Branch, ...], scope: Scope) -> None:
        for branch in branches:
            self.visit(branch.value, scope)
        known = {event.name for event in self.events if event.kind in ("bind", "let")}
        for branch in branches:
            self.names("assign" if branch.name in known else "let", [branch.name], scope)

    def _body(self, node: Any, scope: Scope) -> None:
        """What has lines of its own, or only parts."""
        match node:
            case s.For(item=item, index=index, source=source, body=body):
                self.visit(source, scope)
                self._inside(body, scope, item, index)
            case s.Stage(names=names, body=body):
                self._inside(body, scope, *names)
            case s.Loop(condition=condition, index=index, body=body):
                self.visit(condition, scope)
                self._inside(body, scope, index)
            case s.Repeat(count=count, index=index, body=body):
                self.visit(count, scope)
                self._inside(body, scope, index)
            case s.Try(body=body, caught=caught, handler=handler, last=last):
                self._inside(body, scope)
                self._inside(handler, scope, caught)
                self._inside(last, scope)
            case s.If(branches=branches, otherwise=otherwise):
                for condition, body in branches:
                    self.visit(condition, scope)
                    self._inside(body, scope)
                self._inside(otherwise, scope)
            case s.Option(body=body) | s.Anonymous(body=body):
                self._inside(body, scope)
            case _:
                for part in _parts(node):
                    self.visit(part, scope)


def _parts(node: Any) -> Iterator[Any]:
    """The nodes directly below."""
    if isinstance(node, tuple):
        yield from node
    elif isinstance(node, s.Node):
        for each in fields(node):
            yield getattr(node, each.name)


def within(node: Any) -> Iterator[Any]:
    """A node and all below it."""
    if isinstance(node, s.Node):
        yield node
    for part in _parts(node):
        yield from within(part)


def mentioned(node: Any) -> set[str]:
    """The names that are read anywhere in it."""
    return {path.names[0] for path in within(node) if isinstance(path, s.Path)}


def blocks_of(lines: s.Lines) -> dict[str, s.Block]:
    return {node.name: node for node in within(lines) if isinstance(node, s.Block)}


def reached(block: s.Block, blocks: dict[str, s.Block]) -> set[str]:
    """The blocks that it calls, through others too."""
    seen: set[str] = set()
    waiting = [block.name]
    while waiting:
        called = {node.block for node in within(blocks[waiting.pop()]) if isinstance(node, s.Do)}
        new = (called & blocks.keys()) - seen
        seen |= new
        waiting += new
    return seen
