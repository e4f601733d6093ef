"""Opening a store: new, ours, foreign, damaged, read-only, full, on a network."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from store_setting import SCRIPT, VALIDITY, key, open_store, put, start

from orchestra.errors import OrchError
from orchestra.store import Hit
from orchestra.store.listings import list_checkpoints, list_runs
from orchestra.store.location import network_kind
from orchestra.store.schema import APPLICATION_ID, VERSION
from orchestra.store.verifying import verify


def file_of(folder: Path) -> Path:
    return folder / ".orch" / "store.db"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in file_of(folder).parent.iterdir())


def fill(folder: Path, answers: int = 40) -> None:
    store = open_store(folder)
    execution = start(store)
    for number in range(answers):
        put(execution, key(number), f"{number} " + "x" * 900)
    store.close()


def test_a_new_store_is_private_and_complete(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert store.notes == []
    assert stat.S_IMODE(file_of(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(file_of(tmp_path).parent.stat().st_mode) == 0o700
    start(store)
    assert stat.S_IMODE(file_of(tmp_path).with_name("store.db-wal").stat().st_mode) == 0o600
    pragmas = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 10_000}
    pragmas |= {"user_version": VERSION, "application_id": APPLICATION_ID}
    assert {name: store.connection.one(f"PRAGMA {name}") for name in pragmas} == {
        name: (value,) for name, value in pragmas.items()
    }


def test_every_table_is_strict_and_told_in_the_architecture(tmp_path: Path) -> None:
    rows = open_store(tmp_path).connection.all("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
    told = (
        (Path(__file__).parents[2] / "ARCHITECTURE.md")
        .read_text()
        .partition("\n## The store\n")[2]
        .partition("\n## ")[0]
    )
    assert {name for name, strict in rows if strict} == set(re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE))


def test_a_store_that_needs_no_migration_does_not_load_sqlite_utils(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    code = (
        "import sys; from pathlib import Path; from orchestra.store import Store;"
        "Store.open(Path(sys.argv[1]), now=str).close(); print('sqlite_utils' in sys.modules)"
    )
    child = subprocess.run([sys.executable, "-c", code, file_of(tmp_path)], capture_output=True, text=True)
    assert (child.stdout, child.stderr) == ("False\n", "")


def test_opening_again_finds_what_was_there(tmp_path: Path) -> None:
    fill(tmp_path)
    store = open_store(tmp_path)
    assert store.notes == []
    assert len(list_checkpoints(store, SCRIPT)) == 40


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).touch()
    assert list_runs(open_store(tmp_path)) == []


@pytest.mark.parametrize("content", [b"no database " * 500, b"x", b"SQLite format 3\0 but short"])
def test_a_file_that_is_no_database_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_bytes(content)
    file_of(tmp_path).with_name("store.db-wal").write_bytes(b"journal")
    store = open_store(tmp_path)
    aside = "store.db.damaged-20260102T030405"
    assert store.notes == [f"the store was damaged and is kept as {aside}; a new one was begun"]
    assert file_of(tmp_path).with_name(aside).read_bytes() == content
    assert file_of(tmp_path).with_name(f"{aside}-wal").read_bytes() == b"journal"
    start(store)


def test_two_damaged_files_within_a_moment_are_both_kept(tmp_path: Path) -> None:
    file_of(tmp_path).parent.mkdir()
    for content in (b"first", b"second"):
        file_of(tmp_path).write_bytes(content)
        open_store(tmp_path).connection.close()
        for suffix in ("", "-wal", "-shm"):
            file_of(tmp_path).with_name(f"store.db{suffix}").unlink(missing_ok=True)
    kept = [path.read_bytes() for path in sorted(file_of(tmp_path).parent.iterdir())]
    assert kept == [b"first", b"second"]


def flip_pages(file: Path) -> None:
    """Overwrite the head of every page but the first."""
    with file.open("r+b") as raw:
        for page in range(1, file.stat().st_size // 4096):
            raw.seek(page * 4096)
            raw.write(b"\xa5" * 600)


def test_a_flipped_page_is_found_on_opening(tmp_path: Path) -> None:
    fill(tmp_path)
    flip_pages(file_of(tmp_path))
    damaged = file_of(tmp_path).read_bytes()
    store = open_store(tmp_path)
    [note] = store.notes
    assert note.startswith("the store was damaged and is kept as store.db.damaged-2026")
    [aside] = [name for name in names_in(tmp_path) if ".damaged-" in name]
    assert file_of(tmp_path).with_name(aside).read_bytes()[4096:] == damaged[4096:]
    put(start(store), key("a"), 1)
    assert len(list_checkpoints(store, SCRIPT)) == 1


def test_a_flipped_page_in_a_file_too_large_to_examine_is_found_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.setattr("orchestra.store.connection.CHECKED", 0)
    store = open_store(tmp_path)
    flip_pages(file_of(tmp_path))
    with pytest.raises(OrchError) as caught:
        list_checkpoints(store, SCRIPT)
    assert caught.value.code == "E806"
    assert caught.value.message.startswith("the store cannot be used: it is damaged (")
    assert ") and was kept as store.db.damaged-2026" in caught.value.message
    assert caught.value.help == "run again: a new store is begun"
    with pytest.raises(OrchError, match="it is damaged"):
        list_runs(store)
    store.close()
    assert list_runs(open_store(tmp_path)) == []


def test_a_blob_that_is_not_what_was_written_is_damage(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    execution = start(store)
    put(execution, key("a"), "text " * 400)
    store.connection.change("UPDATE blobs SET codec = 'raw', bytes = x'00' WHERE size > 1000")
    with pytest.raises(OrchError, match=r"it is damaged \(blob \w{12} is not what was written\)"):
        execution.checkpoints.look_up(key("a"), VALIDITY, 0)


def test_a_large_store_is_read_whole_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    monkeypatch.setattr("orchestra.store.connection.CHECKED", 0)
    store = open_store(tmp_path)
    assert (verify(store).answers, verify(store).runs) == (40, 1)
    store.close()
    store = open_store(tmp_path)
    flip_pages(file_of(tmp_path))
    with pytest.raises(OrchError, match=r"it is damaged \(.*\) and was kept as store\.db\.damaged-2026"):
        verify(store)
    assert verify(open_store(tmp_path)).answers == 0


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE blobs SET codec = 'raw', bytes = x'00' WHERE size > 1000", r"blob \w{12} is not what was written"),
        ("UPDATE checkpoints SET value = '{' WHERE key IN (SELECT key FROM checkpoints LIMIT 1)", "cannot be read"),
        ("DELETE FROM runs", "names a row that is gone"),
    ],
)
def test_what_is_not_as_it_was_written(tmp_path: Path, harm: str, said: str) -> None:
    fill(tmp_path)
    store = open_store(tmp_path)
    put(start(store), key("long"), "text " * 400)
    store.connection.change("PRAGMA foreign_keys = OFF")
    store.connection.change(harm)
    with pytest.raises(OrchError, match=said):
        verify(store)
    assert [name for name in names_in(tmp_path) if ".damaged-" in name]


def test_a_foreign_database_is_not_touched(tmp_path: Path) -> None:
    file_of(tmp_path).parent.mkdir()
    with sqlite3.connect(file_of(tmp_path)) as foreign:
        foreign.execute("PRAGMA journal_mode = WAL")
        foreign.execute("CREATE TABLE photos (id INTEGER)")
    foreign.close()
    before = file_of(tmp_path).read_bytes()
    with pytest.raises(OrchError) as caught:
        open_store(tmp_path)
    assert caught.value.code == "E806"
    assert caught.value.message.endswith("store.db is a database of another program")
    assert (names_in(tmp_path), file_of(tmp_path).read_bytes()) == (["store.db"], before)


def test_a_store_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.connection.change(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(OrchError, match=r"store\.db was written by a newer orch"):  # version still in the journal
        open_store(tmp_path)
    store.close()
    before = file_of(tmp_path).read_bytes()
    with pytest.raises(OrchError, match=r"store\.db was written by a newer orch"):
        open_store(tmp_path)
    assert file_of(tmp_path).read_bytes() == before


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / ".orch").write_text("a file")
    with pytest.raises(OrchError) as caught:
        open_store(tmp_path)
    assert caught.value.code == "E806"
    assert caught.value.message == f"the store cannot be used: {file_of(tmp_path)}: File exists"
    assert caught.value.help == "make it writable, or run with --no-checkpoint"


def as_nobody(work: Callable[[], str]) -> str:
    """What `work` returns in a child process that is not root, since root may write everywhere."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            os.write(writing, work().encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        return pipe.read()


