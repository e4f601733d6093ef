"""`orch sql`: what is printed, and that nothing can be changed by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("a.mld", 'import { @haiku } from @orch/llm\nexe llm @ask(q) = @haiku(@q)\nshow @ask("peas")\n')
    desk.write("replies.jsonl", '{"reply": "yes"}')
    assert desk.orch("a.mld", "--models", "replies.jsonl", "-q") == 0
    return desk


def test_rows_are_lines(desk: Desk) -> None:
    assert desk.orch("sql", "SELECT fn, provider, error, turns + 0.5 FROM calls") == 0
    assert desk.out == "ask|replay||1.5\n"
    assert desk.orch("sql", "SELECT x'ff01' AS raw, x'6b' AS text", "--header") == 0
    assert desk.out == "raw|text\nff01|k\n"
    assert desk.orch("sql", "SELECT fn, error FROM calls", "--json") == 0
    assert json.loads(desk.out) == [{"fn": "ask", "error": None}]
    assert (
        desk.orch("sql", "WITH RECURSIVE n(i) AS (VALUES (1) UNION SELECT i + 1 FROM n LIMIT 3) SELECT i FROM n") == 0
    )
    assert desk.out == "1\n2\n3\n"
    assert desk.orch("sql", "PRAGMA table_info(calls)") == 0
    assert "|fn|" in desk.out
    assert desk.orch("sql", "SELECT fn FROM calls WHERE 0", "--json") == 0
    assert desk.out == "[]\n"


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM calls",
        "INSERT INTO runs SELECT * FROM runs",
        "DROP TABLE calls",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "PRAGMA user_version = 3",
        "PRAGMA journal_mode = DELETE",
        "BEGIN IMMEDIATE",
    ],
)
def test_nothing_is_changed(desk: Desk, query: str) -> None:
    before = (desk.root / ".orch/store.db").read_bytes()
    assert desk.orch("sql", query) == 2
    assert desk.err.startswith("error[E810]: only questions can be asked: the store is not changed\n"), desk.err
    assert (desk.root / ".orch/store.db").read_bytes() == before
    assert not list(desk.root.glob("*.db"))


def test_what_is_no_sql(desk: Desk) -> None:
    assert desk.orch("sql", "SELECT beds FROM calls") == 2
    assert desk.err.startswith("error[E810]: SQL: no such column: beds\n")
    assert desk.orch("sql", "SELECT 1; SELECT 2") == 2
    assert "one statement" in desk.err


def test_nothing_stored_yet(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.orch("sql", "SELECT 1") == 1
    assert desk.err.startswith("error[E806]: nothing is stored yet")
