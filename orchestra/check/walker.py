"""Goes through the statements of a file with the names in force at each place.

What a kind of node does with names is told by the handlers in `references`, `bindings` and `calls`; here is
what they share: the table, the attitude towards undefined names, and looking names up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from orchestra.check.findings import Findings
from orchestra.check.library import Library
from orchestra.check.module import Module
from orchestra.check.scope import Name, Scope
from orchestra.errors import Note, nearest
from orchestra.nodes.base import Node, children
from orchestra.nodes.functions import Exe
from orchestra.source import Span
from orchestra.values.known import is_known, known_names

__all__ = ["HANDLERS", "Attitude", "Walker", "on", "one_edit_apart"]

MOST_SUGGESTIONS = 50  # in one file
SHORTEST = 4  # letters; shorter names are close to each other by chance

# What an undefined name means here. strict: an error when the line runs. lenient: text stays as written and a
# condition is false, so only a probable slip is worth a word. template: text of a file with declared names.
# silent: it was said that the name may be missing.
Attitude = Literal["strict", "lenient", "template", "silent"]
Handler = Callable[["Walker", Any, Scope, Attitude], None]
HANDLERS: dict[type[Node], Handler] = {}  # filled while the modules with the handlers load
H = TypeVar("H", bound=Handler)


def on(*kinds: type[Node]) -> Callable[[H], H]:
    """Make a function the handler of some kinds of nodes."""

    def register(handler: H) -> H:
        HANDLERS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


class Walker:
    """One walk through one module.

    function: the `exe` whose body is being looked at
    mentions: function → names of other functions that its body mentions
    models:   calls of model functions, with the function around each
    """

    def __init__(self, module: Module, library: Library, findings: Findings) -> None:
        self.module = module
        self.library = library
        self.findings = findings
        self.function: Exe | None = None
        self.mentions: dict[str, set[str]] = {}
        self.models: list[tuple[Exe, Span, str]] = []
        self._suggested = 0

    def visit(self, node: Node | None, scope: Scope, attitude: Attitude = "strict") -> None:
        if node is None:
            return
        handler = HANDLERS.get(type(node))
        if handler is not None:
            handler(self, node, scope, attitude)
        else:
            self.visit_all(children(node), scope)

    def visit_all(self, nodes: Any, scope: Scope, attitude: Attitude = "strict") -> None:
        for node in nodes:
            self.visit(node, scope, attitude)

    # ── names ────────────────────────────────────────────────────────────────────────────────────

    def use(
        self, name: str, span: Span, scope: Scope, attitude: Attitude = "strict", called: bool = False
    ) -> Name | None:
        """Look a name up where it is used, and say so if nothing defines it."""
        found = scope.find(name)
        if found is None:
            if not is_known(name):
                self._undefined(name, span, scope, attitude, called)
            return None
        found.used = True
        if self.function is not None:
            self.mentions.setdefault(str(self.function.token)[1:], set()).add(name)
        self._check_order(found, span, scope, attitude)
        return found

    def _check_order(self, found: Name, span: Span, scope: Scope, attitude: Attitude) -> None:
        early = found.span is not None and span.source is found.span.source and span.start < found.ready
        if early and not scope.deferred and attitude == "strict":
            self.findings.add(
                "used-before-definition", f"@{found.name} is used before it is defined", span,
                help="move the definition up", notes=[Note("defined here", found.span)], variable=found.name,
            )  # fmt: skip

    def _undefined(self, name: str, span: Span, scope: Scope, attitude: Attitude, called: bool) -> None:
        if attitude == "silent":
            return
        if attitude == "lenient":
            self._slip(name, span, scope)
            return
        if attitude == "template":
            code = "E415" if scope.inside("folder") else "template-unknown-variable"
            message = f"@{name} is no parameter of this template"
        elif called:
            code, message = "undefined-function", f"function @{name} is not defined"
        else:
            code, message = "undefined-variable", f"variable @{name} is not defined"
        self.findings.add(code, message, span, help=self._suggestion(name, scope), variable=name)

    def _suggestion(self, name: str, scope: Scope) -> str | None:
        """The name that was probably meant. The search is slow, so a file full of faults gets a few only."""
        self._suggested += 1
        if len(name) < 2 or self._suggested > MOST_SUGGESTIONS:
            return None
        return _meant(nearest(name, scope.visible() | known_names()), scope)

    def _slip(self, name: str, span: Span, scope: Scope) -> None:
        """Where an undefined name is no error: whether another one was probably meant."""
        close = next((other for other in sorted(scope.spelt_like(name)) if one_edit_apart(name, other)), None)
        if close is not None:
            message = f"@{name} is not defined; it stays as it is written, or counts as false"
            self.findings.add("probable-typo", message, span, help=_meant(close, scope), variable=name)


def _meant(name: str | None, scope: Scope) -> str | None:
    """A suggestion as text. What was misspelt somewhere is not to be called unused as well."""
    found = scope.find(name) if name is not None else None
    if found is not None:
        found.used = True
    return f"did you mean @{name}?" if name is not None else None


def one_edit_apart(a: str, b: str) -> bool:
    """Whether one letter more, less, changed or swapped with its neighbour makes one name the other."""
    if abs(len(a) - len(b)) > 1 or a == b or min(len(a), len(b)) < SHORTEST:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    x, y = a[start:], b[start:]
    return x[1:] == y[1:] or x[1:] == y or x == y[1:] or (x[:2] == y[1::-1] and x[2:] == y[2:])
