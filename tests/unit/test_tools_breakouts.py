"""Attempts to get out of the folder of a call, or at what is protected in it. Each is an attempt of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestra.providers.protocol import ToolCall
from orchestra.runtime.tools.specs import parse_tools
from orchestra.runtime.tools.toolbox import Toolbox
from orchestra.runtime.tools.workspace import Refusal, Workspace

SECRET = "the outside"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The call's folder, with a repository in it; `outside` lies beside it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text(SECRET)
    inside = tmp_path / "inside"
    (inside / ".git").mkdir(parents=True)
    (inside / ".git/config").write_text("[core]\n")
    (inside / "docs").mkdir()
    (inside / "docs/a.md").write_text("inside\n")
    return inside


def use(folder: Path, tool: str, **input: Any) -> tuple[bool, str]:
    """Whether a tool succeeded, and what it said. Nothing but paths is in its way."""
    toolbox = Toolbox(parse_tools("Read,Write,Edit,Glob,Grep"), Workspace(folder), folder, None, dict(os.environ))
    result = trio.run(toolbox.run, ToolCall("t", tool, input))
    return not result.is_error, result.text


def untouched(folder: Path) -> bool:
    outside = folder.parent / "outside"
    return os.listdir(outside) == ["secret.txt"] and (outside / "secret.txt").read_text() == SECRET


PLACES = {
    "up": "../outside/secret.txt",
    "up and down": "docs/../../outside/secret.txt",
    "up in the middle of nothing": "nothing/../../outside/secret.txt",
    "absolute": "{outside}/secret.txt",
    "absolute with double slashes": "//{outside}//secret.txt",
    "home": "~/secret.txt",
    "home of somebody": "~root/secret.txt",
    "link to a file": "file-link",
    "link to a folder": "folder-link/secret.txt",
    "link to a link": "link-link/secret.txt",
    "dangling link": "dangling",
    "link in a circle": "circle/x",
    "process": "/proc/self/environ",
    "own files of the process": "/proc/self/cwd/../outside/secret.txt",
    "link to the process": "process/environ",
    "device": "/dev/zero",
    "zero byte": "docs/a.md\0/../../outside/secret.txt",
    "half a character": "docs/\ud800.md",
    "nothing": "",
    "very long": "x" * 5000,
    "very deep": "x/" * 3000 + "y",
}


def links(folder: Path) -> None:
    outside = folder.parent / "outside"
    (folder / "file-link").symlink_to(outside / "secret.txt")
    (folder / "folder-link").symlink_to(outside)
    (folder / "link-link").symlink_to("folder-link")
    (folder / "dangling").symlink_to(outside / "new.txt")
    (folder / "circle").symlink_to("circle")
    (folder / "process").symlink_to("/proc/self")


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("tool", ["Read", "Write", "Edit"])
def test_places_outside(folder: Path, tool: str, place: str) -> None:
    links(folder)
    given = place.replace("{outside}", str(folder.parent / "outside"))
    more = {"Write": {"content": "x"}, "Edit": {"old_string": "the", "new_string": "x"}}.get(tool, {})
    succeeded, text = use(folder, tool, file_path=given, **more)
    assert not succeeded
    assert SECRET not in text
    assert str(folder.parent) not in text.replace(given, "")
    assert untouched(folder)


@pytest.mark.parametrize("place", ["..", "../outside", "folder-link", "/", "~", "/proc/self"])
@pytest.mark.parametrize("tool", ["Glob", "Grep"])
def test_searches_outside(folder: Path, tool: str, place: str) -> None:
    links(folder)
    succeeded, text = use(folder, tool, pattern="**" if tool == "Glob" else ".", path=place)
    assert not succeeded
    assert "secret" not in text


@pytest.mark.parametrize("pattern", ["../**", "/**", "**/../../outside/*", "folder-link/*", "*-link", "{..,docs}/**"])
def test_patterns_lead_nowhere_else(folder: Path, pattern: str) -> None:
    links(folder)
    _, text = use(folder, "Glob", pattern=pattern)
    assert "secret" not in text
    assert "link" not in text.replace(pattern, "")


PROTECTED = [
    ".git/config", ".git/hooks/pre-commit", ".GIT/config", ".git./config", ".git /config", ".gi\u200ct/config",
    ".\uff47it/config", "git~1/config", "docs/../.git/config", "sub/.git", ".orch/store.db", "orch.toml", "Orch.Toml",
    ".env", ".ENV", ".env.local", "id_rsa", "keys/server.PEM", ".ssh/config", ".claude/settings.json", ".mcp.json",
]  # fmt: skip


@pytest.mark.parametrize("name", PROTECTED)
def test_protected_names(folder: Path, name: str) -> None:
    succeeded, text = use(folder, "Write", file_path=name, content="x")
    assert (succeeded, text) == (False, f"{name} is protected and is never written")
    assert (folder / ".git/config").read_text() == "[core]\n"


def test_a_hard_link_to_a_protected_file_is_replaced_and_not_written_through(folder: Path) -> None:
    os.link(folder / ".git/config", folder / "notes.txt")
    assert use(folder, "Write", file_path="notes.txt", content="x")[0]
    assert use(folder, "Edit", file_path="notes.txt", old_string="x", new_string="y")[0]
    assert (folder / ".git/config").read_text() == "[core]\n"


def test_names_that_look_odd_are_names(folder: Path) -> None:
    for name in ["a b.txt", "a.", "a ", "-rf", "$(id)", "a\nb", "a;b", "~notes", "…", "a\u2028b"]:
        assert use(folder, "Write", file_path=name, content="x")[0], name
        assert use(folder, "Read", file_path=name) == (True, "     1\tx")


# ── what is no file ──────────────────────────────────────────────────────────────────────────────


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [pipe, bound, directory])
def test_what_is_no_file_is_not_opened(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "odd")
    assert use(folder, "Read", file_path="odd") in [
        (False, "odd is not a regular file"),
        (False, "odd: is not a regular file"),
    ]
    assert use(folder, "Write", file_path="odd", content="x") == (False, "odd is not a regular file")
    assert not use(folder, "Edit", file_path="odd", old_string="a", new_string="b")[0]
    assert use(folder, "Grep", pattern="x", output_mode="content")[1] == "nothing found"
    assert "odd" not in use(folder, "Glob", pattern="**")[1]


def test_a_pipe_as_list_of_ignored_files_keeps_nobody_waiting(folder: Path) -> None:
    os.mkfifo(folder / ".gitignore")
    assert use(folder, "Glob", pattern="**") == (True, "docs/a.md")


def test_binary_and_huge_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "image.png").write_bytes(b"\x89PNG\0\0")
    with open(folder / "huge.txt", "wb") as handle:
        handle.truncate(3 << 30)  # takes no room on the disk
    assert use(folder, "Read", file_path="image.png") == (False, "image.png is not a text file")
    assert use(folder, "Read", file_path="huge.txt") == (False, "huge.txt is not a text file")
    assert use(folder, "Edit", file_path="huge.txt", old_string="a", new_string="b") == (
        False,
        "huge.txt is larger than 16 MiB, too large to be edited",
    )
    monkeypatch.setattr("orchestra.runtime.tools.files.MOST_PASSED", 1000)
    (folder / "long.txt").write_bytes(b"line\n" * 1000)
    assert use(folder, "Read", file_path="long.txt", offset=201, limit=1)[1].startswith("   201\tline")
    assert use(folder, "Read", file_path="long.txt", offset=202) == (
        False,
        "line 202 of long.txt lies too far behind; look for it with Grep",
    )
    assert use(folder, "Grep", pattern="PNG") == (True, "nothing found")


# ── between check and use ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def swapped(folder: Path) -> tuple[Workspace, Path]:
    """A workspace and a path that has been checked, in whose way a link has been put since then."""
    (folder / "docs/secret.txt").write_text("inside")
    workspace = Workspace(folder)
    path = workspace.locate("docs/secret.txt")
    (folder / "docs").rename(folder / "moved")
    (folder / "docs").symlink_to(folder.parent / "outside")
    return workspace, path


def test_a_folder_that_became_a_link_is_not_read_through(folder: Path, swapped: tuple[Workspace, Path]) -> None:
    workspace, path = swapped
    with pytest.raises(Refusal, match="not a directory"):
        workspace.open_file(path, "docs/secret.txt")


def test_a_folder_that_became_a_link_is_not_written_through(folder: Path, swapped: tuple[Workspace, Path]) -> None:
    workspace, path = swapped
    for target in (path, path.with_name("new.txt"), path.parent / "deeper/new.txt"):
        with pytest.raises(Refusal, match="not a directory"):
            workspace.write_file(target, "docs/new.txt", b"x")
    assert untouched(folder)


def test_a_file_that_became_a_link_is_neither_read_nor_written_through(folder: Path) -> None:
    workspace = Workspace(folder)
    path = workspace.locate("docs/a.md")
    path.unlink()
    path.symlink_to(folder.parent / "outside/secret.txt")
    with pytest.raises(Refusal, match="is a symbolic link"):
        workspace.open_file(path, "docs/a.md")
    with pytest.raises(Refusal, match="is not a regular file"):
        workspace.write_file(path, "docs/a.md", b"x")
    assert untouched(folder)


def test_a_folder_swapped_all_the_time_never_gives_the_outside(folder: Path) -> None:
    """Two names take turns for `docs`, one of them a link to the outside, while it is read and written."""
    (folder / "docs/secret.txt").write_text("inside")
    (folder / "other").symlink_to(folder.parent / "outside")
    workspace, seen = Workspace(folder), set()
    for number in range(400):
        try:
            path = workspace.locate("docs/secret.txt")
            if number % 2:
                for old, new in (("docs", "spare"), ("other", "docs"), ("spare", "other")):
                    os.rename(folder / old, folder / new)
            with workspace.open_file(path, "docs/secret.txt") as handle:
                seen.add(handle.read())
            workspace.write_file(path, "docs/secret.txt", b"inside")
        except Refusal:
            continue
    assert seen == {b"inside"}
    assert untouched(folder)
