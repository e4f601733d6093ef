"""A store made by an earlier version is brought up to date, and nothing that was paid for is lost on the way."""

from __future__ import annotations

import json
import sqlite3
import threading
from hashlib import sha256
from pathlib import Path

import pytest
from store_setting import SCRIPT, VALIDITY, key, open_store, put, start

from orchestra.errors import OrchError
from orchestra.store import Hit, Stale
from orchestra.store.listings import list_checkpoints
from orchestra.store.schema import APPLICATION_ID, FIRST, VERSION
from orchestra.values.tagged import Meta, Tagged

ANSWER = '{"$":["tagged","kept",{"labels":["llm"],"taint":["llm","src:llm"],"sources":["./a.md"]}]}'
LONG = "0" * 32  # what a digest had besides when it was 64 digits long


def first_version(file: Path) -> None:
    """A store of the first version, with an answer that wrote a file and loaded another."""
    file.parent.mkdir()
    raw = sqlite3.connect(file)
    raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in FIRST:
        raw.execute(statement)
    raw.execute("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT)")
    raw.execute("INSERT INTO _sqlite_migrations VALUES ('orch', '0001', '2026-01-01T00:00:00Z')")
    raw.execute("PRAGMA user_version = 1")
    validity = json.dumps(VALIDITY, sort_keys=True, separators=(",", ":")).encode()
    for content in (validity, b"written"):
        row = (sha256(content).hexdigest(), len(content), content)
        raw.execute("INSERT INTO blobs (hash, codec, size, bytes) VALUES (?, 'raw', ?, ?)", row)
    raw.execute("INSERT INTO runs VALUES ('r1', ?, '{}', 'h', 1, '2026-01-01T00:00:00Z', NULL, 7)", (SCRIPT,))
    digest = key("a.py").digest + LONG
    names = (sha256(validity).hexdigest(), ANSWER)
    raw.execute(
        "INSERT INTO checkpoints VALUES (?, ?, ?, 'review', 0, 'audit.mld:3:9', 'phase', 1, '[]', 0, '[]', 'a.py',"
        """ '"a.py"', NULL, ?, ?, NULL, '{}', 1, 1, 'r1', 'r1', '2026-01-01T00:00:00Z', 12, 3, NULL, 'live', NULL)""",
        (SCRIPT, digest, SCRIPT, *names),
    )
    written = (SCRIPT, digest, "out.md", "output", sha256(b"written").hexdigest())
    raw.execute("INSERT INTO checkpoint_files VALUES (?, ?, ?, ?, ?)", written)
    raw.execute("INSERT INTO checkpoint_deps VALUES (?, ?, 'a.md', 'h')", (SCRIPT, digest))
    raw.commit()
    raw.close()


def test_an_answer_of_the_first_version_is_served_by_this_one(tmp_path: Path) -> None:
    first_version(tmp_path / ".orch" / "store.db")
    store = open_store(tmp_path)
    assert store.notes == ["the store has a new form; as it was before it is kept as store.db.version-1"]
    found = start(store).checkpoints.look_up(key("a.py"), VALIDITY, 1)
    assert isinstance(found, Stale)
    assert found.changed == ("file:a.md",)  # which is gone
    assert found.hit.value.meta.labels == ("llm",)
    assert [(file.path, file.mode) for file in found.hit.files] == [("out.md", "output")]
    assert [(entry.hits, entry.phase, entry.validity) for entry in list_checkpoints(store, SCRIPT)] == [
        (3, "phase", VALIDITY)
    ]
    assert store.connection.all("PRAGMA foreign_key_check") == []


def test_the_copy_is_the_store_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / ".orch" / "store.db"
    first_version(file)
    open_store(tmp_path).close()
    open_store(tmp_path).close()  # and is made once
    copy = sqlite3.connect(file.with_name("store.db.version-1"))
    assert copy.execute("PRAGMA user_version").fetchone() == (1,)
    assert copy.execute("SELECT length(key), hits FROM checkpoints").fetchall() == [(64, 3)]
    assert sorted(path.name for path in file.parent.iterdir()) == ["store.db", "store.db.version-1"]
    assert sqlite3.connect(file).execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_tags_that_answers_have_in_common_stand_once(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    execution = start(store)
    tagged = Meta(("llm",), ("llm", "dir:/a"), ("./x.md",), text="1", facts={"line": 3})
    for number in range(3):
        put(execution, key(number), Tagged(number, tagged))
    assert store.connection.one("SELECT count(*), count(DISTINCT tags) FROM checkpoints") == (3, 1)
    found = start(store).checkpoints.look_up(key(2), VALIDITY, 1)
    assert isinstance(found, Hit)
    meta = found.value.meta
    assert (found.value.data, meta.labels, meta.taint, meta.sources, meta.text, meta.facts) == (
        2, tagged.labels, tagged.taint, tagged.sources, "1", {"line": 3}
    )  # fmt: skip


def opened_by_many(folder: Path, count: int) -> list[str]:
    """Open the store in several threads at once; what each found, or its error."""
    found: list[str] = []
    ready = threading.Barrier(count)

    def work() -> None:
        ready.wait()
        try:
            store = open_store(folder)
            found.append(f"{len(list_checkpoints(store, SCRIPT))} answers")
            store.close()
        except Exception as error:
            found.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_several_processes_find_an_old_store_at_once(tmp_path: Path) -> None:
    first_version(tmp_path / ".orch" / "store.db")
    assert opened_by_many(tmp_path, 6) == ["1 answers"] * 6
    assert sorted(path.name for path in (tmp_path / ".orch").iterdir()) == ["store.db", "store.db.version-1"]
    assert open_store(tmp_path).connection.all("PRAGMA integrity_check") == [("ok",)]


def test_another_process_reads_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / ".orch" / "store.db"
    first_version(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN")
    before = other.execute("SELECT length(key) FROM checkpoints").fetchall()
    store = open_store(tmp_path)
    assert len(list_checkpoints(store, SCRIPT)) == 1
    assert other.execute("SELECT length(key) FROM checkpoints").fetchall() == before == [(64,)]  # its snapshot stays
    other.execute("COMMIT")
    assert other.execute("SELECT length(key) FROM checkpoints").fetchall() == [(32,)]


def test_another_process_that_writes_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".orch" / "store.db"
    first_version(file)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO phases VALUES ('s', 'p', 1, 'now')")
    with monkeypatch.context() as patch:
        patch.setattr("orchestra.store.connection.PATIENCE", 0.01)
        with pytest.raises(OrchError, match="database is locked") as caught:
            open_store(tmp_path)
    assert caught.value.help == "another process keeps the store locked; run again when it is done"
    assert sqlite3.connect(file).execute("PRAGMA user_version").fetchone() == (1,)  # nothing was begun
    done = threading.Thread(target=other.execute, args=("COMMIT",))
    done.start()
    store = open_store(tmp_path)
    done.join()
    assert store.connection.all("SELECT name FROM phases") == [("p",)]  # what it wrote is there
    assert len(list_checkpoints(store, SCRIPT)) == 1
