"""Files replaced at once by processes that are killed, that do the same at the same time, and that cannot lock."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestra.runtime.files.replacing import replace_file

KILLED = """
import os, signal, sys
from pathlib import Path
from orchestra.runtime.files.replacing import replace_file
os.replace = lambda *args, **names: os.kill(os.getpid(), signal.SIGKILL)
replace_file(Path(sys.argv[1]), b"half", int(sys.argv[2]))
"""


def killed_while_replacing(path: Path, mode: int = 0o644) -> list[str]:
    """What lies in the folder afterwards."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(mode)])
    assert done.returncode == -signal.SIGKILL
    return os.listdir(path.parent)


def test_the_file_has_the_content_and_the_mode(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", b"long content", None)
    replace_file(tmp_path / "a", b"short", 0o600)
    assert (tmp_path / "a").read_bytes() == b"short"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["a"]


def test_a_relative_path_begins_in_the_folder(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    replace_file("a", b"content", None, folder)
    os.close(folder)
    assert (tmp_path / "a").read_bytes() == b"content"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("mode", [0o644, 0o444])
def test_what_a_killed_process_left_goes_when_its_write_is_made_good(tmp_path: Path, mode: int) -> None:
    assert len(killed_while_replacing(tmp_path / "a", mode)) == 1
    replace_file(tmp_path / "b", b"another file", None)
    replace_file(tmp_path / "a", b"new", None)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_who_waited_for_another_writer_leaves_its_file_alone(tmp_path: Path) -> None:
    killed_while_replacing(tmp_path / "a")
    [part] = tmp_path.iterdir()
    other = os.open(part, os.O_WRONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    waiting = threading.Thread(target=replace_file, args=(tmp_path / "a", b"second", None))
    waiting.start()
    os.replace(part, tmp_path / "first")
    os.close(other)
    waiting.join()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"first": b"half", "a": b"second"}


def test_where_there_are_no_locks_everybody_has_a_part_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestra.runtime.files.replacing.locked", lambda descriptor: False)
    replace_file(tmp_path / "a", b"content", None)
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"content"
