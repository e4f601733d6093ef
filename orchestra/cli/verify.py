"""`orch verify RUN`: is the program still the one that ran, and does it still ask what was asked then.

The run is done again in a copy of the project with the answers it got, as `replay` does, so that a prompt which the
program would write otherwise today is found: there is no answer to it.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.prompts import archived
from orchestra.cli.replay import again, scratch_store
from orchestra.cli.scratch import Scratch
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store
from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.store.happenings import FILES, kept_events
from orchestra.store.listings import show_run
from orchestra.store.store import Store

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(verify, argv, shell)


@click.command(name="verify")
@click.argument("run", default="last")
@click.pass_obj
def verify(shell: Shell, run: str) -> int:
    """Tell whether RUN (the latest if none is named) was done as its program says: no step left out, no prompt changed.

    Nothing is asked and nothing of the project is touched. The exit code is 0 if all is well, else 1.
    """
    config = shell.config()
    with open_store(config, shell) as store:
        chosen = chosen_run(store, run)
        faults = [*_changed(store, chosen.id, config.root)]
        prompts = list(_prompts(store, chosen.id, config.root))
    faults += [f"prompt {name} {fault}" for name, fault in prompts if fault]
    if not faults:
        faults += _asked_otherwise(config, shell, chosen.id, chosen.exit)
    if faults:
        click.echo("\n".join(faults))
        return 1
    count = "1 prompt matches its template" if len(prompts) == 1 else f"{len(prompts)} prompts match templates"
    click.echo(f"program unchanged, {count}")
    return 0


def _changed(store: Store, run: str, root: Path) -> Iterator[str]:
    """Scripts, agents, skills and templates that are not what the run read when it last read them."""
    read: dict[str, str] = {}
    for files in kept_events(store.connection, run, FILES):
        read |= files["sources"]
    if not read:
        yield "nothing is known of the program of this run, which never came to an end"
    for name, digest in sorted(read.items()):
        file = root / name
        if not file.is_file():
            yield f"{name} is gone"
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield f"{name} has changed since"


def _prompts(store: Store, run: str, root: Path) -> Iterator[tuple[str, str | None]]:
    """Every prompt that was sent, by name, and what is wrong with what is kept of it."""
    details = show_run(store, run)
    assert details is not None
    names = sorted({Path(call.archive).name.removesuffix(".prompt.md") for call in details.calls if call.archive})
    kept = {name: (head, text) for name, head, text in archived(details, root)}
    for name in names:
        head, text = kept.get(name, ({}, ""))
        if name not in kept:
            yield name, "is gone"
        elif head.get("sha256") != hashlib.sha256(text.encode("utf-8", "replace")).hexdigest():
            yield name, "is not what was sent"
        else:
            yield name, None


def _asked_otherwise(config: Config, shell: Shell, run: str, exit: int | None) -> list[str]:
    """What goes another way when the run is done again with its answers."""
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        scratch = Scratch(config.root, Path(folder).resolve())
        inside = replace(shell, cwd=scratch.root, stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO())
        copied = scratch_store(config, Path(folder))
        try:
            ended = again(replace(copied, root=scratch.root), inside, run, None, quiet=True)
        except OrchError as error:
            place = f" ({error.span.where})" if error.span is not None else ""
            return [f"the program asks otherwise: {error.message}{place}"]
    return [] if ended == exit else [f"the run ended with {exit}, done again it ends with {ended}"]
