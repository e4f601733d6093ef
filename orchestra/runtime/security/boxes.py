"""Boxes: what is left of the tools of a model inside them, and which commands a script may run there."""

from __future__ import annotations

from dataclasses import replace

from orchestra.errors import OrchError
from orchestra.nodes.denial import Guarding
from orchestra.nodes.op import Op
from orchestra.runtime.security.operations import EXECUTORS, command_of, simple_commands
from orchestra.runtime.tools.specs import Rule, ToolSet

__all__ = ["check_boxes", "narrowed"]


def check_boxes(op: Op, guarding: Guarding) -> None:
    """E611 for a command or a shell in a box that does not grant Bash for it."""
    if not guarding.boxes or op.kind != "run" or EXECUTORS[str(op.facts["subtype"])] not in ("cmd", "sh"):
        return
    text = command_of(op)
    commands = simple_commands(text) if EXECUTORS[str(op.facts["subtype"])] == "cmd" else None
    for tools in guarding.boxes:
        if commands is None:
            allowed = tools.whole("Bash") and not any(rule.tool == "Bash" for rule in tools.denials)
        else:
            allowed = all(tools.allows("Bash", " ".join(words)) for words in commands)
        if not allowed:
            shown = f"`{text.strip()}`" if commands is not None else "a shell"
            help = 'add "Bash" to the tools of the box'
            raise OrchError("E611", f"this box grants no Bash for {shown}", op.span, help=help)


def narrowed(tools: ToolSet, guarding: Guarding | None) -> ToolSet:
    """What of a call's tools the boxes and options around it leave."""
    for box in (*guarding.boxes, *guarding.tools) if guarding is not None else ():
        grants = tuple(rule for own in tools.grants for rule in _common(own, box))
        names = {function.name for function in box.functions}
        functions = tuple(function for function in tools.functions if function.name in names)
        foreign = tuple(rule for rule in tools.foreign if rule in box.foreign)
        denials = (*tools.denials, *box.denials)
        tools = replace(
            tools, grants=grants, denials=denials, functions=functions, foreign=foreign, declared=True
        )  # fmt: skip
    return tools


def _common(own: Rule, box: ToolSet) -> list[Rule]:
    """The rules that both grant. Two different patterns have no rule in common that could be written down."""
    found = []
    for rule in box.grants:
        if rule.tool == own.tool and (rule.pattern is None or own.pattern in (None, rule.pattern)):
            found.append(rule if own.pattern is None else own)
    return found
