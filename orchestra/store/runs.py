"""Runs, which are a script with a payload and a number, and executions, the processes that work on them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from orchestra.errors import OrchError
from orchestra.store.calls import Calls
from orchestra.store.checkpoints import Checkpoints
from orchestra.store.claims import Claims, Owner
from orchestra.store.connection import Connection, storable
from orchestra.store.decisions import Decisions
from orchestra.store.gates import Gates
from orchestra.store.happenings import FILES, keep_event, kept_events
from orchestra.store.imported import Imported
from orchestra.store.keys import canonical
from orchestra.store.log import Log
from orchestra.store.memories import Memories
from orchestra.store.phases import Phases
from orchestra.store.requests import Requests
from orchestra.store.resume import Resume
from orchestra.store.sessions import Sessions
from orchestra.store.settings import Settings
from orchestra.store.spending import Spending
from orchestra.store.tables import Tables
from orchestra.store.values import Codec

__all__ = ["Execution", "Run", "begin", "payload_hash"]

AUTOMATIC = re.compile(r"r\d+")
RUN = "id, script, number, started, out_dir, seed"


@dataclass(slots=True)
class Run:
    """What every execution of a run shares. started: ISO-8601; out_dir: None until the first one chose it."""

    id: str
    script: str
    number: int
    started: str
    out_dir: str | None
    seed: int


class Execution:
    """One process working on a run, with everything the store does for it."""

    def __init__(
        self,
        connection: Connection,
        codec: Codec,
        owner: Owner,
        read_digest: Callable[[str], str | None],
        run: Run,
        id: str,
    ) -> None:
        self.id = id
        self.run_id = run.id
        self.script = run.script
        self.number = run.number
        self.started = run.started
        self.out_dir = run.out_dir
        self.seed = run.seed
        self.checkpoints = Checkpoints(connection, codec, read_digest, script=run.script, run=run.id)
        self.imported = Imported(connection, self.checkpoints, script=run.script)
        self.claims = Claims(connection, owner, script=run.script)
        self.resume = Resume(connection, script=run.script)
        self.phases = Phases(connection, script=run.script)
        self.decisions = Decisions(connection, run=run.id)
        self.calls = Calls(connection, codec, execution=id)
        self.requests = Requests(connection, codec, script=run.script, execution=id)
        self.gates = Gates(connection, run=run.id, execution=id)
        self.sessions = Sessions(connection, run=run.id)
        self.memories = Memories(connection, run=run.id)
        self.spending = Spending(connection, owner, run=run.id, execution=id)
        self.tables = Tables(connection, owner)
        self.settings = Settings(self.tables, run.id)
        self.log = Log(connection, run=run.id, execution=id)
        self._connection = connection

    def choose_out_dir(self, path: str) -> str | None:
        """Fix the output folder for all executions of the run; gives back an earlier choice of another process.

        None if the folder is that of another run.
        """
        self._connection.change(
            "UPDATE runs SET out_dir = ?1 WHERE id = ?2 AND out_dir IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM runs WHERE out_dir = ?1)",
            (path, self.run_id),
        )
        row = self._connection.one("SELECT out_dir FROM runs WHERE id = ?", (self.run_id,))
        assert row is not None
        self.out_dir = row[0]
        return self.out_dir

    def record_files(self, files: Mapping[str, Any]) -> None:
        """Keep which files were read, unless the execution before read the same."""
        kept = kept_events(self._connection, self.run_id, FILES)
        if kept[-1:] != [files]:
            keep_event(self._connection, self.id, FILES, files)

    def finish(self, exit: int, parked_until: str | None = None) -> None:
        """Record that the process is done. An execution without this was killed.

        parked_until: when a provider's limit ends that the run did not wait for
        """
        self._connection.change(
            "UPDATE executions SET ended = ?, exit = ?, parked_until = ? WHERE id = ?",
            (self._connection.now(), exit, parked_until, self.id),
        )


def begin(
    connection: Connection,
    owner: Owner,
    script: str,
    payload_json: str,
    argv: Sequence[str],
    *,
    new: bool,
    id: str | None = None,
    name: str | None = None,
) -> tuple[Run, str]:
    """The run to work on, with `new` the next of this script and payload, and the id of a new execution.

    id:   of the run, if it is not to be the last one
    name: the id of a run that may have to begin; E810 if it is another script's, or was begun with another payload
    """
    payload = storable(canonical(json.loads(payload_json)))
    with connection.transaction():
        last = _last(connection, script, payload_hash(payload))
        run = _named(connection, id) if id is not None else last
        if name is not None:
            run = _called(connection, name, script, payload, new)
        if run is None or new:
            run = _create(connection, script, payload, 1 if last is None else last.number + 1, name)
        return run, _execute(connection, owner, run, argv)


def _last(connection: Connection, script: str, payload_hash: str) -> Run | None:
    row = connection.one(
        f"SELECT {RUN} FROM runs WHERE script = ? AND payload_hash = ? ORDER BY number DESC LIMIT 1",
        (script, payload_hash),
    )
    return Run(*row) if row else None


def _named(connection: Connection, id: str) -> Run | None:
    row = connection.one(f"SELECT {RUN} FROM runs WHERE id = ?", (id,))
    return Run(*row) if row else None


def _called(connection: Connection, name: str, script: str, payload: str, new: bool) -> Run | None:
    """The run of this name, None if it is to begin. Raises E810 for a name that is not to be had."""
    run = _named(connection, name)
    if run is None:
        if AUTOMATIC.fullmatch(name):
            help = "choose a name that is no r and a number"
            raise OrchError("E810", f'there is no run "{name}", and orch gives such names itself', help=help, exit=2)
        return None
    if new:
        raise OrchError("E810", f'there is a run "{name}" already', help="choose another name for --run", exit=2)
    row = connection.one("SELECT payload FROM runs WHERE id = ?", (name,))
    if run.script != script:
        raise OrchError("E810", f'the run "{name}" is one of {run.script}', help="choose another name", exit=2)
    if row != (payload,):
        begun = row[0] if row else ""
        raise OrchError(
            "E810", f'the run "{name}" was begun with the payload {begun}', help="go on with the same one, or choose"
            " another name for --run", exit=2,
        )  # fmt: skip
    return run


def _create(connection: Connection, script: str, payload: str, number: int, name: str | None) -> Run:
    started = connection.now()
    run = Run(name or _next_id(connection), script, number, started, None, _seed(script, payload, number, started))
    connection.change(
        f"INSERT INTO runs ({RUN}, payload, payload_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (run.id, script, number, started, None, run.seed, payload, payload_hash(payload)),
    )
    return run


def _execute(connection: Connection, owner: Owner, run: Run, argv: Sequence[str]) -> str:
    row = connection.one("SELECT count(*) FROM executions WHERE run = ?", (run.id,))
    id = f"{run.id}.{row[0] + 1 if row else 1}"
    connection.change(
        "INSERT INTO executions (id, run, started, argv, host, boot, pid, born) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (id, run.id, connection.now(), json.dumps(list(argv)), *owner.row),
    )
    return id


def _next_id(connection: Connection) -> str:
    row = connection.one(
        "SELECT coalesce(max(CAST(substr(id, 2) AS INTEGER)), 0) + 1 FROM runs"
        " WHERE id GLOB 'r[0-9]*' AND substr(id, 2) NOT GLOB '*[^0-9]*'"
    )
    return f"r{row[0] if row else 1}"


def _seed(script: str, payload: str, number: int, started: str) -> int:
    """48 bits, so that it is exact as a number of the language; another run has another one."""
    return int(_sha256("\0".join((script, payload, str(number), started)))[:12], 16)


def payload_hash(payload: str) -> str:
    """By which the runs with this payload, canonical JSON, are found."""
    return _sha256(payload)


def _sha256(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()
