"""`orch cost [RUN]`: calls, tokens and dollars by run, phase, function or model.

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
from orchestra.cli.tally import amount, price
from orchestra.store.listings import USAGE_COLUMNS, UsageTotal, usage_by

__all__ = ["main"]

FIGURES = ("calls>", "reused>", "failed>", "in>", "out>", "cached in>", "cost>")
REUSED = FIGURES.index("reused>")
IN_DATA = {"function": "fn"}  # as in events and in the store


def main(argv: list[str], shell: Shell) -> int:
    return invoke(cost, argv, shell)


@click.command(name="cost")
@click.argument("run", required=False)
@click.option(
    "--by",
    type=click.Choice(list(USAGE_COLUMNS)),
    multiple=True,
    default=("function", "model"),
    show_default="function and model",
    help="What to sum up; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def cost(shell: Shell, run: str | None, by: tuple[str, ...], as_json: bool) -> None:
    """Show what RUN cost (`last` is the latest), or all runs of this project."""
    with open_store(shell.config(), shell) as store:
        totals = usage_by(store, by, chosen_run(store, run).id if run else None)
    if as_json:
        return click.echo(json.dumps([_data(by, total) for total in totals], indent=2))
    if not totals:
        return click.echo("No model calls yet.")
    rows = [(*by, *FIGURES), *map(_row, totals), _sum(totals, len(by))]
    if not any(total.reused for total in totals):
        rows = [(*row[: len(by) + REUSED], *row[len(by) + REUSED + 1 :]) for row in rows]
    return table(rows[0], rows[1:], shell.stdout)


def _data(by: Sequence[str], total: UsageTotal) -> dict[str, object]:
    """A sum for programs: a cost that nobody knows is null, one that is known in part says how many calls lack it."""
    figures = asdict(total)
    del figures["of"]
    if total.calls and total.unpriced == total.calls:
        figures["cost"] = None
    return dict(zip((IN_DATA.get(name, name) for name in by), total.of, strict=True)) | figures


def _row(total: UsageTotal) -> tuple[str, ...]:
    return (*(name or "" for name in total.of), *_figures([total]))


def _sum(totals: Sequence[UsageTotal], columns: int) -> tuple[str, ...]:
    return ("total", *[""] * (columns - 1), *_figures(totals))


def _figures(totals: Sequence[UsageTotal]) -> tuple[str, ...]:
    calls, reused, failed = (sum(getattr(total, name) for total in totals) for name in ("calls", "reused", "failed"))
    tokens = (sum(t.input for t in totals), sum(t.output for t in totals), sum(t.cache_read for t in totals))
    unpriced = sum(total.unpriced for total in totals)
    known = sum(total.cost for total in totals) if unpriced < calls else None
    return (str(calls), str(reused), str(failed), *map(amount, tokens), price(known, unpriced > 0))
