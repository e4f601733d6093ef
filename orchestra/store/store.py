"""The store of a project: one SQLite file shared by all its processes. What it holds is left to its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from orchestra.store.claims import Owner
from orchestra.store.connection import Connection
from orchestra.store.location import read_mounts
from orchestra.store.overlay import Overlay
from orchestra.store.past import Past
from orchestra.store.resume import Resume
from orchestra.store.retention import Retention
from orchestra.store.runs import Execution, begin
from orchestra.store.settings import Settings
from orchestra.store.tables import Tables
from orchestra.store.values import Codec

__all__ = ["Store"]


class Store:
    """An open store.

    notes: lines for the user about what happened while opening
    codec: where owners of further value types register them
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.codec = Codec()
        self._executions: list[Execution] = []

    @classmethod
    def open(cls, path: Path, *, now: Callable[[], str], mounts: Callable[[], str] = read_mounts) -> Store:
        """Open or begin the store at `path`; raises E806 if that is impossible.

        now:    the time as ISO-8601 in UTC with milliseconds
        mounts: the kernel's table of mounted file systems
        """
        return cls(Connection(path, now=now, mounts=mounts()))

    @property
    def notes(self) -> list[str]:
        return self.connection.notes

    def start(
        self,
        script: str,
        payload_json: str,
        argv: Sequence[str],
        *,
        new: bool,
        read_digest: Callable[[str], str | None],
        run: str | None = None,
        name: str | None = None,
    ) -> Execution:
        """Begin to work on the last run of this script and payload, or with `new` on the next one.

        script:      path relative to the project root
        read_digest: the sha256 of a file that an answer depends on as it is now, None if it is gone
        run:         the id of an earlier run to work on instead
        name:        the id of a run that begins if there is none
        """
        owner = Owner.current()
        chosen, id = begin(self.connection, owner, script, payload_json, argv, new=new, id=run, name=name)
        execution = Execution(self.connection, self.codec, owner, read_digest, chosen, id)
        self._executions.append(execution)
        return execution

    def resume(self, script: str) -> Resume:
        """The marks of a script that is not being run."""
        return Resume(self.connection, script=script)

    def past(self, script: str, *, run: str, until: str, restores: bool = False) -> Past:
        """The answers of a script as a run knew them that ended at the time `until`, with files if it `restores`."""
        return Past(self.connection, self.codec, script=script, run=run, until=until, restores=restores)

    def overlay(self, script: str, *, onto: str, read_digest: Callable[[str], str | None]) -> Overlay:
        """The answers of `script` for the calls of the script `onto`."""
        return Overlay(self.connection, self.codec, read_digest, script=script, onto=onto)

    def retention(self, keep: float) -> Retention:
        """What may be dropped; answers, if nobody asked for them in `keep` seconds."""
        return Retention(self.connection, keep=timedelta(seconds=keep))

    @property
    def settings(self) -> Settings:
        """Versioned settings, for who is no run."""
        return Settings(Tables(self.connection, Owner.current()), "")

    def scripts(self) -> list[str]:
        """The scripts that have answers."""
        return [name for (name,) in self.connection.all("SELECT DISTINCT script FROM checkpoints ORDER BY script")]

    def close(self) -> None:
        """Write the counters of hits and close the file."""
        try:
            if self.connection.usable:
                for execution in self._executions:
                    execution.checkpoints.flush()
        finally:
            self.connection.close()