def failure(folder: Path) -> str:
    try:
        start(open_store(folder))
    except OrchError as error:
        return f"{error.code} {error.message}"
    return "opened"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike those of pytest."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("existing", [False, True])
def test_a_read_only_folder(open_folder: Path, existing: bool) -> None:
    file = file_of(open_folder)
    file.parent.mkdir()
    if existing:
        fill(open_folder)
        file.chmod(0o444)
    file.parent.chmod(0o555)
    failed = as_nobody(lambda: failure(open_folder))
    assert failed == f"E806 the store cannot be used: {file}: Permission denied"
    file.parent.chmod(0o755)


def test_a_full_disk_loses_nothing_that_was_there(tmp_path: Path) -> None:
    fill(tmp_path)
    store = open_store(tmp_path)
    execution = start(store)
    pages = store.connection.one("PRAGMA page_count")
    assert pages is not None
    store.connection.change(f"PRAGMA max_page_count = {pages[0] + 2}")
    with pytest.raises(OrchError) as caught:
        put(execution, key("big"), os.urandom(50_000).hex())
    assert caught.value.code == "E806"
    assert caught.value.message == f"the store cannot be used: {file_of(tmp_path)}: database or disk is full"
    assert caught.value.help == "make room on the disk and run again: everything stored before is kept"
    assert isinstance(execution.checkpoints.look_up(key(7), VALIDITY, 0), Hit)
    store.close()
    store = open_store(tmp_path)
    assert [entry.hits for entry in list_checkpoints(store, SCRIPT)] == [0] * 7 + [1] + [0] * 32
    assert store.connection.all("PRAGMA integrity_check") == [("ok",)]


