"""Names in expressions and in text, and how much each place minds when one is undefined.

Calls and stages are in `calls`, what binds names in `bindings`.
"""

from __future__ import annotations

import re
from itertools import chain

from orchestra.check.scope import Scope
from orchestra.check.walker import Attitude, Walker, on
from orchestra.errors import nearest
from orchestra.nodes.base import Node, children
from orchestra.nodes.blocks import If
from orchestra.nodes.commands import Code, CodeArgs
from orchestra.nodes.literals import Optional, Pair
from orchestra.nodes.names import Each, Field, Filter, Index, Reference, Slice
from orchestra.nodes.operators import And, Coalesce, Comparison, Not, Or, Ternary
from orchestra.nodes.parallel_for import OldParallel, Parallel
from orchestra.nodes.templates import (
    CondensedStage,
    Fallback,
    Interpolation,
    Mustache,
    Negated,
    Omission,
    Snippet,
    Template,
    Text,
    TextBody,
    root_of,
)
from orchestra.source import Span

__all__: list[str] = []

# `${name}`, `{name}` and `{{name.field}}`: what stands for a variable in the texts of other languages.
_PLACEHOLDER = re.compile(r"\$?\{\{?[ \t]*(?P<path>(?P<name>[A-Za-z_]\w*)(?:\.\w+)*)[ \t]*\}\}?")


@on(Reference)
def reference(walker: Walker, node: Reference, scope: Scope, attitude: Attitude) -> None:
    walker.use(node.name, node.span, scope, attitude)


@on(Field)
def member(walker: Walker, node: Field, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.base, scope, attitude)
    found = scope.find(node.base.name) if isinstance(node.base, Reference) else None
    surface = found.surface if found is not None else None
    if surface is None or surface.has(node.name):
        return
    meant = nearest(node.name, set(surface.names))
    help = f"did you mean {meant}?" if meant else "it exports " + ", ".join(sorted(surface.names))
    walker.findings.add("E411", f"{surface.title} exports no {node.name}", node.span, help=help)


@on(Index, Slice, Each, Filter)
def access(walker: Walker, node: Index | Slice | Each | Filter, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.base, scope, attitude)
    walker.visit_all((part for part in children(node) if part is not node.base), scope)


@on(Optional, Omission)
def optional(walker: Walker, node: Optional | Omission, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.target, scope, "silent")


@on(Fallback)
def fallback(walker: Walker, node: Fallback, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.target, scope, "silent")
    walker.visit(node.default, scope)


@on(Snippet)
def snippet(walker: Walker, node: Snippet, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.target, scope, "silent")
    walker.visit(node.text, scope, attitude)


@on(Negated)
def negated(walker: Walker, node: Negated, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.target, scope, "silent")


@on(Pair)
def pair(walker: Walker, node: Pair, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.key, scope)
    walker.visit(node.value, scope, "silent" if node.optional else "strict")


@on(Coalesce)
def coalesce(walker: Walker, node: Coalesce, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.left, scope, "silent")
    walker.visit(node.right, scope, "lenient")


@on(And, Or, Comparison, Not)
def condition(walker: Walker, node: Node, scope: Scope, attitude: Attitude) -> None:
    walker.visit_all(children(node), scope, "lenient")


@on(Ternary)
def ternary(walker: Walker, node: Ternary, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.condition, scope, "lenient")
    walker.visit(node.yes, scope)
    walker.visit(node.no, scope)


@on(If)
def branch(walker: Walker, node: If, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.condition, scope, "lenient")
    walker.visit(node.then, scope)
    walker.visit(node.otherwise, scope)


@on(Parallel, OldParallel)
def width(walker: Walker, node: Parallel, scope: Scope, attitude: Attitude) -> None:
    walker.visit_all(children(node.given) if node.given is not None else (), scope, "lenient")


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


@on(Template, TextBody)
def text(walker: Walker, node: Template | TextBody, scope: Scope, attitude: Attitude) -> None:
    walker.visit_all(node.parts, scope)
    if node.opener in ("`", '"', "::") if isinstance(node, Template) else not node.span.source.name.endswith(".mtt"):
        for part in node.parts:
            if isinstance(part, Text):
                _placeholders(walker, part, scope)


def _placeholders(walker: Walker, node: Text, scope: Scope) -> None:
    """Braces around the name of a variable, which print as they are."""
    for found in _PLACEHOLDER.finditer(node.span.text):
        if scope.find(found["name"]) is not None:
            at = node.span.start + found.start()
            walker.findings.add(
                "placeholder-is-text", f"{found.group()} is text here, and not the variable @{found['name']}",
                Span(node.span.source, at, at + len(found.group())),
                help=f"write @{found['path']}", variable=found["name"],
            )  # fmt: skip


@on(Interpolation, Mustache)
def inserted(walker: Walker, node: Interpolation | Mustache, scope: Scope, attitude: Attitude) -> None:
    root = root_of(node.target)
    if isinstance(root, Reference) and _is_prose(root, scope):
        return
    if not (isinstance(root, Reference) and _hyphenated(walker, root, scope)):
        walker.visit(node.target, scope, "template" if scope.inside("template") else "lenient")
    walker.visit_all(node.stages if isinstance(node, Interpolation) else (), scope)


def _is_prose(root: Reference, scope: Scope) -> bool:
    """`ann@example.org`: text in which the sign means something else."""
    before = root.span.source.text[root.span.start - 1 : root.span.start]
    return before.isalnum() and scope.find(root.name) is None


def _hyphenated(walker: Walker, root: Reference, scope: Scope) -> bool:
    """`@name-suffix` where only `@name` is defined."""
    if scope.find(root.name) is not None:
        return False
    parts = root.name.split("-")
    heads = ("-".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    head = next((head for head in heads if scope.find(head) is not None), None)
    if head is None:
        return False
    found = scope.find(head)
    assert found is not None
    found.used = True
    walker.findings.add(
        "hyphenated-identifier-in-template", f"@{root.name} is read as one name", root.span,
        help=f"write @{head}\\{root.name[len(head) :]} to end the name before the hyphen", variable=root.name,
    )  # fmt: skip
    return True


@on(CondensedStage)
def condensed(walker: Walker, node: CondensedStage, scope: Scope, attitude: Attitude) -> None:
    walker.use(node.path[0], node.span, scope, called=True)


# ── code ─────────────────────────────────────────────────────────────────────────────────────────


@on(CodeArgs)
def code_args(walker: Walker, node: CodeArgs, scope: Scope, attitude: Attitude) -> None:
    for token in node.names:
        walker.use(str(token)[1:], node.span, scope)


@on(Code)
def code(walker: Walker, node: Code, scope: Scope, attitude: Attitude) -> None:
    walker.visit_all(children(node), scope)
    if node.args is None:
        _use_mentioned(str(node.code), scope)


def _use_mentioned(text: str, scope: Scope) -> None:
    """Code of another language sees the parameters around it by name."""
    for word in set(re.findall(r"\w+", text)):
        found = scope.find(word)
        if found is not None:
            found.used = True


def place_of(token: str, span: Span) -> Span:
    """The place of a token inside a node, for lists of names that have no places of their own."""
    at = next(chain(m.start() for m in re.finditer(re.escape(token) + r"(?![\w-])", span.text)), 0)
    return Span(span.source, span.start + at, span.start + at + len(token))
