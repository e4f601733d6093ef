"""Declared tables with several processes on one store: inserting and claiming at once, and holders that die."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from store_setting import Clock, open_store, start

from orchestra.cli.in_process import run_in_process
from orchestra.errors import OrchError
from orchestra.store.declaration import Declaration, read_declaration
from orchestra.store.tables import Tables

STATUS = {"type": "text", "oneOf": ["pending", "running", "done"], "default": "pending"}
ERRANDS = {"key": ["id"], "columns": {"id": "integer", "status": STATUS, "by": "text"}, "lease": True}
CHILD = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_tables import errands
tables, table = errands(Path(sys.argv[2]))
input()
"""
CLAIMING = """
while row := tables.claim(table, {"status": "pending"}, {"status": "running", "by": sys.argv[3]}):
    print(row["id"])
"""
INSERTING = """
for id in range(60):
    tables.insert(table, {"id": id, "by": "all"})
"""
DYING = """
print(tables.claim(table, {"id": 1}, {"status": "running"})["id"], flush=True)
os.kill(os.getpid(), 9)
"""


def errands(folder: Path, declared: dict[str, Any] = ERRANDS) -> tuple[Tables, Declaration]:
    tables = start(open_store(folder)).tables
    table = read_declaration("errands", declared)
    tables.declare(table, "test.mld")
    return tables, table


def at_once(folder: Path, code: str, processes: int) -> list[str]:
    """What processes say that do the same at the same time."""
    command = [sys.executable, "-c", CHILD + code, str(Path(__file__).parent), str(folder)]
    running = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    for process in running:
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
    return [process.communicate()[0] for process in running]


def test_rows_that_processes_insert_at_once_are_there_once(tmp_path: Path) -> None:
    tables, table = errands(tmp_path)
    at_once(tmp_path, INSERTING, 3)
    assert [row["id"] for row in tables.select(table, {}, {"order": "id"})] == list(range(60))


def test_each_row_is_claimed_by_one_process(tmp_path: Path) -> None:
    tables, table = errands(tmp_path)
    for id in range(60):
        tables.insert(table, {"id": id})
    claimed = [int(word) for words in at_once(tmp_path, CLAIMING, 3) for word in words.split()]
    assert sorted(claimed) == list(range(60))


def test_the_row_of_a_killed_process_is_stale_and_can_be_claimed(tmp_path: Path) -> None:
    tables, table = errands(tmp_path)
    tables.insert(table, {"id": 1})
    assert at_once(tmp_path, DYING, 1) == ["1\n"]
    row = tables.get(table, 1)
    assert row is not None
    assert (row["status"], row["stale"]) == ("running", True)
    assert tables.claim(table, {"status": "pending"}, {"status": "running"}) is None
    again = tables.claim(table, {"stale": True}, {"status": "running"})
    assert again is not None
    assert (again["id"], again["stale"]) == (1, False)
    assert tables.claim(table, {"id": 1}, {"status": "running"}) is None  # it is held, by this process itself


def test_a_holder_on_another_machine_is_gone_when_it_is_silent(tmp_path: Path) -> None:
    clock = Clock()
    tables = start(open_store(tmp_path, clock)).tables
    table = read_declaration("errands", ERRANDS)
    tables.declare(table, "test.mld")
    tables.insert(table, {"id": 1, "status": "running"})
    tables._connection.change("UPDATE errands SET owner_host = 'elsewhere'")
    clock.advance(59)
    assert tables.select(table, {"stale": True}, {}) == []
    clock.advance(2)
    assert len(tables.select(table, {"stale": True}, {})) == 1


def test_a_transaction_that_fails_leaves_nothing_not_even_its_table(tmp_path: Path) -> None:
    tables = start(open_store(tmp_path)).tables
    table = read_declaration("errands", ERRANDS)
    with pytest.raises(OrchError), tables.transaction():
        tables.declare(table, "test.mld")
        tables.insert(table, {"id": 1})
        tables.insert(table, {"id": "one"})
    with pytest.raises(OrchError, match="there is no table errands"):
        tables.known("errands")
    tables.declare(table, "test.mld")
    assert tables.select(table, {}, {}) == []


def test_rules_hold_for_whoever_writes_without_us(tmp_path: Path) -> None:
    tables, _ = errands(tmp_path)
    with pytest.raises(Exception, match="CHECK constraint failed"):
        tables._connection.change("INSERT INTO errands (id, status) VALUES (1, 'lost')")


def test_leases_and_columns_are_added_to_a_table_that_had_none(tmp_path: Path) -> None:
    tables, table = errands(tmp_path, {"key": ["id"], "columns": {"id": "integer", "status": STATUS}})
    tables.insert(table, {"id": 1, "status": "running"})
    wider = read_declaration("errands", ERRANDS)
    tables.declare(wider, "test.mld")
    assert tables.insert(wider, {"id": 1, "status": "running"})["stale"] is False
    assert tables.insert(wider, {"id": 2, "status": "running", "by": "Ida"})["owner_pid"] is not None


HARVEST = """
import @orch/store as @store
var @crates = @store.table("crates", {
  key: "id",
  columns: { id: "integer", fruit: "text" },
  mirror: { file: "crates.jsonl", form: "jsonl" }
})
@store.insert(@crates, { id: 1, fruit: "fig" })
show @store.select(@crates).length
"""


def test_a_mirror_is_made_good_that_a_killed_process_left_behind(tmp_path: Path) -> None:
    (tmp_path / "harvest.mld").write_text(HARVEST)
    assert run_in_process(["harvest.mld"], tmp_path, "", {}).stdout == "1\n"
    tables = start(open_store(tmp_path)).tables
    tables.insert(tables.known("crates"), {"id": 2, "fruit": "plum"})  # and killed before the file was written …
    with (tmp_path / "crates.jsonl").open("a") as file:
        file.write('{"id":7,"fr')  # … or before the row was
    assert run_in_process(["harvest.mld"], tmp_path, "", {}).stdout == "2\n"
    whole = '{"id":1,"fruit":"fig"}\n{"id":2,"fruit":"plum"}\n'
    assert (tmp_path / "crates.jsonl").read_text() == whole


def test_a_new_store_begins_with_what_its_mirrors_hold(tmp_path: Path) -> None:
    (tmp_path / "harvest.mld").write_text(HARVEST)
    (tmp_path / "crates.jsonl").write_text('{"id":5,"fruit":"quince"}\n')
    assert run_in_process(["harvest.mld"], tmp_path, "", {}).stdout == "2\n"
    (tmp_path / "crates.jsonl").write_text('{"id":5,"fruit":\n')
    shutil.rmtree(tmp_path / ".orch")
    assert "crates.jsonl does not hold rows of table crates" in run_in_process(["harvest.mld"], tmp_path, "", {}).stderr
