"""Which stored answers a command is about: filters that `orch checkpoint list`, `clean` and `gc` have in common.

What is done with the answers is the command's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from orchestra.cli.stored import chosen_run
from orchestra.config_kinds import duration
from orchestra.runtime.staleness import Staleness
from orchestra.store.listings import CheckpointSummary, list_checkpoints, list_deps
from orchestra.store.store import Store

__all__ = ["Measured", "Selection", "filters"]


class Measured(click.ParamType[Any]):
    """An option that `read` understands; what it does not is an error in our form."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them as `Selection(**chosen)`."""
    for option in (
        click.option("--stale", is_flag=True, help="Only results of code, templates or files that are others now."),
        click.option("--older-than", type=Measured("time", duration), help="Only those unused for as long, as in 30d."),
        click.option("--run", help="Only results that this run made; `last` is the latest."),
        click.option("--key", help="Only keys that begin so."),
        click.option("--phase", help="Only results made in this phase."),
        click.option("--fn", help="Only results of this function."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Selection:
    """Every wish that is there must be met. older_than: in seconds."""

    fn: str | None = None
    phase: str | None = None
    key: str | None = None
    run: str | None = None
    older_than: float | None = None
    stale: bool = False

    @property
    def wants_all(self) -> bool:
        return self == Selection()

    def of(self, store: Store, script: str, root: Path) -> list[CheckpointSummary]:
        """The answers of a script, oldest first. E803 for a function without any, E810 for an unknown run."""
        run = chosen_run(store, self.run).id if self.run else None
        fn = self.fn.removeprefix("@") if self.fn else None
        before = None
        if self.older_than is not None:
            before = datetime.fromisoformat(store.connection.now()) - timedelta(seconds=self.older_than)
        found = [
            entry
            for entry in list_checkpoints(store, script)
            if fn in (None, entry.fn, entry.fn.removeprefix("var:"))
            and self.phase in (None, entry.phase)
            and run in (None, entry.run)
            and entry.key.startswith(self.key or "")
            and (before is None or datetime.fromisoformat(entry.last_hit or entry.created) < before)
        ]
        return _stale(store, script, root, found) if self.stale else found


def _stale(store: Store, script: str, root: Path, entries: list[CheckpointSummary]) -> list[CheckpointSummary]:
    staleness, deps = Staleness(root, script), list_deps(store, script)
    return [
        entry for entry in entries if staleness.changed(entry.module, entry.fn, entry.validity, deps.get(entry.key, {}))
    ]
