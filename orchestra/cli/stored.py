"""The project's store as commands look into it: opened if there is one, never begun here.

Rows come from `store.listings`; each command shows its own part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from orchestra.cli.shell import Shell
from orchestra.config import Config
from orchestra.errors import OrchError, nearest
from orchestra.store.listings import KILLED, RunSummary, list_runs
from orchestra.store.store import Store

__all__ = ["chosen_run", "now", "open_store", "state"]

# Exit code → how a finished run is called.
STATES = {
    KILLED: "killed",
    0: "done",
    2: "wrong",
    3: "waiting",
    4: "no budget",
    5: "items failed",
    75: "parked",
    130: "interrupted",
    129: "hung up",
    143: "terminated",
}


@contextmanager
def open_store(config: Config, shell: Shell) -> Iterator[Store]:
    """Raises OrchError if nothing was ever stored in this project."""
    file = config.store_file
    if not file.is_file():
        raise OrchError(
            "E806", f"nothing is stored yet: there is no {file.name} in {file.parent}", help="orch run NAME"
        )
    store = Store.open(file, now=now)
    try:
        for note in store.notes:
            shell.note(note)
        yield store
    finally:
        store.close()


def chosen_run(store: Store, name: str) -> RunSummary:
    """The run with this id, or the latest for `last`."""
    runs = list_runs(store)
    for run in runs:
        if name in (run.id, "last"):
            return run
    close = nearest(name, [run.id for run in runs])
    help = f"did you mean {close}?" if close else "orch runs lists them"
    raise OrchError("E810", f'there is no run "{name}"', help=help, exit=2)


def state(exit: int | None, parked_until: str | None = None) -> str:
    """How a run stands, by the exit code of its last process."""
    if parked_until is not None:
        return f"parked until {parked_until[:16].replace('T', ' ')}"
    return "running" if exit is None else STATES.get(exit, "failed")


def now() -> str:
    """The time as the store writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
