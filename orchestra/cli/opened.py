"""A run that a command was pointed at: one of this project, or one in a bundle, which is unpacked for the time.

Bundles are written by `bundle`; `replay` unpacks them in a form in which they can be run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestra.cli.bundle_file import PROJECT, STORE, Manifest, damaged, unpack
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, now, open_store
from orchestra.paths import home
from orchestra.store.listings import show_run
from orchestra.store.places import Places
from orchestra.store.store import Store

__all__ = ["Opened", "bundle_named", "opened", "places_of", "store_of"]

SCRIPTS = (".mld", ".md")


@dataclass(frozen=True, slots=True)
class Opened:
    """root: below which the output folder of the run lies; bundle: whether it is one that may come from elsewhere."""

    store: Store
    run: str
    root: Path
    bundle: bool


def bundle_named(shell: Shell, name: str) -> Path | None:
    """The file that a word means, None for the name of a run or a script."""
    path = shell.cwd / name
    is_file = bool(path.suffix) and path.suffix not in SCRIPTS and path.is_file()
    return path if is_file or path.suffix == ".zip" else None


@contextmanager
def opened(shell: Shell, name: str) -> Iterator[Opened]:
    """Raises E814 for a file that is no bundle or is damaged, E810 for a run that nobody knows."""
    file = bundle_named(shell, name)
    if file is None:
        config = shell.config()
        with open_store(config, shell) as store:
            yield Opened(store, chosen_run(store, name).id, config.root, False)
        return
    with tempfile.TemporaryDirectory(prefix="orch-") as folder:
        manifest = unpack(file, Path(folder))
        with store_of(file, manifest, Path(folder)) as store:
            yield Opened(store, manifest.run, Path(folder) / PROJECT, True)


@contextmanager
def store_of(file: Path, manifest: Manifest, folder: Path) -> Iterator[Store]:
    """The store of an unpacked bundle. Raises E814 if it does not hold the run that it is said to hold."""
    store = Store.open(folder / STORE, now=now)
    try:
        if show_run(store, manifest.run) is None:
            raise damaged(file, f"{STORE} does not hold {manifest.run}")
        yield store
    finally:
        store.close()


def places_of(shell: Shell) -> Places:
    """The folders of this machine."""
    return Places(shell.root(), home(shell.environ))
