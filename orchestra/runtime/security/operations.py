"""What an operation is called by guards and policies: `op:run`, `op:cmd:git:push`, `op:llm`, besides its own labels."""

from __future__ import annotations

import os
import re
from dataclasses import replace

from orchestra.nodes.op import Op
from orchestra.runtime.tools.shell_words import Opaque, split_command
from orchestra.values.tagged import unwrap

__all__ = ["EXECUTORS", "VALUES", "command_of", "named", "simple_commands"]

# Operations whose values are judged by the labels that they carry; the others only by their own names.
VALUES = frozenset("exe run show log output append tool".split())

# How a block of code is written → what policies call the executor.
EXECUTORS = {
    **dict.fromkeys(("sh", "bash"), "sh"),
    **dict.fromkeys(("js", "javascript"), "js"),
    **dict.fromkeys(("node", "nodejs"), "node"),
    **dict.fromkeys(("py", "python"), "py"),
    "cmd": "cmd",
}
WORD = re.compile(r"[A-Za-z][\w.-]*")


def named(op: Op) -> Op:
    """The operation with its names among its labels."""
    names = [f"op:{op.kind}"]
    if op.kind == "exe" and "llm" in op.labels:
        names.append("op:llm")
    elif op.kind == "run":
        executor = EXECUTORS[str(op.facts["subtype"])]
        names += [f"op:{executor}", *(_command_names(command_of(op)) if executor == "cmd" else ())]
    elif op.kind == "tool":
        names += [f"op:tool:{op.name}", *(_command_names(command_of(op)) if op.name == "Bash" else ())]
    return replace(op, labels=(*op.labels, *names))


def command_of(op: Op) -> str:
    """The command line of an operation that has one, with its values filled in."""
    if op.kind == "tool":
        return str(op.facts.get("command", ""))
    return str(unwrap(op.inputs[0])) if op.inputs else ""


def simple_commands(text: str) -> list[list[str]] | None:
    """The words of every simple command in a text; None where it cannot be taken apart."""
    try:
        return [command.words for command in split_command(text) if command.words]
    except Opaque:
        return None


def _command_names(text: str) -> list[str]:
    """`op:cmd:git` and `op:cmd:git:push` for every simple command."""
    found: list[str] = []
    for words in simple_commands(text) or [text.split()]:
        if not words:
            continue
        name = f"op:cmd:{os.path.basename(words[0])}"
        found.append(name)
        if len(words) > 1 and WORD.fullmatch(words[1]):
            found.append(f"{name}:{words[1]}")
    return list(dict.fromkeys(found))
