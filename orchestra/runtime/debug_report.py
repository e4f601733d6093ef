"""`@debug`: a report in Markdown on where a script runs and what it has defined so far.

It tells kinds and labels, never values: those may be secret, and `show` is there for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from orchestra import __version__
from orchestra.nodes.functions import Native
from orchestra.values.executable import Executable
from orchestra.values.kinds import type_name
from orchestra.values.tagged import labels_of, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run
    from orchestra.values.scope import Scope

__all__ = ["report"]


def report(run: Run, scope: Scope) -> str:
    """The report for the module that `scope` belongs to."""
    names = scope.module.scope.names
    functions = {name: value for name, value in names.items() if isinstance(unwrap(value), Executable)}
    variables = {name: value for name, value in names.items() if name not in functions}
    lines = [
        "# Debug report",
        "",
        f"- orch {__version__}",
        f"- script: {scope.module.name}",
        f"- project root: {run.root}",
        f"- run: {run.execution.run_id}, started {run.execution.started}",
        f"- payload: {', '.join(map(str, run.payload)) or 'none'}",
    ]
    lines += _section("Variables", [_variable(name, value) for name, value in variables.items()])
    lines += _section("Functions", [_function(name, unwrap(value)) for name, value in functions.items()])
    return "\n".join(lines) + "\n"


def _section(title: str, entries: list[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from entries or ["none"]


def _variable(name: str, value: Any) -> str:
    return f"- @{name}: {type_name(value)}{_labels(labels_of(value))}"


def _function(name: str, function: Executable) -> str:
    origin = ", built in" if isinstance(function, Native) else ""
    return f"- @{name}({', '.join(function.params)}){_labels(function.labels)}{origin}"


def _labels(labels: tuple[str, ...]) -> str:
    return f" [{', '.join(labels)}]" if labels else ""
