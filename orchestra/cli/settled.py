"""A bundle made into a project of this machine, in which its run can be done again.

What is in the file is checked by `bundle_file`; the run itself is `replay`'s.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from orchestra.cli.bundle_file import PROJECT, STORE, Manifest, unpack
from orchestra.cli.opened import store_of
from orchestra.cli.shell import Shell
from orchestra.cli.stored import now
from orchestra.config import Config, load
from orchestra.errors import OrchError
from orchestra.paths import STATE, home
from orchestra.store.carrying import carry_all, changed
from orchestra.store.places import Places
from orchestra.store.store import Store

__all__ = ["Settled", "settled"]


@dataclass(frozen=True, slots=True)
class Settled:
    """The settings of the project with its own store, the run, and the folders in which they now are."""

    config: Config
    run: str
    places: Places


@contextmanager
def settled(file: Path, into: Path | None, shell: Shell) -> Iterator[Settled]:
    """The project of a bundle in the folder `into`, or in one that is thrown away. E814, E810 and E420."""
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        raw = Path(folder) / "raw"
        manifest = unpack(file, raw)
        root = _own(shell.cwd / into, into) if into is not None else Path(folder) / "project"
        places = Places(root, home(shell.environ))
        _settle(file, manifest, raw, root, places)
        for note in manifest.notes:
            shell.note(note)
        config = load(root, shell.environ)
        yield Settled(_with_store(config), manifest.run, places)


def _own(folder: Path, written: Path) -> Path:
    """The folder that was asked for, if nothing is in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OrchError("E810", f"{written} is not empty", help="name a folder that is new", exit=2)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OrchError("E420", f"cannot make {written}: {reason}") from None
    return folder


def _settle(file: Path, manifest: Manifest, raw: Path, root: Path, places: Places) -> None:
    """Files and store, with the folders of this machine in place of names."""
    for name in manifest.files:
        if name.startswith(PROJECT):
            target = root / name.removeprefix(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = (raw / name).read_bytes().decode("utf-8", "surrogateescape")
            target.write_bytes(changed(text, places.show).encode("utf-8", "surrogateescape"))
    state = root / STATE
    state.mkdir(parents=True, exist_ok=True)
    fresh = Store.open(state / STORE, now=now)
    try:
        with store_of(file, manifest, raw) as store:
            carry_all(store.connection, fresh.connection, places.show)
    finally:
        fresh.close()


def _with_store(config: Config) -> Config:
    """Wherever the project of old had its store: in a bundle nothing may lead out of the folder."""
    return replace(config, checkpoint=replace(config.checkpoint, store=f"{STATE}/{STORE}"))
