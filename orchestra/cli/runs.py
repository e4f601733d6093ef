"""`orch runs [SCRIPT]`: what was run in this project, latest first.

One run in detail is the business of `show`.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.opened import bundle_named, opened
from orchestra.cli.render import table
from orchestra.cli.scripts import Scripts
from orchestra.cli.shell import Shell
from orchestra.cli.stored import open_store, state
from orchestra.cli.tally import price
from orchestra.store.listings import RunSummary, list_runs

__all__ = ["main"]

HEADINGS = ("run", "script", "no.>", "started", "state", "times>", "calls>", "cost>")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(runs, argv, shell)


@click.command(name="runs")
@click.argument("script", required=False)
@click.option("-n", "most", default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def runs(shell: Shell, script: str | None, most: int, as_json: bool) -> None:
    """List the runs of this project, or of SCRIPT, or what is in the file SCRIPT that `orch bundle` wrote."""
    if script is not None and bundle_named(shell, script) is not None:
        with opened(shell, script) as bundle:
            found = list_runs(bundle.store)
    else:
        found = _of_project(shell, script)[:most]
    if as_json:
        return click.echo(json.dumps([asdict(run) for run in found], indent=2))
    return table(HEADINGS, map(_row, found), shell.stdout)


def _of_project(shell: Shell, script: str | None) -> list[RunSummary]:
    config = shell.config()
    name = Scripts.of(config, shell.environ).identity(script, config.root, shell.cwd) if script else None
    with open_store(config, shell) as store:
        return list_runs(store, name)


def _row(run: RunSummary) -> tuple[str, ...]:
    started = run.started[:16].replace("T", " ")
    figures = (str(run.executions), str(run.calls), price(run.cost, run.unpriced > 0))
    return (run.id, run.script, str(run.number), started, state(run.exit, run.parked_until), *figures)
