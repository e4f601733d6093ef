"""The sums of a run and of its parts, as all its processes see them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from orchestra.store import Amount, Standing
from orchestra.store.schema import FIRST
from tests.unit.store_setting import open_store, start

TURN = Amount(0.5, 100, 1)

EARLIER = """
    CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
    CREATE UNIQUE INDEX known ON _sqlite_migrations (migration_set, name);
    INSERT INTO _sqlite_migrations VALUES (1, 'orch', '0001', '2026-01-01');
    INSERT INTO runs VALUES ('r1', 's.mld', '{}', 'x', 1, '2026-01-01', NULL, 1);
    INSERT INTO executions VALUES ('r1.1', 'r1', '2026-01-01', NULL, NULL, '[]', 'h', 'b', 1, '');
    INSERT INTO calls VALUES
        ('r1.1', '1', 'review', 'p', 'm', '2026', 1, 1, 10, 5, 0, 0, 0.5, 'end_turn', 1, 0, NULL, 'grading', NULL),
        ('r1.1', '2', 'review', 'p', 'm', '2026', 1, 1, 10, 5, 0, 0, NULL, NULL, 1, 0, NULL, NULL, 'timeout');
    PRAGMA user_version = 1;
"""


def test_what_is_set_aside_is_seen_by_every_process(tmp_path: Path) -> None:
    here, there = (start(open_store(tmp_path)).spending for _ in range(2))
    assert here.reserve("1", ["", "@review"], lambda seen: TURN if seen == [Standing(Amount(), Amount())] * 2 else None)
    assert there.standing("") == there.standing("@review") == Standing(Amount(), TURN)
    assert there.standing("@other") == Standing(Amount(), Amount())
    assert there.reserve("1", [""], lambda seen: None) is None
    here.settle("1", ["", "@review"], Amount(0.25, 40, 1))
    assert there.standing("") == there.standing("@review") == Standing(Amount(0.25, 40, 1), Amount())


def test_sums_belong_to_a_run_and_last(tmp_path: Path) -> None:
    start(open_store(tmp_path)).spending.settle("1", [""], TURN)
    store = open_store(tmp_path)
    assert start(store).spending.standing("").spent == TURN
    assert start(store, new=True).spending.standing("").spent == Amount()


def test_what_a_killed_process_had_set_aside_counts_as_spent(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    lost, here = start(store), start(store).spending
    lost.spending.reserve("1", ["", "@review"], lambda seen: TURN)
    assert not here.end_dead()
    store.connection.change("UPDATE executions SET boot = 'earlier' WHERE id = ?", (lost.id,))
    assert here.end_dead()
    assert here.standing("") == here.standing("@review") == Standing(TURN, Amount())
    assert not here.end_dead()


def test_calls_of_an_earlier_version_count(tmp_path: Path) -> None:
    """A store without sums gets them from its ledger."""
    file = tmp_path / ".orch" / "store.db"
    file.parent.mkdir()
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("PRAGMA application_id = 0x6F726368")
    raw.executescript(";".join([*FIRST, EARLIER]))
    raw.close()
    sums = open_store(tmp_path).connection.all("SELECT * FROM spending ORDER BY part")
    assert sums == [("r1", "", 0.5, 30, 2), ("r1", "@review", 0.5, 30, 2), ("r1", "checkpoint grading", 0.5, 15, 1)]
