"""What a call's tools may do, as written by the script: `"Read,Edit(src/**),Bash(git:*),!Bash(git push:*)"`.

Paths are confined in `workspace`, commands taken apart in `shell_check`; here stands only what was granted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.runtime.tools.functions import FunctionTool, tool_name
from orchestra.runtime.tools.globs import command_matches, path_matches
from orchestra.runtime.tools.shell_words import Opaque, rendered, split_command
from orchestra.values.executable import Executable
from orchestra.values.tagged import plain

__all__ = ["BUILT_IN", "Rule", "ToolSet", "parse_tools"]

BUILT_IN = ("Read", "Write", "Edit", "Glob", "Grep", "Bash")

# Tools that only another agent program brings along.
FOREIGN = (
    "Agent",
    "LS",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "Task",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One word of the list: a tool, and what of it, None for all of it."""

    tool: str
    pattern: str | None = None

    def __str__(self) -> str:
        return self.tool if self.pattern is None else f"{self.tool}({self.pattern})"

    def covers(self, subject: str) -> bool:
        """Whether the rule speaks of this path or command."""
        matches = command_matches if self.tool == "Bash" else path_matches
        return self.pattern is None or matches(self.pattern, subject)


@dataclass(frozen=True, slots=True)
class ToolSet:
    """Grants and denials of a call; a denial wins wherever it stands.

    functions: functions of the script that the model may call
    foreign:   grants of tools that only an agent program brings along
    declared:  False if the script said nothing about tools
    """

    grants: tuple[Rule, ...] = ()
    denials: tuple[Rule, ...] = ()
    functions: tuple[FunctionTool, ...] = ()
    foreign: tuple[Rule, ...] = ()
    declared: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Tools of which anything is granted, in the order of the script."""
        denied = {rule.tool for rule in self.denials if rule.pattern is None}
        return tuple(dict.fromkeys(rule.tool for rule in self.grants if rule.tool not in denied))

    def allows(self, tool: str, subject: str) -> bool:
        """Whether `tool` may be used on a path (relative to the call's folder) or for one simple command."""
        return self.grants_any(tool, subject) and not self.denies(tool, subject)

    def grants_any(self, tool: str, subject: str) -> bool:
        """Whether some grant covers it, denied or not."""
        return self._any(self.grants, tool, subject)

    def denies(self, tool: str, subject: str) -> bool:
        return self._any(self.denials, tool, subject)

    def shows(self, tool: str, subject: str) -> bool:
        """Whether a search with `tool` may look into a file: patterns of Read limit searches too."""
        reads = [rule for rule in self.grants if rule.tool == "Read"]
        readable = not reads or self._any(self.grants, "Read", subject)
        return readable and not self.denies("Read", subject) and self.allows(tool, subject)

    def whole(self, tool: str) -> bool:
        """Whether the tool is granted without a pattern."""
        return any(rule.tool == tool and rule.pattern in (None, "*") for rule in self.grants)

    def __str__(self) -> str:
        return ",".join(
            [
                *map(str, (*self.grants, *self.foreign)),
                *(f"!{rule}" for rule in self.denials),
                *(f"@{tool.function.name}" for tool in self.functions),
            ]
        )

    @staticmethod
    def _any(rules: tuple[Rule, ...], tool: str, subject: str) -> bool:
        return any(rule.tool == tool and rule.covers(subject) for rule in rules)


def parse_tools(spec: Any) -> ToolSet:
    """Reads a string, a list of strings, functions and collections (also nested), or None.

    Raises E701 for another kind of value and for broken brackets, E704 for an unknown name.
    """
    if spec is None:
        return ToolSet()
    grants: list[Rule] = []
    denials: list[Rule] = []
    functions: dict[str, FunctionTool] = {}
    foreign: list[Rule] = []
    for item in _flat(spec):
        if isinstance(item, FunctionTool):
            _add(item, functions)
            continue
        negative = item.startswith("!")
        rule = _rule(item.removeprefix("!").strip())
        if negative:
            denials.append(rule)
        else:
            (foreign if rule.tool in FOREIGN else grants).append(rule)
    return ToolSet(tuple(grants), tuple(denials), tuple(functions.values()), tuple(foreign), declared=True)


def _add(tool: FunctionTool, known: dict[str, FunctionTool]) -> None:
    """Two functions that a model could not tell apart are an error; the same one twice is not."""
    other = known.setdefault(tool.name, tool)
    if other.function is not tool.function:
        names = f"@{other.function.name} and @{tool.function.name}"
        raise OrchError(
            "E701",
            f'two tools have the name "{tool.name}": {names}',
            help="give one of them another name in a collection: var tools @t = { name: @function }",
        )


def _flat(spec: Any, key: str | None = None) -> list[str | FunctionTool]:
    """All specs in order, with strings cut at their commas and collections opened. `key` names a function in one."""
    spec = plain(spec)
    if isinstance(spec, str):
        return list(_split(spec))
    if isinstance(spec, Executable):
        return [FunctionTool(tool_name(key or spec.name), spec)]
    if isinstance(spec, dict):
        return [part for name, item in spec.items() if item is not None for part in _flat(item, name)]
    if isinstance(spec, list):
        return [part for item in spec for part in _flat(item)]
    raise OrchError(
        "E701",
        f"tools must be text, functions or a list of them, not {_kind(spec)}",
        help='tools: "Read,Grep"',
    )


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return "a boolean" if isinstance(value, bool) else "a number"


def _split(text: str) -> list[str]:
    """Cuts at commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for position, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            break
        if char == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    if depth != 0:
        raise OrchError("E701", f'brackets do not match in tools "{text}"', help='tools: "Bash(git:*),Read"')
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _rule(word: str) -> Rule:
    name, opening, rest = word.partition("(")
    name = name.strip()
    if opening and not rest.rstrip().endswith(")"):
        raise OrchError("E701", f'text after the bracket in tool "{word}"', help='write "Read(docs/**)"')
    pattern = rest.rstrip()[:-1].strip() if opening else None
    if pattern == "":
        raise OrchError(
            "E701", f'nothing stands in the brackets of tool "{word}"', help=f'write "{name}" for all of it'
        )
    if name.startswith("mcp__"):
        return Rule(name, pattern)
    if name == "Bash" and pattern is not None and re.search("[\"']", pattern):
        pattern = _unquoted(pattern)
    if name.startswith("@"):
        help = f'write it without quotes: tools: ["Read", {name}]'
        raise OrchError("E704", f'"{name}" in quotes is text and no function', help=help)
    if name not in BUILT_IN and name not in FOREIGN:
        raise _unknown(name)
    return Rule(name, None if pattern == "*" else pattern)


def _unquoted(pattern: str) -> str:
    """The pattern of a command with quotes in it, in the form in which commands are compared."""
    try:
        commands = split_command(pattern)
    except Opaque:
        return pattern
    return rendered(commands[0].words) if len(commands) == 1 else pattern


def _unknown(name: str) -> OrchError:
    same = [known for known in (*BUILT_IN, *FOREIGN) if known.lower() == name.lower()]
    close = same[0] if same else nearest(name, {*BUILT_IN, *FOREIGN})
    return OrchError(
        "E704",
        f'there is no tool "{name}"',
        help=f'did you mean "{close}"?' if close else f"tools are {', '.join(BUILT_IN)}",
    )
