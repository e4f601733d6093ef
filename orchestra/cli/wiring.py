"""What a script is wired of, seen without running it: its agents with their skills, and which function asks whom.

What is wrong with its names is told by `orchestra.check`; here files are read that lie outside of the script.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestra.check.agents import agents_of, settings_of
from orchestra.check.module import Module, literal
from orchestra.nodes.base import Node, walk
from orchestra.nodes.functions import Exe
from orchestra.nodes.literals import Object
from orchestra.nodes.names import Reference
from orchestra.nodes.sessions import Agent, Asking
from orchestra.runtime.sessions.agents import Agents

__all__ = ["Wire", "Wired", "known_agent", "skills_named", "wires"]


@dataclass(frozen=True, slots=True)
class Wired:
    """An agent as far as it is known before the script runs. Names in `settings` are those of its declaration."""

    name: str
    settings: dict[str, Any]

    @property
    def skills(self) -> list[str]:
        return skills_named(self.settings.get("skills"))


@dataclass(frozen=True, slots=True)
class Wire:
    """`asker` and `asked` are functions or agents, by name; the script itself is the asker "". `how` is "session",
    "resume", or "" where a function uses another one."""

    asker: str
    asked: str
    how: str


def known_agent(agent: Agent, root: Path, folder: Path) -> Wired:
    """What a declaration says, or the file that it leads to. Raises E741 for a file that is not there or wrong."""
    name = str(agent.token)[1:]
    if isinstance(agent.value, Object):
        return Wired(name, settings_of(agent))
    given = literal(agent.value) if agent.value is not None else None
    if agent.value is not None and given is None:  # computed: nothing is known of it
        return Wired(name, {})
    return Wired(name, Agents(root, _text).declared(name, given, folder))


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def skills_named(value: Any) -> list[str]:
    """Skills as a declaration or a front matter lists them."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def wires(module: Module) -> list[Wire]:
    """Who asks whom in a script, each pair once, in the order in which it is written."""
    agents = {str(agent.token)[1:] for agent in agents_of(module.script)}
    functions = {str(part.token)[1:]: part for part in module.statements if isinstance(part, Exe)}
    found: dict[Wire, None] = {}
    for part in module.statements:
        asker = str(part.token)[1:] if isinstance(part, Exe) else ""
        for asked, how in _asked(part):
            if asked in agents if how else asked in functions and asked != asker:
                found[Wire(asker, asked, how)] = None
    return list(found)


def _asked(root: Node) -> Iterator[tuple[str, str]]:
    """Names that are used below a node, and how: by `session`, by `resume`, or otherwise."""
    for part in walk(root):
        if isinstance(part, Asking) and isinstance(part.whom, Reference):
            yield part.whom.name, "resume" if part.resumed else "session"
        elif isinstance(part, Reference):
            yield part.name, ""
