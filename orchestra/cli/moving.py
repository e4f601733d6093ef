"""`orch checkpoint gc`, `import` and `verify`: what leaves the store, what comes into it, whether it is whole.

What is dropped is decided by `store.retention`, how a foreign folder is read by `store.imported`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from orchestra.cli.render import table
from orchestra.cli.scripts import Scripts
from orchestra.cli.selection import Measured, Selection, filters
from orchestra.cli.shell import Shell
from orchestra.cli.stored import now, open_store
from orchestra.cli.tally import amount
from orchestra.config import Config
from orchestra.config_kinds import duration, size
from orchestra.errors import OrchError
from orchestra.store.imported import Brought, read_folder
from orchestra.store.retention import Collected
from orchestra.store.store import Store
from orchestra.store.verifying import verify

__all__ = ["collect", "examine", "take_over"]


@click.command(name="gc")
@click.argument("script", required=False)
@filters
@click.option("--keep", type=Measured("time", duration), help="Keep results that were used in this time, such as 30d.")
@click.option("--max", "most", type=Measured("size", size), help="Drop the oldest until this is enough, such as 2GB.")
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def collect(
    shell: Shell,
    /,
    script: str | None,
    keep: float | None,
    most: int | None,
    dry_run: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Drop results that no run asked for in 90 days (or [checkpoint] keep), replaced ones, and texts without use.

    With filters or SCRIPT it drops the results that meet all of them, and no others.
    """
    config, wanted = shell.config(), Selection(**chosen)
    with open_store(config, shell) as store:
        retention = store.retention(config.checkpoint.keep if keep is None else keep)
        keys = None if script is None and wanted.wants_all else _chosen(store, wanted, script, config, shell)
        collected = retention.collect(most=most, only_show=dry_run, chosen=keys)
        file = store.connection.path.stat().st_size
    if as_json:
        return click.echo(json.dumps({**asdict(collected), "file": file}, indent=2))
    table(("", "before>", "after>"), _lines(collected), shell.stdout)
    if dry_run:
        shell.note("nothing was dropped; without --dry-run it is")
    return None


def _chosen(store: Store, wanted: Selection, script: str | None, config: Config, shell: Shell) -> list[tuple[str, str]]:
    """Script and key of the answers that are meant, of one script or of all."""
    known = Scripts.of(config, shell.environ)
    scripts = store.scripts() if script is None else [known.identity(script, config.root, shell.cwd)]
    return [(name, entry.key) for name in scripts for entry in wanted.of(store, name, config.root)]


def _lines(collected: Collected) -> list[tuple[str, str, str]]:
    before, after = asdict(collected.before), asdict(collected.after)
    return [(name, amount(before[name]), amount(after[name])) for name in before]


@click.command(name="verify")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def examine(shell: Shell, as_json: bool) -> None:
    """Read all of the store and see whether it holds what was written. A damaged one is set aside.

    Stores of more than 32 MB are not examined when a run opens them: damage in them is found when it is met.
    """
    with open_store(shell.config(), shell) as store:
        if store.connection.replaced is not None:  # a note has said where it is
            help = f"sqlite3 {store.connection.replaced.name} .recover may read what is left of it"
            raise OrchError("E806", "the store was damaged", help=help)
        found = verify(store)
    if as_json:
        return click.echo(json.dumps(asdict(found), indent=2))
    parts = f"{found.runs} runs, {found.answers} answers, {found.texts} texts, {amount(found.bytes)} bytes"
    return click.echo(f"The store is whole: {parts}")


@click.command(name="import")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("script", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def take_over(shell: Shell, folder: Path, script: str | None, as_json: bool) -> None:
    """Take over the results in FOLDER, where mlld kept those of a script: SCRIPT, or the one called like FOLDER.

    Each is served once without a question, because the code that made it is not known; from then on it is an
    ordinary result.
    """
    config = shell.config()
    path = shell.cwd / folder
    name = _identity(script or path.name, config, shell)
    answers, unusable = read_folder(path)
    store = Store.open(config.store_file, now=now)
    try:
        for note in store.notes:
            shell.note(note)
        _keep(store, name, answers, folder)
    finally:
        store.close()
    if as_json:
        return click.echo(json.dumps({"script": name, "imported": len(answers), "unusable": unusable}, indent=2))
    click.echo(f"{len(answers)} results for {name}" + (f", {unusable} could not be used" if unusable else ""))
    return None


def _identity(script: str, config: Config, shell: Shell) -> str:
    """What the store calls the script. E811 if there is none: its results would never be asked for."""
    scripts = Scripts.of(config, shell.environ)
    name = scripts.identity(script, config.root, shell.cwd)
    if not (config.root / name).is_file():
        scripts.find(script)
    return name


def _keep(store: Store, script: str, answers: list[Brought], folder: Path) -> None:
    """A run of its own that says where the answers come from."""
    argv = ["checkpoint", "import", str(folder)]
    execution = store.start(script, json.dumps({"import": str(folder)}), argv, new=False, read_digest=lambda path: None)
    for answer in answers:
        execution.imported.put(answer)
    execution.finish(0)
