"""Calls and pipeline stages: is there such a function, and does it take these arguments.

What functions there are is told by the scope; names that are not called are in `references`.
"""

from __future__ import annotations

from orchestra.check.references import place_of
from orchestra.check.scope import Name, Scope, Signature
from orchestra.check.walker import Attitude, Walker, on
from orchestra.errors import nearest
from orchestra.nodes.base import Node, children
from orchestra.nodes.branches import StageBranches
from orchestra.nodes.functions import Call, NamedArgument, Shadow, Stream
from orchestra.nodes.literals import BareWords
from orchestra.nodes.modules import Export, ExportItem
from orchestra.nodes.names import Field, Reference
from orchestra.nodes.output import Run
from orchestra.nodes.pipelines import ParallelCalls, Pipeline
from orchestra.nodes.stages import WhileStage
from orchestra.source import Span

__all__ = ["piped"]


@on(Call)
def call(walker: Walker, node: Call, scope: Scope, attitude: Attitude) -> None:
    _check_callee(walker, node, scope, len(node.args))
    _arguments(walker, node, scope)


def _check_callee(walker: Walker, node: Call, scope: Scope, given: int) -> None:
    """`given` counts the arguments together with a value that comes through a pipeline."""
    signature = _signature(walker, node.callee, scope)
    if signature is not None:
        _check_arity(walker, node, signature, given)
        _check_names(walker, node, signature)


def _signature(walker: Walker, callee: Node, scope: Scope) -> Signature | None:
    """The parameters of what is called, if they can be known."""
    if isinstance(callee, Reference):
        found = walker.use(callee.name, callee.span, scope, called=True)
        if found is not None:
            _check_function(walker, found, callee.span)
        return found.signature if found is not None else None
    if isinstance(callee, Field):
        silent = callee.name.startswith("is") and callee.name[2:3].isupper()
        walker.visit(callee if not silent else callee.base, scope, "silent" if silent else "strict")
        found = scope.find(callee.base.name) if isinstance(callee.base, Reference) else None
        if found is not None and found.surface is not None:
            return found.surface.names.get(callee.name)
        return None
    walker.visit(callee, scope)
    return None


def _check_function(walker: Walker, found: Name, span: Span) -> None:
    """Recursion needs a label; a call of a model is remembered."""
    function = walker.function
    if function is None:
        return
    if found.model:
        walker.models.append((function, span, found.name))
    own = found.kind == "exe" and found.name == str(function.token)[1:]
    if own and "recursive" not in map(str, function.labels):
        help = f"write exe recursive @{found.name}(…) = …"
        walker.findings.add(
            "missing-recursive-label",
            f"@{found.name} calls itself without the label recursive",
            span,
            help=help,
        )


def _check_arity(walker: Walker, node: Call, signature: Signature, given: int) -> None:
    named = sum(isinstance(part, NamedArgument) and str(part.name) in signature.params for part in node.args)
    most = len(signature.params)
    if given > most:
        takes = "no arguments" if most == 0 else "1 argument" if most == 1 else f"{most} arguments"
        problem = f"takes {takes}, this call passes {given}"
    elif given < signature.needed and not named:
        missing = ", ".join(signature.params[given : signature.needed])
        problem = f"is called without {missing}"
    else:
        return
    called = node.callee.span.text
    help = f"{called}({', '.join(signature.params)})"
    walker.findings.add("wrong-arity", f"{called} {problem}", node.span, help=help)


def _check_names(walker: Walker, node: Call, signature: Signature) -> None:
    for part in node.args:
        if isinstance(part, NamedArgument) and str(part.name) not in signature.params:
            meant = nearest(str(part.name), signature.params) if len(str(part.name)) > 1 else None
            help = f"did you mean {meant}?" if meant else 'for a text, quote it: "…"'
            walker.findings.add(
                "unknown-argument",
                f"{node.callee.span.text} has no parameter {part.name}; this is passed as text",
                part.span,
                help=help,
            )


