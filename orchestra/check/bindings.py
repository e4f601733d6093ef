"""What binds names: definitions, `let`, loops, functions, hooks, `catch`; and what must not be bound twice.

Imports bind names as well; they are in `imports`.
"""

from __future__ import annotations

from orchestra.check.calls import piped
from orchestra.check.module import bound_names, is_idle, signature
from orchestra.check.scope import Name, Scope
from orchestra.check.templates import check_template, template_path
from orchestra.check.walker import Attitude, Walker, on
from orchestra.errors import Note
from orchestra.nodes.base import Node, children
from orchestra.nodes.blocks import Augment, Block, BlockValue, Let, Var
from orchestra.nodes.functions import Exe
from orchestra.nodes.hooks import Hook, HookFunction
from orchestra.nodes.literals import Pair
from orchestra.nodes.loop import Loop
from orchestra.nodes.loops import Batch, BatchGroup, For, ForChoice, ForFilter
from orchestra.nodes.promises import RESULT
from orchestra.nodes.prose import Prose
from orchestra.nodes.reducing import Reduce
from orchestra.nodes.sessions import Agent
from orchestra.nodes.tails import With
from orchestra.nodes.templates import TextLoop
from orchestra.nodes.trying import Catch, Try
from orchestra.nodes.when import Arm, When, WhenInline, WhenMatch
from orchestra.source import Span
from orchestra.values.known import KEPT, RESERVED, is_known

__all__ = ["declare", "define_all"]


# ── the top level ────────────────────────────────────────────────────────────────────────────────


def define_all(walker: Walker, scope: Scope) -> None:
    """Bind the variables and functions of a file before its statements are looked at."""
    for name, statement in walker.module.definitions():
        kind = {Var: "var", Exe: "exe", Agent: "agent"}.get(type(statement), "guard")
        made = Name(name, kind, statement.span, statement.span.end)
        if isinstance(statement, Exe):
            made.signature, made.idle = signature(statement), True
        elif isinstance(statement, Var):
            made.idle = is_idle(statement.value)
        if name in KEPT or (name in RESERVED and isinstance(statement, (Var, Agent))):
            message = f"@{name} is a reserved name"
            walker.findings.add("E204", message, statement.span, help="choose another name", variable=name)
        else:
            declare(walker, made, scope)


def declare(walker: Walker, made: Name, scope: Scope) -> None:
    """Bind a name for the whole file, once."""
    assert made.span is not None
    first = scope.names.get(made.name)
    if first is None or first.span is None:  # names without a place come from the project's prelude
        scope.bind(made)
        if is_known(made.name) and made.kind != "import":
            message = f"@{made.name} hides the built-in of the same name"
            walker.findings.add("shadowed-builtin", message, made.span, help="choose another name", variable=made.name)
        return
    _redefined(walker, made, first)


def _redefined(walker: Walker, made: Name, first: Name) -> None:
    earlier, later = sorted((first, made), key=lambda name: name.span.start if name.span else 0)
    assert later.span is not None
    notes = [Note("first defined here", earlier.span)]
    if first.kind == made.kind == "import":
        help = f"import it under another name: {made.name} as @other"
        walker.findings.add(
            "E413", f"@{made.name} is imported twice", later.span, help=help, notes=notes, variable=made.name
        )
        return
    message = f"@{made.name} is already defined and cannot be redefined"
    walker.findings.add("E203", message, later.span, notes=notes, variable=made.name)


@on(Exe)
def function(walker: Walker, node: Exe, scope: Scope, attitude: Attitude) -> None:
    inner = scope.child("call", deferred=True)
    for param in node.params or []:
        walker.visit(param.default, inner)
        inner.bind(Name(param.name, "param", param.span))
    outside, walker.function = walker.function, node
    body = node.body
    if isinstance(body, Prose):
        walker.visit(body.config, inner)
        body = body.program
    path = template_path(body)
    if path is not None:
        check_template(walker, node, path, inner)
    else:
        walker.visit(body, inner)
    walker.function = outside


@on(Hook)
def hook(walker: Walker, node: Hook, scope: Scope, attitude: Attitude) -> None:
    inner = scope.child("call", deferred=True)
    for name in ("input", "output", "error"):
        inner.bind(Name(name, "param"))
    if isinstance(node.filter, HookFunction):
        found = scope.find(str(node.filter.name)[1:])
        if found is not None:
            found.used = True
    walker.visit(node.body, inner)


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────


@on(Block, BlockValue)
def block(walker: Walker, node: Block | BlockValue, scope: Scope, attitude: Attitude) -> None:
    inner = scope.child()
    walker.visit_all(node.statements, inner)
    close(walker, inner)


def close(walker: Walker, scope: Scope) -> None:
    """Leave a block: say which of its names nobody used."""
    for name in scope.names.values():
        if name.kind == "let" and name.idle and not name.used and name.span is not None and name.name[0] != "_":
            message = f"@{name.name} is never used"
            walker.findings.add("unused-definition", message, name.span, help="remove it", variable=name.name)


@on(Let)
def let(walker: Walker, node: Let, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.value, scope)
    for name in bound_names(node.target):
        before = scope.names.get(name)
        if before is None or scope.kind not in ("block", "arm"):
            _check_let(walker, name, node.span, scope)
        used = before is not None and before.used  # an earlier value of the same name was read
        scope.bind(Name(name, "let", node.span, idle=is_idle(node.value), used=used))


