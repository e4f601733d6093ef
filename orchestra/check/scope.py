"""Names as they can be told without running: what is bound where, as what, and whether anybody uses it.

The kinds of scopes are those of `values.scope`, because the rules for `let` depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestra.source import Span

__all__ = ["Name", "Scope", "Signature", "Surface"]


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function; `needed` of them have no default."""

    params: tuple[str, ...]
    needed: int


class Surface:
    """What a module offers to whoever imports it.

    open:   there may be more names than are known
    active: names of guards and policies, which are of use by being imported
    """

    __slots__ = ("active", "names", "open", "title")

    def __init__(
        self,
        title: str,
        names: Mapping[str, Signature | None],
        open: bool = False,
        active: frozenset[str] = frozenset(),
    ) -> None:
        self.title = title
        self.names = names
        self.open = open
        self.active = active

    def has(self, name: str) -> bool:
        return self.open or name in self.names or name in ("default", "__meta__", "mx")


@dataclass(slots=True)
class Name:
    """One binding. `ready` is the offset in its file from which it can be used."""

    name: str
    kind: str  # var, exe, import, let, param or item
    span: Span | None = None
    ready: int = 0
    signature: Signature | None = None
    surface: Surface | None = None  # of an import of a whole module
    model: bool = False  # a function that calls a model
    idle: bool = False  # making its value has no effect
    used: bool = False


class Scope:
    """The names of one block. `deferred`: the code runs when it is called and not where it stands."""

    __slots__ = ("_spellings", "deferred", "kind", "names", "parent")

    def __init__(self, kind: str, parent: Scope | None = None, deferred: bool = False) -> None:
        self.kind = kind
        self.parent = parent
        self.names: dict[str, Name] = {}
        self.deferred: bool = deferred or (parent is not None and parent.deferred)
        self._spellings: dict[str, list[str]] | None = None  # name, and name less one letter → names

    def child(self, kind: str = "block", deferred: bool = False) -> Scope:
        return Scope(kind, self, deferred)

    def bind(self, name: Name) -> Name:
        self.names[name.name] = name
        self._spellings = None
        return name

    def find(self, name: str) -> Name | None:
        owner = self.owner(name)
        return owner.names[name] if owner is not None else None

    def owner(self, name: str) -> Scope | None:
        """The innermost scope that binds `name`."""
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.parent
        return scope

    def visible(self) -> set[str]:
        names: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            names.update(scope.names)
            scope = scope.parent
        return names

    def spelt_like(self, name: str) -> set[str]:
        """Visible names that may be one letter away from `name`: they share a spelling with one letter left out."""
        found: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            found.update(other for spelling in _spellings(name) for other in scope._spelt(spelling))
            scope = scope.parent
        return found

    def _spelt(self, spelling: str) -> list[str]:
        if self._spellings is None:
            self._spellings = {}
            for name in self.names:
                for shorter in _spellings(name):
                    self._spellings.setdefault(shorter, []).append(name)
        return self._spellings.get(spelling, [])

    def inside(self, kind: str) -> bool:
        """Whether this scope or one around it is of that kind."""
        scope: Scope | None = self
        while scope is not None and scope.kind != kind:
            scope = scope.parent
        return scope is not None


def _spellings(name: str) -> set[str]:
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}