def _arguments(walker: Walker, node: Call, scope: Scope) -> None:
    looks = isinstance(node.callee, Reference) and node.callee.name in ("exists", "typeof", "typeInfo")
    walker.visit_all(node.args, scope, "silent" if looks else "strict")


@on(BareWords)
def bare_words(walker: Walker, node: BareWords, scope: Scope, attitude: Attitude) -> None:
    word = str(node.token).strip()
    name, sign, value = (part.strip() for part in word.partition("="))
    if sign and name.isidentifier() and value and not value.startswith(("=", ">")):
        walker.findings.add(
            "bare-word-is-a-name",
            f"{word} is passed as text, and not as the argument {name}",
            node.span,
            help=f'write {name}: {value}, or "{word}" for the text',
            variable=name,
        )
    elif scope.find(word) is not None:
        message = f"{word} is text here, and not the variable @{word}"
        walker.findings.add(
            "bare-word-is-a-name",
            message,
            node.span,
            help=f'write @{word}, or "{word}" for the text',
            variable=word,
        )


@on(Run)
def run(walker: Walker, node: Run, scope: Scope, attitude: Attitude) -> None:
    named = node.source if isinstance(node.source, Reference) else None
    if named is not None:
        walker.use(named.name, named.span, scope, called=True)
    walker.visit_all((part for part in children(node) if part is not named), scope)


# ── pipelines ────────────────────────────────────────────────────────────────────────────────────


@on(Pipeline)
def pipeline(walker: Walker, node: Pipeline, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.source, scope)
    piped(walker, node.stages, scope)


@on(ParallelCalls)
def parallel_calls(walker: Walker, node: ParallelCalls, scope: Scope, attitude: Attitude) -> None:
    walker.visit(node.branches, scope)
    walker.visit(node.caps, scope)
    if node.piped is not None:
        piped(walker, node.piped.stages, scope)


def piped(walker: Walker, stages: list[Node], scope: Scope) -> None:
    """Stages get the value of the one before as their first argument."""
    for stage in stages:
        _stage(walker, stage, scope)


def _stage(walker: Walker, stage: Node, scope: Scope) -> None:
    if isinstance(stage, StageBranches):
        piped(walker, stage.stages, scope)
    elif isinstance(stage, Call):
        _check_callee(walker, stage, scope, len(stage.args) + 1)
        _arguments(walker, stage, scope)
    elif isinstance(stage, WhileStage):
        walker.visit_all(children(stage), scope)
    elif isinstance(stage, Stream):
        _stage(walker, stage.target, scope)
    elif isinstance(stage, Reference):
        _deprecated(walker, stage, scope)
        found = walker.use(stage.name, stage.span, scope, called=True)
        if found is not None:
            _check_function(walker, found, stage.span)
    elif isinstance(stage, Field) and isinstance(stage.base, Reference):
        _deprecated(walker, stage.base, scope)
        walker.visit(stage, scope)
    else:
        walker.visit(stage, scope)


def _deprecated(walker: Walker, stage: Reference, scope: Scope) -> None:
    if stage.name.lower() == "json" and scope.find(stage.name) is None:
        walker.findings.add(
            "deprecated-json-transform", "@json is an old name of @parse", stage.span, help="write @parse"
        )


# ── names listed without @ ───────────────────────────────────────────────────────────────────────


@on(Shadow)
def shadow(walker: Walker, node: Shadow, scope: Scope, attitude: Attitude) -> None:
    for token in node.names:
        walker.use(str(token).removeprefix("@"), place_of(str(token), node.span), scope, called=True)


@on(Export)
def export(walker: Walker, node: Export, scope: Scope, attitude: Attitude) -> None:
    for item in node.items:
        if not isinstance(item, ExportItem):
            continue
        name = item.names[0]
        found = scope.find(name)
        if found is not None:
            found.used = True
        else:
            meant = nearest(name, scope.visible())
            help = f"did you mean {meant}?" if meant else None
            walker.findings.add(
                "unknown-export", f"@{name} is exported but not defined", item.span, help=help, variable=name
            )