def _check_let(walker: Walker, name: str, span: Span, scope: Scope) -> None:
    """Variables, parameters and loop variables are not to be hidden by a `let`."""
    owner = scope.owner(name)
    if owner is None or owner.kind in ("block", "arm", "when", "loop"):
        return
    first = owner.names[name]
    if owner.kind == "module" and (first.kind == "import" or first.ready > span.start or scope.inside("when")):
        return
    walker.findings.add(
        "E203", f"@{name} is already defined and cannot be redefined", span, variable=name,
        notes=[Note("first defined here", first.span)] if first.span else [],
        help="variables, parameters and loop variables keep their value; choose another name",
    )  # fmt: skip


@on(Augment)
def augment(walker: Walker, node: Augment, scope: Scope, attitude: Attitude) -> None:
    name = str(node.name)[1:]
    owner = scope.owner(name)
    walker.visit(node.value, scope)
    if owner is None:
        help = f"bind it first: let @{name} = …"
        walker.findings.add(
            "undefined-variable",
            f"cannot use += on the undefined variable @{name}",
            node.span,
            help=help,
            variable=name,
        )
        return
    owner.names[name].used = True
    if _crosses_parallel(scope, owner):
        walker.findings.add(
            "E304", f"a parallel for cannot change the outer variable @{name}", node.span, variable=name,
            help="return the value of each item with => and combine the results after the loop",
        )  # fmt: skip


def _crosses_parallel(scope: Scope, owner: Scope) -> bool:
    current: Scope | None = scope
    while current is not None and current is not owner:
        if current.kind == "parallel":
            return True
        current = current.parent
    return False


@on(Try)
def attempt(walker: Walker, node: Try, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.body, scope)
    for handler in node.handlers:
        caught(walker, handler, scope)
    walker.visit(node.last, scope)


def caught(walker: Walker, node: Catch, scope: Scope) -> None:
    inner = scope.child()
    if node.name is not None:
        inner.bind(Name(str(node.name)[1:], "param", node.span))
    walker.visit(node.body, inner)


@on(With)
def options(walker: Walker, node: With, scope: Scope, attitude: Attitude) -> None:
    """The conditions of `ensure` know the result."""
    promise = node.part("ensure")
    for part in children(node.object):
        if isinstance(part, Pair) and part.value is promise:
            inner = scope.child()
            inner.bind(Name(RESULT, "param", used=True))
            walker.visit(promise, inner, "lenient")
        else:
            walker.visit(part, scope)


# ── choices ──────────────────────────────────────────────────────────────────────────────────────


@on(When)
def when(walker: Walker, node: When, scope: Scope, attitude: Attitude) -> None:
    entries(walker, node.entries, scope.child("when"))


@on(WhenMatch)
def match(walker: Walker, node: WhenMatch, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.subject, scope)
    entries(walker, node.entries, scope.child("when"))


@on(WhenInline)
def inline(walker: Walker, node: WhenInline, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.condition, scope, "lenient")
    walker.visit(node.action, scope.child("when"))


def entries(walker: Walker, nodes: list[Node], scope: Scope) -> None:
    for entry in nodes:
        if isinstance(entry, Arm):
            walker.visit(entry.condition, scope, "lenient")
            walker.visit(entry.action, scope)
        else:
            walker.visit(entry, scope)


# ── loops ────────────────────────────────────────────────────────────────────────────────────────


@on(For)
def iteration(walker: Walker, node: For, scope: Scope, attitude: Attitude, held: str | None = None) -> None:
    walker.visit(node.source, scope)
    walker.visit(node.parallel, scope)
    inner = (scope.child("parallel") if node.parallel is not None else scope).child("item")
    binding = node.binding
    key = str(binding.key)[1:] if binding.key else f"{binding.name}_key"
    for name in (binding.name, key, *([held] if held else [])):
        inner.bind(Name(name, "item", binding.span))
    _tail(walker, node.tail, inner)
    walker.visit(node.batch, scope)


@on(Reduce)
def reduction(walker: Walker, node: Reduce, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.start, scope)
    iteration(walker, node.loop, scope, attitude, held=str(node.name)[1:])


def _tail(walker: Walker, tail: Node, scope: Scope) -> None:
    if isinstance(tail, ForFilter):
        walker.visit(tail.condition, scope, "lenient")
        walker.visit(tail.body, scope)
    elif isinstance(tail, ForChoice):
        entries(walker, tail.entries, scope)
    else:
        walker.visit(tail, scope)


@on(Batch)
def batch(walker: Walker, node: Batch, scope: Scope, attitude: Attitude) -> None:
    piped(walker, node.stages, scope)


@on(BatchGroup)
def batch_group(walker: Walker, node: BatchGroup, scope: Scope, attitude: Attitude) -> None:
    piped(walker, node.branches.calls, scope)
    if node.piped is not None:
        piped(walker, node.piped.stages, scope)


@on(Loop)
def loop(walker: Walker, node: Loop, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.header, scope)
    inner = scope.child("loop")
    inner.bind(Name("input", "item"))
    walker.visit(node.until, inner, "lenient")
    walker.visit(node.body, inner)


@on(TextLoop)
def text_loop(walker: Walker, node: TextLoop, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.source, scope, "template" if scope.inside("template") else "strict")
    inner = scope.child("item")
    for name in sorted(node.names):
        inner.bind(Name(name, "item", node.span))
    walker.visit_all((part for part in children(node) if part is not node.source), inner)
