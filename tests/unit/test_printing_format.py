"""`orch format`: which files it writes, what it says, and what it refuses."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from orchestra.cli import format
from orchestra.cli.shell import Shell
from orchestra.errors import OrchError


def formats(folder: Path, *argv: str) -> tuple[int, str]:
    """Exit code and standard output."""
    out = io.StringIO()
    shell = Shell(io.StringIO(), out, io.StringIO(), {"HOME": str(folder)}, folder)
    return format.main(list(argv), shell), out.getvalue()


def test_writes_what_changes_and_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.mld").write_text("show   1+1\n")
    (tmp_path / "b.mld").write_text("show 2\n")
    assert formats(tmp_path, "a.mld", "b.mld") == (0, "formatted a.mld\n")
    assert (tmp_path / "a.mld").read_text() == "show 1 + 1\n"
    assert formats(tmp_path, "a.mld", "b.mld") == (0, "")


def test_check_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mld").write_text("show   1")
    assert formats(tmp_path, "--check", "a.mld") == (1, "would change a.mld\n")
    assert (tmp_path / "a.mld").read_text() == "show   1"
    (tmp_path / "a.mld").write_text("show 1\n")
    assert formats(tmp_path, "--check", "a.mld") == (0, "")


def test_an_empty_script_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "a.mld").write_text("")
    assert formats(tmp_path, "--check", "a.mld") == (0, "")


def test_a_script_of_comments_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "a.mld").write_text(">> one\n\n\n>> two")
    assert formats(tmp_path, "a.mld")[0] == 0
    assert (tmp_path / "a.mld").read_text() == ">> one\n\n>> two\n"


def test_a_wrong_script_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mld").write_text("show  [1")
    with pytest.raises(OrchError) as caught:
        formats(tmp_path, "a.mld")
    assert (caught.value.code, caught.value.exit) == ("E103", 2)
    assert (tmp_path / "a.mld").read_text() == "show  [1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.mld", "file not found: none.mld"),
        ("folder", "file not found: folder"),
        ("text.att", "text.att is a template: its text is its layout"),
        ("bytes.mld", "bytes.mld is not UTF-8 text"),
    ],
)
def test_what_cannot_be_laid_out(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.att").write_text("hello @name")
    (tmp_path / "bytes.mld").write_bytes(b"show \xff")
    with pytest.raises(OrchError) as caught:
        formats(tmp_path, name)
    assert (caught.value.message, caught.value.exit) == (message, 2)
