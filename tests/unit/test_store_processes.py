"""Several processes on one store: claims, take-over from the dead, and writing at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from store_setting import SCRIPT, Clock, key, open_store, put, start

from orchestra.store.claims import Owner
from orchestra.store.listings import KILLED, list_checkpoints, list_runs
from orchestra.store.store import Store

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from store_setting import key, open_store, put, start
store = open_store(Path(sys.argv[2]))
execution = start(store)
"""


def child(folder: Path, code: str, *args: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD + code, str(Path(__file__).parent), str(folder), *args]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_claim_excludes_other_processes_until_released(tmp_path: Path) -> None:
    claims = start(open_store(tmp_path)).claims
    code = """
print(execution.claims.claim(key("a")), flush=True)
input()
execution.claims.release(key("a"))
print("released", flush=True)
input()
"""
    with child(tmp_path, code) as other:
        assert other.stdin is not None
        assert said(other) == "True"
        assert not claims.claim(key("a"))
        assert claims.claim(key("b"))
        print(file=other.stdin, flush=True)
        assert said(other) == "released"
        assert claims.claim(key("a"))
        other.kill()


def test_the_claim_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    claims = start(open_store(tmp_path)).claims
    with child(tmp_path, 'print(execution.claims.claim(key("a")), flush=True); input()') as other:
        assert said(other) == "True"
        assert not claims.claim(key("a"))
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, but its parent has not asked yet
        assert claims.claim(key("a"))
        assert not claims.claim(key("a"))


def test_eight_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    code = """
for number in range(40):
    group = sys.argv[3] if number < 20 else "shared"
    put(execution, key(number % 20, group), f"{sys.argv[3]} {number}" * 200)
store.close()
"""
    children = [child(tmp_path, code, str(number)) for number in range(8)]
    for process in children:
        process.communicate()
    assert [process.returncode for process in children] == [0] * 8
    store = open_store(tmp_path)
    assert store.notes == []
    assert len(list_checkpoints(store, SCRIPT)) == 8 * 20 + 20
    assert store.connection.all("PRAGMA integrity_check") == [("ok",)]
    [run] = list_runs(store)
    assert (run.id, run.executions) == ("r1", 8)


def test_what_was_put_is_there_after_a_kill(tmp_path: Path) -> None:
    code = """
for number in range(1000000):
    put(execution, key(number), "answer " * 300)
    print(number, flush=True)
"""
    with child(tmp_path, code) as other:
        for _ in range(25):
            last = int(said(other))
        other.kill()
    store = open_store(tmp_path)
    assert store.notes == []
    kept = {entry.key for entry in list_checkpoints(store, SCRIPT)}
    assert {key(number).digest for number in range(last + 1)} <= kept
    assert store.connection.all("PRAGMA integrity_check") == [("ok",)]
    assert list_runs(store)[0].exit == KILLED


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    return open_store(tmp_path, clock)


def claimed_by(store: Store, owner: Owner) -> None:
    values = (SCRIPT, key("a").digest, *owner.row, store.connection.now())
    store.connection.change("INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?)", values)


ME = Owner.current()


@pytest.mark.parametrize(
    ("owner", "gone"),
    [
        (ME, False),
        (Owner(ME.host, ME.boot, 1, ""), False),
        (Owner(ME.host, ME.boot, 2**22 + 1, ""), True),
        (Owner(ME.host, ME.boot, os.getpid(), "12"), True),
        (Owner(ME.host, "an earlier boot", os.getpid(), ME.born), True),
        (Owner("elsewhere", ME.boot, 2**22 + 1, ""), False),
    ],
    ids=["self", "other user", "no such process", "number given again", "before the reboot", "other host"],
)
def test_whose_claim_may_be_taken_over(store: Store, owner: Owner, gone: bool) -> None:
    claimed_by(store, owner)
    assert start(store).claims.claim(key("a")) is gone


def test_another_host_counts_as_gone_after_a_minute_of_silence(store: Store, clock: Clock) -> None:
    claimed_by(store, Owner("elsewhere", "b", 7, ""))
    claims = start(store).claims
    clock.advance(60)
    assert not claims.claim(key("a"))
    clock.advance(0.001)
    assert claims.claim(key("a"))


def test_another_host_whose_clock_is_ahead_is_watched_for_a_minute(store: Store, clock: Clock) -> None:
    clock.advance(7200)
    claimed_by(store, Owner("elsewhere", "b", 7, ""))
    clock.advance(-7200)
    claims = start(store).claims
    assert not claims.claim(key("a"))
    clock.advance(60)
    assert not claims.claim(key("a"))
    store.connection.change("UPDATE claims SET beat = '2027-01-02T00:00:00.000Z'")  # it lives
    clock.advance(30)
    assert not claims.claim(key("a"))
    clock.advance(60.001)
    assert claims.claim(key("a"))


def test_a_beat_keeps_claims_alive(store: Store, clock: Clock) -> None:
    claims = start(store).claims
    claims.claim(key("a"))
    clock.advance(50)
    claims.beat()
    assert store.connection.one("SELECT beat FROM claims") == (clock(),)


def test_releasing_leaves_the_claims_of_others(store: Store) -> None:
    claimed_by(store, Owner("elsewhere", "b", 7, ""))
    start(store).claims.release(key("a"))
    assert store.connection.one("SELECT host FROM claims") == ("elsewhere",)


def test_claims_of_another_script_do_not_matter(store: Store) -> None:
    assert start(store).claims.claim(key("a"))
    assert start(store, script="other.mld").claims.claim(key("a"))
    put(start(store), key("a"), 1)
