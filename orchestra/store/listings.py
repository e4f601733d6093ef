"""The reading side of the store, in plain dataclasses: runs, executions, calls, totals, checkpoints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from orchestra.store.blobs import Blobs, Common
from orchestra.store.calls import COLUMNS, CallRow
from orchestra.store.claims import Owner
from orchestra.store.store import Store
from orchestra.values.tagged import MISSING

__all__ = [
    "KILLED",
    "USAGE_COLUMNS",
    "CheckpointSummary",
    "ExecutionDetails",
    "RunDetails",
    "RunSummary",
    "UsageTotal",
    "checkpoint_value",
    "exit_of",
    "list_calls",
    "list_checkpoints",
    "list_deps",
    "list_runs",
    "show_call",
    "show_run",
    "usage_by",
]


KILLED: Final = -9  # in place of the exit code of a process that could not tell one


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run in one line. ended and exit: of its last execution, None while it works; KILLED if it was killed.

    parked_until: when a provider's limit ends that it did not wait for
    """

    id: str
    script: str
    number: int
    started: str
    ended: str | None
    exit: int | None
    executions: int
    calls: int
    cost: float | None
    unpriced: int = 0
    parked_until: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionDetails:
    """One process that worked on a run; `ended` and `exit` are None while it works, `exit` KILLED if it was killed."""

    id: str
    started: str
    ended: str | None
    exit: int | None
    argv: list[str]
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class RunDetails:
    """Everything about a run. checkpoints: number of answers that were made in it and are still current."""

    summary: RunSummary
    payload: Any
    out_dir: str | None
    seed: int
    executions: list[ExecutionDetails]
    calls: list[CallRow]
    checkpoints: int


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """What the calls used that have the values `of` the asked columns in common.

    cost: sum of the known costs; unpriced: calls without one
    reused: requests that were not asked, because an equal one had an answer; they are no calls
    """

    of: tuple[str | None, ...]
    calls: int
    failed: int
    input: int
    output: int
    cache_write: int
    cache_read: int
    ms: int
    cost: float
    unpriced: int
    reused: int = 0


@dataclass(frozen=True, slots=True)
class CheckpointSummary:
    """A stored answer without its value. bytes: size of the encoded value."""

    key: str
    module: str
    fn: str
    site: int
    place: str
    phase: str | None
    seq: int
    sample: int
    preview: str
    validity: dict[str, str]
    meta: dict[str, Any]
    bytes: int
    run: str
    created: str
    ms: int
    hits: int
    last_hit: str | None
    state: str


FROM_CALLS = "FROM calls JOIN executions x ON x.id = execution"
SUMMARY = f"""
    SELECT r.id, r.script, r.number, r.started, e.ended, e.exit, e.host, e.boot, e.pid, e.born,
        (SELECT count(*) FROM executions WHERE run = r.id),
        (SELECT count(*) - coalesce(sum(cached), 0) {FROM_CALLS} WHERE x.run = r.id),
        (SELECT sum(cost) {FROM_CALLS} WHERE x.run = r.id),
        (SELECT count(*) - count(cost) {FROM_CALLS} WHERE x.run = r.id),
        e.parked_until
    FROM runs r JOIN executions e ON e.rowid = (SELECT max(rowid) FROM executions WHERE run = r.id)"""
CALLS = f"SELECT {', '.join(f'calls.{name}' for name in COLUMNS)} {FROM_CALLS}"
USAGE = f"""
    SELECT count(*) - sum(cached), count(error), sum(input), sum(output), sum(cache_write), sum(cache_read),
        sum(ms), total(cost), count(*) - count(cost), sum(cached)
    {FROM_CALLS}"""
CHECKPOINTS = """
    SELECT key, module, fn, site, place, phase, seq, sample, preview, validity, meta,
        coalesce(length(CAST(value AS BLOB)), (SELECT size FROM blobs WHERE hash = value_blob)),
        run, created, ms, hits, last_hit, state
    FROM checkpoints WHERE script = ? ORDER BY rowid"""


def list_runs(store: Store, script: str | None = None) -> list[RunSummary]:
    """The runs of one script or of the whole project, latest first."""
    condition, values = ("", ()) if script is None else (" WHERE r.script = ?", (script,))
    rows = store.connection.all(f"{SUMMARY}{condition} ORDER BY r.rowid DESC", values)
    return [_summary(row) for row in rows]