def test_a_locked_store_says_so(tmp_path: Path) -> None:
    first, second = open_store(tmp_path), open_store(tmp_path)
    second.connection.change("PRAGMA busy_timeout = 1")
    with first.connection.transaction(), pytest.raises(OrchError, match="database is locked") as caught:
        start(second)
    assert caught.value.help == "another process keeps the store locked; run again when it is done"
    start(second)


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(KeyboardInterrupt), store.connection.transaction():
        store.connection.change("INSERT INTO phases VALUES ('s', 'p', 1, 'now')")
        raise KeyboardInterrupt
    assert store.connection.all("SELECT * FROM phases") == []


def test_on_a_network_file_system_the_journal_is_an_ordinary_one(tmp_path: Path) -> None:
    mounts = f"/dev/vda / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n"
    store = open_store(tmp_path, mounts=mounts)
    assert store.notes == ["the store lies on a network file system (nfs4): it works, but more slowly"]
    assert store.connection.one("PRAGMA journal_mode") == ("delete",)
    put(start(store), key("a"), 1)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ann/x", "nfs"),
        ("/home/bob/x", None),
        ("/home/ann/my disk/x", None),
        ("/mnt/share/x", "cifs"),
        ("/mnt/shared/x", None),
        ("/", None),
    ],
)
def test_the_innermost_mount_decides(path: str, kind: str | None) -> None:
    mounts = (
        "/dev/a / ext4 rw 0 0\nsrv:/ann /home/ann nfs rw 0 0\n\nbroken\n"
        "/dev/b /home/ann/my\\040disk ext4 rw 0 0\n//s/x /mnt/share cifs rw 0 0\n"
    )
    assert network_kind(Path(path), mounts) == kind
    assert network_kind(Path(path), "") is None
