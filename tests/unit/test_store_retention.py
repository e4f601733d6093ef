"""What `orch checkpoint gc` drops and keeps, what it says, and when a run does it by itself."""

from __future__ import annotations

import json
import os
import random
import sqlite3
from pathlib import Path

import pytest
from cli_desk import Desk
from store_setting import Clock, key, open_store, put, start

from orchestra.errors import OrchError
from orchestra.store import Hit, Store, WrittenFile
from orchestra.store.listings import checkpoint_value, list_checkpoints
from orchestra.values.tagged import MISSING, Meta, Tagged

DAY = 86_400.0
SCRIPT = "llm/run/audit.mld"


def long_text(seed: int) -> str:
    return "".join(random.Random(seed).choices("abcdefgh \n", k=30_000))


def names(store: Store) -> list[str]:
    return [entry.preview for entry in list_checkpoints(store, SCRIPT)]


def test_what_was_not_asked_for_goes_with_its_texts(tmp_path: Path) -> None:
    clock = Clock()
    store = open_store(tmp_path, clock)
    execution = start(store)
    put(execution, key("old"), long_text(1), preview="old", first_arg=long_text(2), deps={"a.txt": "d"})
    put(execution, key("used"), long_text(3), preview="used", files=[WrittenFile("b.txt", "output", b"x" * 9000)])
    put(execution, key("tagged"), Tagged("t", Meta(("mine",), ())), preview="tagged")
    clock.advance(20 * DAY)
    execution.checkpoints.look_up(key("used"), {"code:@review": "c1", "model": "stand-in/m1"}, 0)
    execution.checkpoints.look_up(key("tagged"), {"code:@review": "c1", "model": "stand-in/m1"}, 0)
    execution.checkpoints.flush()
    execution.finish(0)
    clock.advance(15 * DAY)
    collected = store.retention(30 * DAY).collect()
    assert names(store) == ["used", "tagged"]
    assert (collected.before.entries, collected.after.entries) == (3, 2)
    assert collected.after.bytes < collected.before.bytes
    found = execution.checkpoints.look_up(key("used"), {"code:@review": "c1", "model": "stand-in/m1"}, 0)
    assert isinstance(found, Hit)
    assert found.value == long_text(3)
    assert execution.checkpoints.content(found.files[0]) == b"x" * 9000
    assert store.connection.all("SELECT count(*) FROM checkpoint_deps") == [(0,)]
    assert store.connection.all("PRAGMA foreign_key_check") == []
    assert store.connection.all("PRAGMA foreign_keys") == [(1,)]


def test_replaced_answers_are_readable_until_then(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    execution = start(store)
    put(execution, key("a"), "before")
    put(execution, key("a"), "now")
    execution.finish(0)
    digest = key("a").digest
    assert checkpoint_value(store, SCRIPT, digest, previous=True) == "before"
    collected = store.retention(DAY).collect()
    assert (collected.before.replaced, collected.after.replaced) == (1, 0)
    assert checkpoint_value(store, SCRIPT, digest, previous=True) is MISSING
    assert checkpoint_value(store, SCRIPT, digest) == "now"


def test_the_oldest_go_until_it_is_small_enough(tmp_path: Path) -> None:
    clock = Clock()
    store = open_store(tmp_path, clock)
    execution = start(store)
    for number in range(40):
        put(execution, key(number), long_text(number), preview=str(number))
        clock.advance(1)
    execution.finish(0)
    full = store.retention(DAY).size().bytes
    collected = store.retention(DAY).collect(most=full // 2)
    assert collected.after.bytes <= full // 2
    left = names(store)
    assert 5 < len(left) < 30
    assert left == [str(number) for number in range(40 - len(left), 40)]
    assert store.connection.path.stat().st_size < full


def test_nothing_goes_while_a_run_is_at_work(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    execution = start(store)
    put(execution, key("a"), "answer")
    with pytest.raises(OrchError, match="while runs are at work: r1"):
        store.retention(0).collect()
    assert store.connection.all("PRAGMA foreign_keys") == [(1,)]
    store.connection.change("UPDATE executions SET pid = ?, born = '1'", (os.getpid(),))  # one that was killed
    assert store.retention(DAY).collect().after.entries == 1


def test_looking_first_changes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    store = open_store(tmp_path, clock)
    execution = start(store)
    put(execution, key("a"), long_text(1))
    execution.finish(0)
    clock.advance(2 * DAY)
    collected = store.retention(DAY).collect(only_show=True)
    assert (collected.after.entries, collected.after.texts) == (0, 0)
    assert store.retention(DAY).size() == collected.before


def test_a_run_collects_once_a_day_if_there_is_too_much(tmp_path: Path) -> None:
    clock = Clock()
    store = open_store(tmp_path, clock)
    execution = start(store)
    retention = store.retention(DAY)
    assert not retention.due(execution.id, 0)  # it began less than a second ago
    clock.advance(5)
    assert retention.due(execution.id, 0)
    assert not retention.due(execution.id, 10**9)
    execution.finish(0)
    retention.record(execution.id, retention.collect())
    assert not retention.due(execution.id, 0)
    clock.advance(DAY)
    assert retention.due(execution.id, 0)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write("orch.toml")
    desk.write("a.mld", "exe llm @ask(q) = js { return 'got ' + q }\nshow @ask(\"peas\")\n")
    assert desk.orch("a.mld", "-q") == 0
    return desk


def test_the_command(desk: Desk) -> None:
    db = sqlite3.connect(desk.root / ".orch/store.db")
    db.execute("UPDATE checkpoints SET created = '2020-01-01T00:00:00.000Z'")
    db.commit()
    db.close()
    assert desk.orch("checkpoint", "gc", "--dry-run", "--json") == 0
    assert json.loads(desk.out)["after"]["entries"] == 0
    assert desk.orch("checkpoint", "gc", "--keep", "100000d") == 0
    assert [line.split()[:3] for line in desk.out.splitlines()][1:3] == [["entries", "1", "1"], ["replaced", "0", "0"]]
    assert desk.orch("checkpoint", "gc") == 0
    assert [line.split() for line in desk.out.splitlines()][1] == ["entries", "1", "0"]
    assert desk.orch("a.mld", "-q", "--explain") == 0
    assert desk.err.startswith("miss")


@pytest.mark.parametrize(
    ("words", "said"), [(["--keep", "soon"], "duration"), (["--max", "much"], "size like 500MB or 2GB")]
)
def test_what_cannot_be_meant(desk: Desk, words: list[str], said: str) -> None:
    assert desk.orch("checkpoint", "gc", *words) == 2
    assert said in desk.err
