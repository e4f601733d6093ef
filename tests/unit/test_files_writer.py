"""What reaches the disk: whole files at once, whole records, and the text of values."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.paths import cache_dir
from orchestra.runtime.files.writer import append, render_output, render_record, write
from orchestra.values.tagged import MISSING, Meta, Tagged, with_facts


def refused(action: Callable[..., Any], *args: Any) -> OrchError:
    with pytest.raises(OrchError) as caught:
        action(*args)
    return caught.value


def test_write_creates_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "out/deep/a.txt"
    write(path, "one\r\n")
    write(path, "zwei ü")
    assert path.read_bytes() == "zwei ü".encode()
    assert os.listdir(path.parent) == ["a.txt"]


def test_write_keeps_mode_and_writes_through_links(tmp_path: Path) -> None:
    real = tmp_path / "real.sh"
    real.write_text("old")
    real.chmod(0o750)
    link = tmp_path / "link.sh"
    link.symlink_to(real)
    write(link, "new")
    assert link.is_symlink() and real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o750


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    write(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_device_is_written_to_and_not_replaced() -> None:
    write(Path("/dev/null"), "gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write(path, "old")

    def interrupted(*_: object, **names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_write_says_why_it_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    folder, below, long = tmp_path / "folder", tmp_path / "file/x", tmp_path / ("n" * 300)
    assert refused(write, folder, "").message == f"cannot write {folder}: it is a folder"
    assert refused(write, below, "").message == (f"cannot write {below}: a part of the path is a file, not a folder")
    assert refused(write, long, "").message == f"cannot write {long}: the name is too long"
    assert refused(write, tmp_path / "a", "x\ud800").message.endswith("character 1 (U+D800) is half of a pair")

    def full(*_: object, **names: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    error = refused(write, tmp_path / "a", "")
    assert (error.code, error.message) == ("E420", f"cannot write {tmp_path / 'a'}: the disk is full")


def test_append_adds_records(tmp_path: Path) -> None:
    path = tmp_path / "ev/log.txt"
    for record in ("one", "two\n", "", "three\n\n"):
        append(path, record)
    assert path.read_text() == "one\ntwo\n\nthree\n\n"


def test_append_completes_an_unfinished_line_of_jsonl_only(tmp_path: Path) -> None:
    for name, content in {"a.jsonl": '{"a":1}\n2\n', "a.txt": '{"a":1}2\n'}.items():
        (tmp_path / name).write_text('{"a":1}')
        append(tmp_path / name, "2")
        assert (tmp_path / name).read_text() == content


def test_append_says_why_it_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refused(append, tmp_path, "x")
    assert (error.code, error.message) == ("E421", f"cannot append to {tmp_path}: it is a folder")
    path, whole = tmp_path / "a.txt", os.write

    def little(descriptor: int, data: Any) -> int:
        """A disk with room for two more bytes."""
        if os.fstat(descriptor).st_size >= 6:
            raise OSError(errno.ENOSPC, "")
        return whole(descriptor, bytes(data)[:2])

    path.write_text("one\n")
    monkeypatch.setattr(os, "write", little)
    error = refused(append, path, "xyz")
    assert error.message == f"cannot append to {path}: the disk is full"
    assert path.read_text() == "one\n"  # nothing of a record that does not fit


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["-e", 'show "0123456789".repeat(9)'], ["-e", 'show "x"', "--no-stream"], ["howto"]])
def test_standard_output_that_takes_no_more(tmp_path: Path, words: list[str], unbuffered: str) -> None:
    environ = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(cache_dir().parent), "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "orchestra", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environ)
    assert done.returncode == 1
    assert "cannot write to standard output" in done.stderr
    assert "Traceback" not in done.stderr
    assert "E901" not in done.stderr


PARSED = with_facts({"n": 1.0}, text='{"n":   1.0}')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("kept as is\n\n", "kept as is\n\n"),
        ("", ""),
        (2.0, "2"),
        (True, "true"),
        (None, "null"),
        (MISSING, "null"),
        ({"step": 2, "done": ["ä"]}, '{\n  "step": 2,\n  "done": [\n    "ä"\n  ]\n}'),
        ([], "[]"),
        (PARSED, '{"n":   1.0}'),
        (Tagged("secret", Meta(labels=("secret",))), "secret"),
        (with_facts(1.5, text="1.50"), "1.50"),
    ],
)
def test_output_text(value: Any, text: str) -> None:
    assert render_output(value) == text
    assert render_output(value, "json", ".md") == text


def test_output_as_yaml() -> None:
    value = {"b": 2.0, "a": ["ü", None, Tagged(True, Meta(labels=("x",)))]}
    assert render_output(value, "yaml") == "b: 2\na:\n- ü\n- null\n- true\n"
    assert render_output(PARSED, "yaml") == "n: 1\n"
    assert render_output("text", "yaml") == "text"
    assert render_output(value, None, ".yaml").startswith("{\n")


def test_output_as_csv_and_xml_by_format_or_suffix() -> None:
    rows = [{"a": 1, "b": "x"}, {"a": Tagged(2, Meta(labels=("l",))), "b": "y, z"}]
    assert render_output(rows, "csv").splitlines() == ["a,b", "1,x", '2,"y, z"']
    assert render_output(rows, None, ".CSV") == render_output(rows, "csv", ".txt")
    assert "<A>" in render_output({"a": 1}, None, ".xml")
    assert render_output({"a": 1}, "json", ".csv") == '{\n  "a": 1\n}'
    assert render_output("a;b", None, ".csv") == "a;b"


def test_an_unknown_output_format_is_refused() -> None:
    error = refused(render_output, {}, "yml2")
    assert (error.code, error.message, error.help) == ("E420", 'unknown output format "yml2"', "as yml")
    assert refused(render_output, {}, "parquet").help == "the formats are yaml, csv, xml and json"


@pytest.mark.parametrize(
    ("value", "suffix", "as_", "text"),
    [
        ({"id": 4, "tags": ["x"]}, ".jsonl", None, '{"id":4,"tags":["x"]}'),
        ('{"id": 5}\n', ".jsonl", None, '{"id":5}'),
        (PARSED, ".jsonl", None, '{"n":1}'),
        (7, ".JSONL", None, "7"),
        (None, ".jsonl", None, "null"),
        ([1], ".log", "jsonl", "[1]"),
        ("free", ".log", "text", "free"),
        ("free\n", "", None, "free\n"),
        ({"a": 1}, ".txt", None, '{\n  "a": 1\n}'),
        (PARSED, ".txt", None, '{"n":   1.0}'),
    ],
)
def test_record_text(value: Any, suffix: str, as_: str | None, text: str) -> None:
    assert render_record(value, suffix, as_) == text


@pytest.mark.parametrize(
    ("value", "suffix", "as_", "message"),
    [
        ("free text", ".jsonl", None, "JSON required for .jsonl"),
        ("NaN", ".jsonl", None, "JSON required for .jsonl"),
        ("free text", ".log", "jsonl", "JSON required for .jsonl"),
        ("free text", ".jsonl", "text", "JSON required for .jsonl"),
        ({}, ".json", None, "a .json file holds one value and cannot be appended to"),
        ({}, ".json", "jsonl", "a .json file holds one value and cannot be appended to"),
        ({}, ".txt", "yaml", 'unknown append format "yaml"'),
    ],
)
def test_records_that_are_refused(value: Any, suffix: str, as_: str | None, message: str) -> None:
    error = refused(render_record, value, suffix, as_)
    assert (error.code, error.message) == ("E421", message)


def test_records_of_parallel_processes_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    code = (
        "import sys, pathlib; from orchestra.runtime.files.writer import append\n"
        "for n in range(100): append(pathlib.Path(sys.argv[1]), '[' + ','.join([sys.argv[2]] * 5000) + ']')"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(["[" + ",".join([str(n)] * 5000) + "]" for n in range(3)] * 100)
