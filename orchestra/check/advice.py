"""Advice that follows from the form of a statement alone: what works, but rarely as it was meant.

Whatever depends on names in scope is told by the walker and its handlers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from orchestra.check.findings import Findings
from orchestra.check.module import literal
from orchestra.errors import Note
from orchestra.nodes.base import Node, children, walk
from orchestra.nodes.blocks import Bail, Continue_, Done_, Labelled, Return_
from orchestra.nodes.files import File, Files
from orchestra.nodes.functions import Call, Exe
from orchestra.nodes.loop import Endless, Loop
from orchestra.nodes.loops import For, ForChoice, ForFilter
from orchestra.nodes.names import Reference
from orchestra.nodes.operators import And, Not, Or
from orchestra.nodes.output import (
    Append,
    AppendEffect,
    Invocation,
    Output,
    OutputDocument,
    OutputEffect,
    OutputOld,
    Show,
    ShowEffect,
)
from orchestra.nodes.predicates import Predicate
from orchestra.nodes.script import Checkpoint, Script
from orchestra.nodes.tails import With
from orchestra.nodes.templates import Template, references
from orchestra.nodes.trying import Throw
from orchestra.nodes.when import ArmAny, When, WhenMatch

__all__ = ["check_semantic_loops", "give_advice"]

CONFUSING = frozenset({"result", "output", "data", "value", "response"})
EFFECTS = (Show, Output, OutputDocument, OutputOld, Append, File, Files, ShowEffect, OutputEffect, AppendEffect)
WAYS_OUT = (Done_, Return_, Bail, Throw)
STRICT_LOOP = re.compile(r"^[ \t]*for[ \t]+@\w+[ \t]+in[ \t]+@", re.MULTILINE)


def give_advice(script: Script, findings: Findings) -> None:
    """Look at every node of a script."""
    for part in walk(script):
        look = LOOKS.get(type(part))
        if look is not None:
            look(part, findings)
    _deciders(script, findings)
    _checkpoints(script, findings)


def _function(node: Exe, findings: Findings) -> None:
    for param in node.params or []:
        if param.name in CONFUSING:
            message = f"the parameter {param.name} is easily confused with the {param.name} of the function"
            findings.add(
                "exe-parameter-shadowing",
                message,
                param.span,
                help="choose a name that says what is passed",
                variable=param.name,
            )
    if "llm" in map(str, node.labels):
        for part in walk(node.body):
            if isinstance(part, EFFECTS):
                word = part.span.text.split(maxsplit=1)[0]
                message = f"a stored answer of {node.token} does not repeat this {word}"
                findings.add("effect-in-llm-body", message, part.span, help="move it to where the function is called")


def _arms(node: When | WhenMatch | ForChoice, findings: Findings) -> None:
    last: Node | None = None
    for entry in node.entries:
        if last is not None and not isinstance(entry, ArmAny):
            findings.add(
                "unreachable-arm", "this arm stands after one that always matches", entry.span,
                help="move * to the end", notes=[Note("this one matches always", last.span)],
            )  # fmt: skip
            return
        last = entry if isinstance(entry, ArmAny) else last


def _for(node: For, findings: Findings) -> None:
    if not isinstance(node.tail, ForFilter):
        return
    condition = node.tail.condition
    names = {ref.name for ref in references(condition)}
    own = {node.binding.name, f"{node.binding.name}_key", str(node.binding.key or "@")[1:], "mx"}
    if names & own or any(isinstance(part, Call) for part in walk(condition)):
        return
    message = f"the filter does not depend on @{node.binding.name}, it holds for all items or for none"
    findings.add("for-when-static-condition", message, condition.span, help="test it once, before the loop")


def check_semantic_loops(script: Node, budget: bool, findings: Findings) -> None:
    """E303 for a loop that a model alone can end, where neither a limit nor a budget does."""
    bounded = budget or any(isinstance(part, With) and part.part("budget") is not None for part in walk(script))
    for loop in (part for part in walk(script) if isinstance(part, Loop)):
        limited = loop.header is not None and not isinstance(loop.header.limit, Endless)
        if loop.until is not None and _is_asked(loop.until) and not limited and not bounded:
            help = "write loop(10) until **…** […], or set a budget"
            findings.add("E303", "loop without limit: only a model's answer ends it", loop.span, help=help)


def _is_asked(condition: Node) -> bool:
    """Whether a condition cannot hold without a predicate that does."""
    if isinstance(condition, Or):
        return _is_asked(condition.left) and _is_asked(condition.right)
    if isinstance(condition, And):
        return _is_asked(condition.left) or _is_asked(condition.right)
    return _is_asked(condition.operand) if isinstance(condition, Not) else isinstance(condition, Predicate)


def _loop(node: Loop, findings: Findings) -> None:
    if node.header is not None or node.until is not None:
        return
    if any(isinstance(part, (*WAYS_OUT, Call)) for part in walk(node.body)):
        findings.add(
            "loop-without-limit",
            "this loop has no limit",
            node.span,
            help="write loop(100) […], or loop(endless) […] if that is meant",
        )
    else:
        findings.add("endless-loop", "nothing ends this loop", node.span, help="add done, or a limit: loop(100) […]")


def _template(node: Template, findings: Findings) -> None:
    found = STRICT_LOOP.search(node.span.text) if "\n" in node.span.text else None
    if found is not None:
        line = found.group().strip()
        findings.add(
            "template-strict-for-syntax",
            f"{line.split()[0]} is text here",
            node.span,
            help="in a template a loop is written /for @x in @xs … /end, each at the start of a line",
        )


def _label(node: Labelled | Show, findings: Findings) -> None:
    """`=> gate "release"` is a text with a label, and waits for nobody."""
    labels = [node.label] if isinstance(node, Labelled) else list(map(str, node.labels))
    if "gate" in labels:
        findings.add(
            "gate-is-a-label", "gate is a label here, and nobody is asked", node.span,
            help='gate "name" with { present: @plan }, or bind it first',
        )  # fmt: skip


LOOKS: dict[type[Node], Callable[[Any, Findings], None]] = {
    Exe: _function,
    When: _arms,
    WhenMatch: _arms,
    ForChoice: _arms,
    For: _for,
    Labelled: _label,
    Show: _label,
    Loop: _loop,
    Template: _template,
}


# ── functions that decide about loops ────────────────────────────────────────────────────────────


def _deciders(script: Script, findings: Findings) -> None:
    """Calls in a loop body of functions whose `done` or `continue` is that of the caller's loop."""
    deciding = {part.token: found for part in walk(script) if isinstance(part, Exe) and (found := _decision(part.body))}
    for loop in (part for part in walk(script) if isinstance(part, Loop)):
        for part in walk(loop.body):
            call = part.value if isinstance(part, Invocation) else None
            name = call.callee.token if isinstance(call, Call) and isinstance(call.callee, Reference) else None
            if name in deciding and call is not None:
                word = "done" if isinstance(deciding[name], Done_) else "continue"
                findings.add(
                    "loop-decided-elsewhere", f"{word} in {name} acts on this loop", call.span,
                    help=f"let {name} return a value, and write {word} here",
                    notes=[Note("it stands here", deciding[name].span)],
                )  # fmt: skip


def _decision(body: Node) -> Node | None:
    """The first `done` or `continue` below a node that belongs to no loop there."""
    pending = [body]
    while pending:
        current = pending.pop()
        if isinstance(current, (Done_, Continue_)):
            return current
        if not isinstance(current, (Loop, For)):
            pending.extend(reversed(list(children(current))))
    return None


# ── checkpoints ──────────────────────────────────────────────────────────────────────────────────


def _checkpoints(script: Script, findings: Findings) -> None:
    """Each name occurs once. Where checkpoints may stand has been checked by the parser."""
    always = {id(statement) for statement in script.statements}
    seen: dict[str, Checkpoint] = {}
    for part in walk(script):
        name = literal(part.name) if isinstance(part, Checkpoint) else None
        if name is None or not isinstance(part, Checkpoint):
            continue
        if not name.strip():
            findings.add("E805", "a checkpoint needs a name", part.span)
        first = seen.setdefault(name, part)
        if first is not part:
            code = "E804" if {id(first), id(part)} <= always else "repeated-checkpoint"
            notes = [Note("first here", first.span)]
            help = "give each phase its own name"
            findings.add(code, f'the checkpoint "{name}" occurs twice', part.span, help=help, notes=notes)
