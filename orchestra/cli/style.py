"""`orch NAME VERB …`: the commands that a bundled module has besides its functions.

`stdlib/NAME/commands.mld` exports them as the object `@commands`; each gets `{ args, flags }`, the words behind the
verb and the options. What one does is written there: whatever it can do a script can do too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from orchestra.cli.flag_values import usage
from orchestra.cli.options import CommandLine, read, with_arguments
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import walk
from orchestra.nodes.blocks import Var
from orchestra.nodes.literals import Key, Object, Pair
from orchestra.nodes.script import Script
from orchestra.parse import parse_script
from orchestra.paths import bundled, resource
from orchestra.source import Source

__all__ = ["commands_of", "main"]

CALL = """\
import {{ @commands }} from "@orch/{name}/commands"
@commands.{verb}({{ args: @payload.args ?? [], flags: @payload }})
"""


def commands_of(name: str) -> Path | None:
    """The file with the commands of a bundled module."""
    return bundled(f"@orch/{name}/commands")


def main(words: list[str], shell: Shell) -> int:
    """Call one; without a verb, tell which there are."""
    name, *rest = words
    verbs = _verbs(name)
    line = read(rest, shell.cwd)
    if not line.words or "help" in line.payload:
        shell.say(_help(name, verbs))
        return 0 if "help" in line.payload else 2
    verb = line.words[0]
    if verb not in verbs:
        close = nearest(verb, set(verbs))
        raise usage(f"orch {name} has no {verb}", f"did you mean {close}?" if close else f"it has {', '.join(verbs)}")
    text = CALL.format(name=name, verb=verb)
    try:
        return start(text, _quiet(with_arguments(line, 1)), shell.config(), shell, name=f"orch {name}")
    except OrchError as error:
        raise _seen_from_outside(error) from None


def _quiet(line: CommandLine) -> CommandLine:
    """What is printed is the command's own, also as JSON."""
    return replace(line, options=replace(line.options, json=False, quiet=True))


def _seen_from_outside(error: OrchError) -> OrchError:
    """A fault without its place in a bundled module, which is nothing the user wrote."""
    path = error.span.source.path if error.span is not None else None
    if path is None or not path.is_relative_to(resource("stdlib")):
        return error
    error.span = None
    error.frames.clear()
    return error


def _verbs(name: str) -> list[str]:
    """The keys of `@commands`, in the order of the file."""
    for node in walk(_parsed(name)):
        if isinstance(node, Var) and str(node.target) == "@commands" and isinstance(node.value, Object):
            pairs = [member for member in node.value.members if isinstance(member, Pair)]
            return [str(pair.key.span.text) for pair in pairs if isinstance(pair.key, Key)]
    return []


def _help(name: str, verbs: list[str]) -> str:
    """The comment at the head of the file."""
    head = re.match(r"(?:>>[^\n]*\n)+", _text(name))
    told = [line.removeprefix(">>").removeprefix(" ") for line in head[0].splitlines()] if head else []
    return "\n".join(told) or f"orch {name} {'|'.join(verbs)}"


def _text(name: str) -> str:
    file = commands_of(name)
    return file.read_text("utf-8") if file is not None else ""


def _parsed(name: str) -> Script:
    return parse_script(Source(f"@orch/{name}/commands", _text(name), commands_of(name)), "strict")
