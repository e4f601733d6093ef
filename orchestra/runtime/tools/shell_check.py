"""Decides whether a command of a model may be run.

A list of allowed commands narrows mistakes but is no sandbox: `git:*` or `npm:*` can be made to run anything.
"""

from __future__ import annotations

import os
import re

from orchestra.runtime.tools.danger import forbidden_command
from orchestra.runtime.tools.shell_paths import UNSURE, check_redirect, credential
from orchestra.runtime.tools.shell_sight import check_visible, hiding
from orchestra.runtime.tools.shell_words import RESERVED, Opaque, SimpleCommand, rendered, split_command
from orchestra.runtime.tools.shell_wrappers import carried, possible, stripped
from orchestra.runtime.tools.specs import ToolSet
from orchestra.runtime.tools.workspace import Refusal, Workspace, is_possible

__all__ = ["check_command"]

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[.*\])?\+?=", re.DOTALL)
HARMLESS_VARIABLES = re.compile(r"LANG|LC_[A-Z]+|NO_COLOR|CI|TZ")
HEREDOC = re.compile(r"(?<!<)<<(?!<)-?[ \t]*(['\"]?)(\w+)\1")
LONGEST = 64 * 1024  # characters of a command; half of what the system takes
MOST_PLACES = 64


def check_command(text: str, tools: ToolSet, workspace: Workspace) -> tuple[tuple[str, ...], ...]:
    """The words of the simple commands in `text`, none if they cannot be seen and anything goes.

    Raises Refusal unless every one of them is granted, and none denied or dangerous.
    """
    if not is_possible(text):
        raise Refusal("the command contains a character that no command can have")
    if len(text) > LONGEST:
        raise Refusal("the command is too long; write it into a file")
    free = tools.whole("Bash") and not any(rule.tool == "Bash" for rule in tools.denials)
    try:
        commands = split_command(text)
        check = _Check(tools, workspace, free)
        for command in commands:
            check.command(command)
    except Opaque as opaque:
        if free:
            _check_roughly(text)
            return ()
        raise Refusal(f"the command contains {opaque}, so that it cannot be checked; write it without") from None
    return tuple(tuple(command.words) for command in commands)


class _Check:
    """The simple commands of one text, in their order.

    free:   every command is granted and none denied
    places: folders in which the next command may find itself; a `cd` may also have failed
    """

    def __init__(self, tools: ToolSet, workspace: Workspace, free: bool) -> None:
        self._tools = tools
        self._workspace = workspace
        self._free = free
        self._places = [workspace.dir]

    def command(self, command: SimpleCommand) -> None:
        count = 0 if self._free else _assignments(command)
        whole = command.words[count:]
        self._check_danger(whole)
        for operator, target in command.redirects:
            check_redirect(operator, target, self._tools, self._workspace, self._places, self._free)
        words = stripped(whole)
        if words and not self._free:
            check_visible(words)
            self._check_denials(whole, words, command.written[-len(words) :])
        if words[:1] == ["cd"] and len(words) == 2:
            self._enter(words[1])
        elif words and not self._free and not self._tools.grants_any("Bash", rendered(words)):
            raise Refusal(f"Bash is not allowed for `{' '.join(words)}`; allowed is {_rules(self._tools)}")

    def _check_danger(self, words: list[str]) -> None:
        try:
            commands = list(carried(words)) if words else []
        except Opaque:
            _check_roughly(" ".join(words))
            commands = [words]
        for inner in commands:
            danger = forbidden_command(inner)
            if danger is not None:
                raise Refusal(f"`{' '.join(stripped(words))}` is never run for a model: {danger}")
        named = credential(words, self._places)
        if named is not None:
            raise Refusal(f"{named} may hold credentials and is never used by a command of a model")

    def _check_denials(self, whole: list[str], words: list[str], written: list[str]) -> None:
        """A denial also meets the program under its full path, in the arguments of another, and half hidden."""
        denials = [rule for rule in self._tools.denials if rule.tool == "Bash"]
        if not denials:
            return
        for inner in possible(whole):
            named = [os.path.basename(inner[0]), *inner[1:]]
            if any(rule.covers(form(named)) for rule in denials for form in (" ".join, rendered)):
                raise Refusal(f"Bash is not allowed for `{' '.join(words)}`; allowed is {_rules(self._tools)}")
        for rule in denials:
            hidden = hiding(rule.pattern or "*", words, written)
            if hidden is not None:
                raise Refusal(f"{hidden} might stand for what !{rule} forbids; write it out")

    def _enter(self, folder: str) -> None:
        if UNSURE.search(folder) or folder == "-":
            if self._free:
                return
            raise Refusal(f"cd {folder} cannot be checked; name the folder itself")
        try:
            reached = [self._workspace.locate(folder, place) for place in self._places]
        except Refusal:
            if self._free:
                return
            raise
        self._places = list(dict.fromkeys([*self._places, *reached]))
        if len(self._places) > MOST_PLACES:
            raise Refusal("the command changes its folder too often to be checked")


def _assignments(command: SimpleCommand) -> int:
    """How many words set variables for the command. They may change what an allowed program does."""
    for number, word in enumerate(command.written):
        match = ASSIGNMENT.match(word)
        if match is None:
            return number
        if match[2] or not HARMLESS_VARIABLES.fullmatch(match[1]):
            raise Refusal(f"setting {match[1]} before a command is not allowed")
    return len(command.written)


def _rules(tools: ToolSet) -> str:
    rules = [str(rule) for rule in tools.grants if rule.tool == "Bash"]
    return ", ".join(rules + [f"!{rule}" for rule in tools.denials if rule.tool == "Bash"])


def _check_roughly(text: str) -> None:
    """Where everything is granted and not all can be seen: dangerous commands that stand in plain sight."""
    for piece in re.split(r"[;&|(){}`\n]", _without_bodies(text)):
        words = [word.strip("\"'") for word in piece.split()]
        words = words[next((at for at, word in enumerate(words) if word not in RESERVED), len(words)) :]
        danger = forbidden_command(stripped(words))
        if danger is not None:
            raise Refusal(f"`{' '.join(words)}` is never run for a model: {danger}")


def _without_bodies(text: str) -> str:
    """The text without its here-documents, but those that a shell reads."""
    kept: list[str] = []
    end: str | None = None
    for line in text.split("\n"):
        if end is not None:
            end = None if line.lstrip("\t") == end else end
            continue
        kept.append(line)
        found = HEREDOC.search(line)
        if found is not None and not re.search(r"sh\b", line[: found.start()]):
            end = found[2]
    return "\n".join(kept)
