"""Decides whether a command of a model may be run.

A list of allowed commands narrows mistakes but is no sandbox: `git:*` or `npm:*` can be made to run anything.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from orchestra.runtime.tools.danger import forbidden_command, forbidden_read, forbidden_write
from orchestra.runtime.tools.shell_words import Opaque, SimpleCommand, split_command
from orchestra.runtime.tools.specs import ToolSet
from orchestra.runtime.tools.workspace import Refusal, Workspace

__all__ = ["check_command"]

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[[^]]*\])?\+?=")
HARMLESS_VARIABLES = re.compile(r"LANG|LC_\w+|NO_COLOR|CI|TZ")
DURATION = re.compile(r"\d+(\.\d+)?[smhd]?")
UNSURE = re.compile(r"[$*?\[~]")  # what the shell would still expand in a path


def check_command(text: str, tools: ToolSet, workspace: Workspace) -> tuple[tuple[str, ...], ...]:
    """The words of the simple commands in `text`, none if they cannot be seen and anything goes.

    Raises Refusal unless every one of them is granted, and none denied or dangerous.
    """
    free = tools.whole("Bash") and not any(rule.tool == "Bash" for rule in tools.denials)
    try:
        commands = split_command(text)
    except Opaque as opaque:
        if free:
            return ()
        raise Refusal(f"the command contains {opaque}, so that it cannot be checked; write it without") from None
    places = [workspace.dir]
    for command in commands:
        _check(command, tools, workspace, places, free)
    return tuple(tuple(command.words) for command in commands)


def _check(command: SimpleCommand, tools: ToolSet, workspace: Workspace, places: list[Path], free: bool) -> None:
    words = _stripped(command.words if free else _without_assignments(command.words))
    shown = " ".join(words)
    danger = forbidden_command(words)
    if danger is not None:
        raise Refusal(f"`{shown}` is never run for a model: {danger}")
    for operator, target in command.redirects:
        _check_redirect(operator, target, tools, workspace, places, free)
    if free or not words:
        return
    if words[0] == "eval":
        raise Refusal("eval cannot be checked; write the command itself")
    if words[0] == "cd" and len(words) == 2:
        places += [_inside(words[1], place, workspace) for place in list(places)]
        return
    if not _allowed(words, tools):
        raise Refusal(f"Bash is not allowed for `{shown}`; allowed is {_grants(tools)}")


def _allowed(words: list[str], tools: ToolSet) -> bool:
    """A denial also meets the program under its full path."""
    named = " ".join([os.path.basename(words[0]), *words[1:]])
    return tools.allows("Bash", " ".join(words)) and not tools.denies("Bash", named)


def _grants(tools: ToolSet) -> str:
    rules = [str(rule) for rule in tools.grants if rule.tool == "Bash"]
    return ", ".join(rules + [f"!{rule}" for rule in tools.denials if rule.tool == "Bash"])


def _without_assignments(words: list[str]) -> list[str]:
    """The words after the leading assignments, which may change what an allowed program does."""
    for number, word in enumerate(words):
        match = ASSIGNMENT.match(word)
        if match is None:
            return words[number:]
        if not HARMLESS_VARIABLES.fullmatch(match[1]):
            raise Refusal(f"setting {match[1]} before a command is not allowed")
    return []


def _stripped(words: list[str]) -> list[str]:
    """The words after programs that only change how another one is run."""
    while len(words) > 1:
        if words[0] in ("time", "nice", "nohup"):
            words = words[1:]
        elif words[0] == "timeout" and len(words) > 2 and DURATION.fullmatch(words[1]):
            words = words[2:]
        else:
            break
    return words


def _inside(target: str, place: Path, workspace: Workspace) -> Path:
    if UNSURE.search(target) or target == "-":
        raise Refusal(f"cd {target} cannot be checked; name the folder itself")
    return workspace.locate(target, place)


def _check_redirect(
    operator: str, target: str, tools: ToolSet, workspace: Workspace, places: list[Path], free: bool
) -> None:
    if target == "/dev/null" or (operator.endswith("&") and re.fullmatch(r"\d+|-", target)):
        return
    if UNSURE.search(target):
        if free:
            return
        raise Refusal(f"the target {target} of a redirection cannot be checked; name the file itself")
    tool, forbidden = ("Write", forbidden_write) if ">" in operator else ("Read", forbidden_read)
    for place in places:
        if forbidden(Path(os.path.realpath(place / target))):
            raise Refusal(f"{target} is protected")
        if not free and not tools.allows(tool, workspace.subject(workspace.locate(target, place))):
            raise Refusal(f"{tool} is not allowed for {target}, the target of a redirection")
