"""`orch plan NAME`: what a run would ask and what that may cost, before anything is spent.

What is counted how is told by `runtime.planning`.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from orchestra.cli.flag_values import usage
from orchestra.cli.options import CommandLine, read, with_arguments
from orchestra.cli.render import table
from orchestra.cli.replay import scratch_store
from orchestra.cli.scripts import Scripts
from orchestra.cli.shell import Shell
from orchestra.cli.start import start
from orchestra.cli.tally import amount, dollars
from orchestra.config import Config
from orchestra.runtime.planning import PlanLine, Planning

__all__ = ["main"]

HELP = """\
Usage: orch plan NAME [OPTIONS] [--key value …]

Tells what `orch run NAME` with the same options would ask: for each phase and function how many calls have an answer
(cached), have one of older code or files (stale) or none (new), and how many depend on answers that are not there yet,
so that nobody can know. Tokens and dollars are those of the dearest and cheapest earlier call of the function; without
one, the prompt and the longest answer allowed, by the list of prices.

Nothing is asked, stored or written. Commands and code are not run and files are not written, so what comes of them is
not known either. NAME may be a file. --json gives data.
"""
HEADINGS = ("phase", "function", "cached>", "stale>", "new>", "depends>", "tokens>", "cost>")


def main(argv: list[str], shell: Shell) -> int:
    if argv and argv[0] in ("--help", "-h"):
        shell.say(HELP.rstrip())
        return 0
    line = read(argv, shell.cwd)
    if not line.words:
        raise usage("no script named", "orch plan NAME")
    path = shell.cwd / line.words[0]
    config = shell.config(path if path.is_file() else None)
    source = path if path.is_file() else Scripts.of(config, shell.environ).locate(line.words[0], shell.cwd).path
    planned = _planned(source, with_arguments(line, 1), config, shell)
    if line.options.json:
        shell.say(json.dumps(_data(planned), ensure_ascii=False, indent=2))
    else:
        _show(planned, shell)
    return 0


def _planned(source: Path, line: CommandLine, config: Config, shell: Shell) -> Planning:
    """The run in a copy of the store, with nobody who listens."""
    given = line.options
    options = replace(
        given, json=False, quiet=True, debug=False, output=None, record=None, calls_out=None, structured=False,
        strict_models=False, stale="use" if (given.stale or config.checkpoint.stale) == "use" else "rerun",
    )  # fmt: skip
    plans: list[Planning] = []
    silent = replace(shell, stdout=io.StringIO(), stderr=io.StringIO())
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        scratch = scratch_store(config, Path(folder))
        start(source, replace(line, options=options), scratch, silent, plan=plans.append)
    return plans[0]


def _show(planning: Planning, shell: Shell) -> None:
    lines = list(planning.lines.values())
    if lines:
        total = [_total(lines)] if len(lines) > 1 else []
        table(HEADINGS, [*map(_row, lines), *total], shell.stdout)
    else:
        shell.say("no labelled calls")
    for place in planning.open:
        shell.say(f"open: {place}")
    if planning.open or any(line.depends for line in lines):
        shell.say("what depends on answers that are not there yet cannot be told")


def _row(line: PlanLine) -> tuple[str, ...]:
    return (line.phase or "", f"@{line.function}", *_counts([line]), *_takes([line]))


def _total(lines: list[PlanLine]) -> tuple[str, ...]:
    return ("total", "", *_counts(lines), *_takes(lines))


def _counts(lines: list[PlanLine]) -> list[str]:
    return [str(sum(getattr(line, name) for line in lines)) for name in ("cached", "stale", "new", "depends")]


def _takes(lines: list[PlanLine]) -> tuple[str, str]:
    """Tokens and dollars; "at least" where something is known of some calls only."""
    asking = [line for line in lines if line.most]
    if not asking:
        return "", ""
    figured = [(line, line.each) for line in asking if line.each is not None]
    tokens = [(line.least * each.tokens[0], line.most * each.tokens[1]) for line, each in figured]
    costs = [(line.least * each.cost[0], line.most * each.cost[1]) for line, each in figured if each.cost is not None]
    return _range(tokens, len(asking), amount), _range(costs, len(asking), dollars)


def _range(parts: Sequence[tuple[Any, Any]], of: int, shown: Callable[[Any], str]) -> str:
    if not parts:
        return "unknown"
    low, high = (shown(sum(column)) for column in zip(*parts, strict=True))
    text = low if low == high else f"{low} to {high}"
    return text if len(parts) == of else f"at least {low}"


def _data(planning: Planning) -> dict[str, Any]:
    return {"calls": [asdict(line) for line in planning.lines.values()], "open": planning.open}
