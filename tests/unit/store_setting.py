"""What the tests of the store share: a clock that stands still, an open store, an answer put in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestra.store import Execution, Key, Store, make_key

SCRIPT = "llm/run/audit.mld"
VALIDITY = {"code:@review": "c1", "model": "stand-in/m1"}


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> str:
        return self.time.isoformat(timespec="milliseconds")

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def open_store(folder: Path, clock: Callable[[], str] | None = None, mounts: str = "") -> Store:
    return Store.open(folder / ".orch" / "store.db", now=clock or Clock(), mounts=lambda: mounts)


def start(store: Store, payload: str = "{}", *, script: str = SCRIPT, new: bool = False) -> Execution:
    return store.start(script, payload, ["run"], new=new, read_digest=lambda path: None)


def key(*args: Any, function: str = "review", module: str = SCRIPT) -> Key:
    return make_key(module, function, args)


def put(execution: Execution, of: Key, value: Any, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "preview": "",
        "first_arg": "",
        "phase": None,
        "site": 0,
        "place": "audit.mld:3:9",
        "seq": 0,
        "ms": 12,
        "meta": {},
        "deps": {},
    }
    validity = changes.pop("validity", VALIDITY)
    execution.checkpoints.put(of, validity, value, **(facts | changes))