def show_run(store: Store, run_id: str) -> RunDetails | None:
    """Everything about a run, None if there is no such run."""
    row = store.connection.one(f"{SUMMARY} WHERE r.id = ?", (run_id,))
    if row is None:
        return None
    payload, out_dir, seed = store.connection.all("SELECT payload, out_dir, seed FROM runs WHERE id = ?", (run_id,))[0]
    made = store.connection.all("SELECT count(*) FROM checkpoints WHERE run = ?", (run_id,))[0][0]
    executions, calls = _executions(store, run_id), list_calls(store, run_id)
    return RunDetails(_summary(row), json.loads(payload), out_dir, seed, executions, calls, made)


def list_calls(store: Store, run_id: str) -> list[CallRow]:
    """The model calls of all executions of a run, in the order of their completion."""
    rows = store.connection.all(f"{CALLS} WHERE x.run = ? ORDER BY calls.rowid", (run_id,))
    return [_call(row) for row in rows]


def show_call(store: Store, run_id: str, call_id: str) -> CallRow | None:
    """One model call of a run; that of the last execution if several gave out the same id."""
    row = store.connection.one(
        f"{CALLS} WHERE x.run = ? AND calls.id = ? ORDER BY calls.rowid DESC LIMIT 1", (run_id, call_id)
    )
    return _call(row) if row else None


USAGE_COLUMNS: Final = {"run": "x.run", "phase": "phase", "function": "fn", "model": "model", "provider": "provider"}


def usage_by(store: Store, columns: Sequence[str], run_id: str | None = None) -> list[UsageTotal]:
    """What was used, summed up by some of `USAGE_COLUMNS`, in one run or in all; the most expensive first."""
    names = ", ".join(USAGE_COLUMNS[column] for column in columns)
    condition, values = ("", ()) if run_id is None else (" WHERE x.run = ?", (run_id,))
    order = f" GROUP BY {names} ORDER BY total(cost) DESC, {names}"
    rows = store.connection.all(f"{USAGE.replace('SELECT', f'SELECT {names},', 1)}{condition}{order}", values)
    return [UsageTotal(row[: len(columns)], *row[len(columns) :]) for row in rows]


def list_checkpoints(store: Store, script: str) -> list[CheckpointSummary]:
    """The stored answers of a script, oldest key first."""
    common = Common(store.connection)
    return [_checkpoint(store, common, row) for row in store.connection.all(CHECKPOINTS, (script,))]


def list_deps(store: Store, script: str) -> dict[str, dict[str, str]]:
    """Key → name → digest of what the answers of a script depend on besides code: files, and models."""
    found: dict[str, dict[str, str]] = {}
    for key, path, digest in store.connection.all(
        "SELECT key, path, hash FROM checkpoint_deps WHERE script = ?", (script,)
    ):
        found.setdefault(key, {})[path] = digest
    return found


def checkpoint_value(store: Store, script: str, key: str, *, previous: bool = False) -> Any:
    """The answer stored under a key, with `previous` the one that it replaced; MISSING if there is none."""
    columns = "NULL, previous" if previous else "value, value_blob"
    row = store.connection.one(f"SELECT {columns} FROM checkpoints WHERE script = ? AND key = ?", (script, key))
    text, blob = row or (None, None)
    if blob is not None:
        text = Blobs(store.connection).get(blob).decode("utf-8")
    return MISSING if text is None else store.codec.decode(text)


def _summary(row: tuple[Any, ...]) -> RunSummary:
    id, script, number, started, ended, exit, *owner, executions, calls, cost, unpriced, parked_until = row
    exit = exit_of(exit, Owner(*owner))
    return RunSummary(id, script, number, started, ended, exit, executions, calls, cost, unpriced, parked_until)


def exit_of(exit: int | None, owner: Owner) -> int | None:
    """The exit code of an execution; KILLED where its process is gone without having told one."""
    return KILLED if exit is None and Owner.current().sees_end_of(owner) else exit


def _executions(store: Store, run_id: str) -> list[ExecutionDetails]:
    rows = store.connection.all(
        "SELECT id, started, ended, exit, argv, host, boot, pid, born FROM executions WHERE run = ? ORDER BY rowid",
        (run_id,),
    )
    return [
        ExecutionDetails(id, started, ended, exit_of(exit, Owner(*owner)), json.loads(argv), owner[0], owner[2])
        for id, started, ended, exit, argv, *owner in rows
    ]


def _call(row: tuple[Any, ...]) -> CallRow:
    call = CallRow(*row)
    return replace(call, cached=bool(call.cached), estimated=bool(call.estimated))


def _checkpoint(store: Store, common: Common, row: tuple[Any, ...]) -> CheckpointSummary:
    summary = CheckpointSummary(*row)
    validity = json.loads(common.text(row[9]))
    return replace(summary, validity=validity, meta=store.codec.decode(row[10]))
