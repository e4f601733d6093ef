"""`orch checkpoint`: the stored results of a script: list, inspect, show, clean, restore.

Which of them a run serves is decided by the store when it runs; `gc`, `import` and `verify` are in `moving`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.moving import collect, examine, take_over
from orchestra.cli.scripts import Scripts
from orchestra.cli.selection import Selection, filters
from orchestra.cli.shell import Shell
from orchestra.cli.stored import open_store
from orchestra.cli.tally import amount
from orchestra.errors import OrchError
from orchestra.store.imported import IMPORTED
from orchestra.store.listings import CheckpointSummary, checkpoint_value, list_checkpoints, list_runs
from orchestra.store.store import Store
from orchestra.values.tagged import plain

__all__ = ["main"]

ALL = Selection()
SHORT = 8  # digits of a key that lists show


def main(argv: list[str], shell: Shell) -> int:
    return invoke(checkpoint, argv, shell)


@dataclass(frozen=True, slots=True)
class Stored:
    """The results of one script. `name` is what the user called it, `script` what the store calls it."""

    store: Store
    name: str
    script: str
    root: Path

    def entries(self, wanted: Selection = ALL) -> list[CheckpointSummary]:
        return wanted.of(self.store, self.script, self.root)


@contextmanager
def results(shell: Shell, name: str) -> Iterator[Stored]:
    config = shell.config()
    script = Scripts.of(config, shell.environ).identity(name, config.root, shell.cwd)
    with open_store(config, shell) as store:
        yield Stored(store, name, script, config.root)


@click.group(name="checkpoint")
def checkpoint() -> None:
    """Look at the stored results of scripts, or have them made again."""


@checkpoint.command(name="list")
@click.argument("script", required=False)
@filters
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_entries(shell: Shell, /, script: str | None, as_json: bool, **chosen: Any) -> None:
    """List the results of SCRIPT; without SCRIPT, each script with count and size."""
    if script is None:
        return _all_scripts(shell)
    with results(shell, script) as stored:
        entries = stored.entries(Selection(**chosen))
    if as_json:
        return click.echo(json.dumps([asdict(entry) for entry in entries], indent=2, default=str))
    click.echo(f"Checkpoint entries for {script}:")
    for entry in entries:
        marked = " | to be made again" if entry.state == "marked" else ""
        marked += " | imported" if entry.module == IMPORTED else ""
        click.echo(f"- {entry.fn} | {entry.preview} | sha256:{entry.key[:SHORT]}…{marked}")
    return click.echo(f"Total: {len(entries)}")


def _all_scripts(shell: Shell) -> None:
    with open_store(shell.config(), shell) as store:
        for script in sorted({run.script for run in list_runs(store)}):
            entries = list_checkpoints(store, script)
            click.echo(f"{script}: {len(entries)} entries, {amount(sum(entry.bytes for entry in entries))} bytes")


@checkpoint.command(name="inspect")
@click.argument("script")
@click.pass_obj
def inspect(shell: Shell, script: str) -> None:
    """Print all that is known about the results of SCRIPT, as JSON."""
    with results(shell, script) as stored:
        entries = stored.entries()
        location = str(stored.store.connection.path)
    data = {
        "script": stored.script,
        "location": location,
        "checkpoints": _phases(entries),
        "records": [asdict(entry) for entry in entries],
    }
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def _phases(entries: Iterable[CheckpointSummary]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in entries:
        if entry.phase is not None:
            counts[entry.phase] = counts.get(entry.phase, 0) + 1
    return counts


@checkpoint.command(name="show")
@click.argument("script")
@click.argument("key")
@click.option("--previous", is_flag=True, help="The value that this one replaced.")
@click.pass_obj
def show(shell: Shell, script: str, key: str, previous: bool) -> None:
    """Print the value stored under KEY (its beginning is enough)."""
    with results(shell, script) as stored:
        entry = _only(stored.entries(Selection(key=key.removeprefix("sha256:").rstrip("…"))), key)
        value = plain(checkpoint_value(stored.store, stored.script, entry.key, previous=previous))
    click.echo(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _only(entries: list[CheckpointSummary], key: str) -> CheckpointSummary:
    if len(entries) == 1:
        return entries[0]
    found = "several keys begin" if entries else "no key begins"
    raise OrchError("E810", f'{found} with "{key}"', help="orch checkpoint list SCRIPT", exit=2)


@checkpoint.command(name="clean")
@click.argument("script")
@filters
@click.pass_obj
def clean(shell: Shell, /, script: str, **chosen: Any) -> None:
    """Serve the results of SCRIPT no longer; each is replaced when its call is made again."""
    wanted = Selection(**chosen)
    with results(shell, script) as stored:
        resume = stored.store.resume(stored.script)
        if wanted.fn:
            resume.check_function(wanted.fn.removeprefix("@"))
        count = resume.mark(entry.key for entry in stored.entries(wanted))
    click.echo(f'Cleared checkpoint cache for "{script}".')
    if count:
        kept = "1 result is kept until it is" if count == 1 else f"{count} results are kept until they are"
        shell.note(f"{kept} made again; orch checkpoint restore {script}")


@checkpoint.command(name="restore")
@click.argument("script")
@click.pass_obj
def restore(shell: Shell, script: str) -> None:
    """Serve results again that `clean` or --resume put aside and no call has replaced."""
    with results(shell, script) as stored:
        count = stored.store.resume(stored.script).restore()
    what = "1 result" if count == 1 else f"{count} results"
    click.echo(f"{what} of {script} {'is' if count == 1 else 'are'} served again.")


checkpoint.add_command(collect)
checkpoint.add_command(examine)
checkpoint.add_command(take_over)
