"""`orch why CALL`: whether a call was served or made, and what changed if it was made.

What is known about it comes from `store.why`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.flag_values import resume_target
from orchestra.cli.scripts import Scripts
from orchestra.cli.shell import Shell
from orchestra.cli.stored import open_store
from orchestra.errors import OrchError
from orchestra.store.listings import list_calls, list_runs
from orchestra.store.store import Store
from orchestra.store.why import Why, matching_keys, why

__all__ = ["keys_of", "lines_of", "main"]

DIGITS = 8  # of a key
WIDE = 40  # characters of an argument


def main(argv: list[str], shell: Shell) -> int:
    return invoke(tell, argv, shell)


@click.command(name="why")
@click.argument("call")
@click.option("--script", help="A script other than that of the latest run.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def tell(shell: Shell, call: str, script: str | None, as_json: bool) -> None:
    """Say why CALL was served from the store or made, and what changed.

    CALL is @fn, @fn("begin"), the number of a model call such as 0001, or the beginning of a key.
    """
    config = shell.config()
    with open_store(config, shell) as store:
        name = Scripts.of(config, shell.environ).identity(script, config.root, shell.cwd) if script else _latest(store)
        found = [known for key in keys_of(store, name, call) if (known := why(store, name, key)) is not None]
    if not found:
        help = "failed calls, secrets, cache: false and --no-checkpoint leave none"
        raise OrchError("E810", f"call {call} has left no stored answer", help=help, exit=2)
    if as_json:
        return click.echo(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
    for one in found:
        click.echo("\n".join(lines_of(one, name)))
    return None


def _latest(store: Store) -> str:
    runs = list_runs(store)
    if not runs:
        raise OrchError("E810", "nothing was run yet", help="orch run NAME", exit=2)
    return runs[0].script


def keys_of(store: Store, script: str, call: str) -> list[str]:
    """The keys of the calls that somebody means. E803 for an unknown function, E810 for what is nothing."""
    if call.startswith("@"):
        target = resume_target(call, Path())
        keys = store.resume(script).of_function(str(target.function), target.site, target.prefix, True)
        if not keys:
            raise OrchError("E810", f"no stored call is {call}", help=f"orch why @{target.function} shows all", exit=2)
        return keys
    runs = [run for run in list_runs(store) if run.script == script]
    for row in reversed(list_calls(store, runs[0].id) if runs else []):
        if row.id == call:
            return [row.key or ""]
    keys = matching_keys(store, script, call.removeprefix("sha256:").rstrip("…"))
    if not keys:
        help = f"orch show lists model calls, orch checkpoint list {script} keys"
        raise OrchError("E810", f'{script} has no call "{call}"', help=help, exit=2)
    return keys


def lines_of(one: Why, script: str) -> Iterator[str]:
    arguments = ", ".join(text if len(text) <= WIDE else f"{text[:WIDE]}…" for text in one.arguments)
    shown = f"({' '.join(arguments.split())})" if arguments else ""
    yield f"{one.kind:<8}@{one.fn}{shown}  {one.place}  {one.key[:DIGITS]}"
    if one.pending:
        yield f"  to be made again when it is asked for; orch checkpoint restore {script} serves it again"
    if one.hits:
        times = "once" if one.hits == 1 else f"{one.hits} times"
        yield f"  served {times}, last in {one.last_run} at {_time(one.last_hit or one.created)}"
    yield f"  made in {one.run} at {_time(one.created)}: {one.made}, {one.text}"
    if one.reused:
        yield f"  {one.reused} of {one.asked + one.reused} model requests had an answer from before"
    for change in one.changes:
        if len(one.changes) > 1 and change.lines:
            yield f"    {change.part}"
        yield from (f"    {line}" for line in change.lines)
    if one.replaced:
        yield f"  the answer before: orch checkpoint show {script} {one.key[:DIGITS]} --previous"


def _time(at: str) -> str:
    return at[:16].replace("T", " ")
