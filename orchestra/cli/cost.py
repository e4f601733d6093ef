"""`orch cost [RUN]`: calls, tokens and dollars by function and model.

Prices come from the providers; a call without a known price is counted and said so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.render import table
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store
from orchestra.cli.tally import amount, dollars
from orchestra.store.listings import UsageTotal, usage_by_function

__all__ = ["main"]

HEADINGS = ("function", "model", "calls>", "failed>", "in>", "out>", "cached in>", "cost>")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(cost, argv, shell)


@click.command(name="cost")
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def cost(shell: Shell, run: str | None, as_json: bool) -> None:
    """Show what RUN cost (`last` is the latest), or all runs of this project."""
    with open_store(shell.config(), shell) as store:
        totals = usage_by_function(store, chosen_run(store, run).id if run else None)
    if as_json:
        return click.echo(json.dumps([asdict(total) for total in totals], indent=2))
    if not totals:
        return click.echo("No model calls yet.")
    return table(HEADINGS, [*map(_row, totals), _sum(totals)], shell.stdout)


def _row(total: UsageTotal) -> tuple[str, ...]:
    figures = (amount(total.input), amount(total.output), amount(total.cache_read))
    return (total.fn, total.model, str(total.calls), str(total.failed), *figures, _price(total.cost, total))


def _price(cost: float, *totals: UsageTotal) -> str:
    unpriced = sum(total.unpriced for total in totals)
    if not unpriced:
        return dollars(cost)
    return f"{dollars(cost)} + ?" if cost else "unknown"


def _sum(totals: Sequence[UsageTotal]) -> tuple[str, ...]:
    counts = (str(sum(total.calls for total in totals)), str(sum(total.failed for total in totals)))
    tokens = (sum(t.input for t in totals), sum(t.output for t in totals), sum(t.cache_read for t in totals))
    return ("total", "", *counts, *map(amount, tokens), _price(sum(t.cost for t in totals), *totals))
