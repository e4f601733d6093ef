"""Hooks that cannot fire: their function, operation or label does not occur in what the script can reach."""

from __future__ import annotations

from collections.abc import Iterable

from orchestra.check.module import Module
from orchestra.check.scope import Scope
from orchestra.check.walker import Walker
from orchestra.errors import Note, nearest
from orchestra.nodes.base import Node, rule_name, walk
from orchestra.nodes.blocks import Var
from orchestra.nodes.functions import Exe
from orchestra.nodes.hooks import Hook, HookFunction, HookOperation
from orchestra.nodes.names import Reference
from orchestra.values.known import OPERATIONS

__all__ = ["check_hooks"]


def check_hooks(walker: Walker, scope: Scope) -> None:
    names: dict[str, Hook] = {}
    before: list[Node] = []  # what has happened when the hook's line runs
    for statement in walker.module.statements:
        if not isinstance(statement, Hook):
            before += () if isinstance(statement, Exe) else walk(statement)
            continue
        _check_filter(walker, statement, scope)
        _check_order(walker, statement, before)
        first = names.setdefault(str(statement.name), statement) if statement.name else statement
        if first is not statement:
            message = f"a hook with the name {statement.name} already exists"
            walker.findings.add("E203", message, statement.span, notes=[Note("first here", first.span)])


def _check_order(walker: Walker, hook: Hook, before: Iterable[Node]) -> None:
    early = next((part for part in before if _is_watched(part, hook.filter)), None)
    if early is not None:
        watched = hook.filter.span.text
        message = f"this hook misses the use of {watched} before it"
        notes = [Note("used here", early.span)]
        walker.findings.add("hook-after-first-use", message, hook.span, help="move it up", notes=notes)


def _is_watched(part: Node, filter: Node) -> bool:
    """Whether the hook would have matched this; labels and prefixes are not looked at."""
    if isinstance(filter, HookFunction):
        name, prefix = filter.parts
        return prefix is None and isinstance(part, Reference) and part.name == name
    word = str(filter.token) if isinstance(filter, HookOperation) else ""
    return word == f"op:{rule_name(type(part))}"


def _check_filter(walker: Walker, hook: Hook, scope: Scope) -> None:
    if isinstance(hook.filter, HookFunction):
        _check_function(walker, hook.filter, scope)
    elif isinstance(hook.filter, HookOperation):
        _check_word(walker, hook.filter)


def _check_function(walker: Walker, filter: HookFunction, scope: Scope) -> None:
    name, _ = filter.parts
    functions = {part for part, found in scope.names.items() if found.kind in ("exe", "import")}
    inside = any(isinstance(part, str) for part in filter.path)  # a function held in an object
    if inside or name in functions or _labels_elsewhere(walker.module) or _defined(walker, name):
        return
    meant = nearest(name, functions)
    help = f"did you mean @{meant}?" if meant else None
    walker.findings.add(
        "hook-never-matches",
        f"no function @{name} is defined or imported",
        filter.span,
        help=help,
        variable=name,
    )


def _defined(walker: Walker, name: str) -> bool:
    """Whether an imported module calls one of its functions so."""
    return any(name == own for module in walker.library.imported(walker.module) for own, _ in module.definitions())


def _check_word(walker: Walker, filter: HookOperation) -> None:
    word = str(filter.token)
    if not word.startswith("op:") or word[3:] in OPERATIONS or _labels_elsewhere(walker.module):
        return
    labels = {label for module in (walker.module, *walker.library.imported(walker.module)) for label in _labels(module)}
    if word[3:] in labels:
        return
    meant = nearest(word[3:], OPERATIONS | labels)
    help = f"did you mean op:{meant}?" if meant else "operations are " + ", ".join(sorted(OPERATIONS))
    walker.findings.add("hook-never-matches", f"there is no operation or label {word[3:]}", filter.span, help=help)


def _labels(module: Module) -> Iterable[str]:
    for statement in module.statements:
        for part in walk(statement):
            if isinstance(part, (Exe, Var)):
                yield from map(str, part.labels)


def _labels_elsewhere(module: Module) -> bool:
    """A module that others import may watch what they define."""
    return not module.acts
