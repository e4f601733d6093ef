"""`orch graph PATH`: who asks whom in a script, as a diagram in the language of Mermaid.

What is known of a script without running it is found by `wiring`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from orchestra.check.agents import agents_of
from orchestra.check.library import Library
from orchestra.check.module import Module
from orchestra.cli.check import scripts_in
from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.cli.wiring import Wire, Wired, known_agent, wires

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(graph, argv, shell)


@click.command(name="graph")
@click.argument("path", default=".")
@click.pass_obj
def graph(shell: Shell, path: str) -> None:
    """Print who asks whom in PATH, a script or a folder with scripts, as a Mermaid diagram. Nothing is run."""
    click.echo("flowchart LR")
    for number, script in enumerate(scripts_in(path, shell), 1):
        root = shell.root(script)
        module = Library(shell.config(script)).module(script)
        for error in module.errors:
            raise error
        agents = [known_agent(agent, root, module.directory or root) for agent in agents_of(module.script)]
        for line in _lines(module, f"s{number}", agents):
            click.echo(f"  {line}")


def _lines(module: Module, prefix: str, agents: list[Wired]) -> Iterator[str]:
    """The boxes and arrows of one script; `prefix` keeps its names apart from those of others."""
    drawn = wires(module)
    yield f'{prefix}["{module.source.name}"]'
    for name in dict.fromkeys(name for wire in drawn if not wire.how for name in (wire.asked,)):
        yield f'{_id(prefix, name)}["@{name}"]'
    for agent in agents:
        yield f'{_id(prefix, agent.name)}(["{_described(agent)}"])'
        for skill in agent.skills:
            yield f'{_id(prefix, agent.name)} -.- {_id("skill", skill)}[/"skill {Path(skill).stem}"/]'
    yield from (_arrow(wire, prefix) for wire in drawn)


def _described(agent: Wired) -> str:
    remembers = agent.settings.get("persist")
    said = [agent.settings.get("model"), f"persist {'run' if remembers is True else remembers}" if remembers else None]
    return "<br>".join([agent.name, *(str(part) for part in said if part)])


def _arrow(wire: Wire, prefix: str) -> str:
    arrow = f"-->|{wire.how}|" if wire.how else "-->"
    return f"{_id(prefix, wire.asker) if wire.asker else prefix} {arrow} {_id(prefix, wire.asked)}"


def _id(prefix: str, name: str) -> str:
    return re.sub(r"\W", "_", f"{prefix}_{name}")
