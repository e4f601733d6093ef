"""The file tools: what they give, what they refuse, and that nothing gets past the folder of the call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestra.providers.protocol import ToolCall
from orchestra.runtime.tools.specs import parse_tools
from orchestra.runtime.tools.toolbox import Toolbox, ToolResult
from orchestra.runtime.tools.workspace import Workspace

ALL = "Read,Write,Edit,Glob,Grep"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The call's folder; `outside` beside it holds what must not be reached."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("secret")
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


def use(folder: Path, tool: str, spec: str = ALL, extra: list[Path] | None = None, **input: Any) -> ToolResult:
    input = {name.replace("context", "-C"): value for name, value in input.items()}
    toolbox = Toolbox(parse_tools(spec), Workspace(folder, extra or []), folder, None, dict(os.environ))
    return trio.run(toolbox.run, ToolCall("t", tool, input))


def ok(folder: Path, tool: str, spec: str = ALL, **input: Any) -> str:
    result = use(folder, tool, spec, **input)
    assert not result.is_error, result.text
    return result.text


def refused(folder: Path, tool: str, spec: str = ALL, **input: Any) -> str:
    result = use(folder, tool, spec, **input)
    assert result.is_error, result.text
    assert str(folder.parent) not in result.text or str(folder.parent) in str(input)
    return result.text


# ── Read ─────────────────────────────────────────────────────────────────────────────────────────


def test_read_numbers_lines(folder: Path) -> None:
    (folder / "a.txt").write_bytes("eins\r\nzwei\r\nßdrei".encode())
    assert ok(folder, "Read", file_path="a.txt") == "     1\teins\n     2\tzwei\n     3\tßdrei"
    assert ok(folder, "Read", file_path=str(folder / "a.txt"), offset=2, limit=1) == (
        "     2\tzwei\n[the file goes on; read more with offset 3]"
    )
    assert ok(folder, "Read", file_path="a.txt", offset=9) == "the file has only 3 lines"
    (folder / "empty").touch()
    assert ok(folder, "Read", file_path="empty") == "the file is empty"


def test_read_is_limited(folder: Path) -> None:
    (folder / "many").write_text("x\n" * 2001)
    lines = ok(folder, "Read", file_path="many", limit=5000).splitlines()
    assert (len(lines), lines[-1]) == (2001, "[the file goes on; read more with offset 2001]")
    (folder / "wide").write_text(("y" * 999 + "\n") * 300)
    assert ok(folder, "Read", file_path="wide").splitlines()[-1] == "[the file goes on; read more with offset 263]"
    (folder / "long").write_text("z" * 300_000)
    assert ok(folder, "Read", file_path="long").endswith("z\n[the line goes on; search in it with Grep]")


def test_read_takes_text_files_only(folder: Path) -> None:
    (folder / "bin").write_bytes(b"a\0b")
    assert refused(folder, "Read", file_path="bin") == "bin is not a text file"
    os.mkfifo(folder / "pipe")
    assert refused(folder, "Read", file_path="pipe") == "pipe is not a regular file"
    (folder / "sub").mkdir()
    assert refused(folder, "Read", file_path="sub") == "sub is not a regular file"
    assert refused(folder, "Read", file_path="nope.txt") == "nope.txt: no such file"


# ── confinement ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tool", ["Read", "Write", "Edit"])
@pytest.mark.parametrize(
    "path",
    [
        "../outside/secret.txt",
        "/etc/passwd",
        "sub/../../outside/secret.txt",
        "link/secret.txt",
        "file",
        "link/../x",
    ],
)
def test_nothing_outside_is_reached(folder: Path, tool: str, path: str) -> None:
    (folder / "sub").mkdir()
    (folder / "link").symlink_to(folder.parent / "outside")
    (folder / "file").symlink_to(folder.parent / "outside/secret.txt")
    more = {"Read": {}, "Write": {"content": "x"}, "Edit": {"old_string": "secret", "new_string": "x"}}[tool]
    assert refused(folder, tool, file_path=path, **more) == f"{path} lies outside of the folders you may use"
    assert (folder.parent / "outside/secret.txt").read_text() == "secret"


@pytest.mark.parametrize("path", ["../inside-too/x", "../insider"])
def test_a_folder_with_the_same_beginning_is_another_one(folder: Path, path: str) -> None:
    assert "outside" in refused(folder, "Write", file_path=path, content="x")


def test_links_inside_are_followed(folder: Path) -> None:
    (folder / "real.txt").write_text("old")
    (folder / "alias.txt").symlink_to("real.txt")
    ok(folder, "Write", file_path="alias.txt", content="new")
    assert (folder / "real.txt").read_text() == "new"
    assert (folder / "alias.txt").is_symlink()


def test_permission_is_asked_for_what_a_link_points_to(folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "src.py").write_text("x = 1")
    (folder / "docs/src.py").symlink_to("../src.py")
    assert refused(folder, "Read", "Read(docs/**)", file_path="docs/src.py") == (
        "Read is not allowed for docs/src.py; allowed is Read(docs/**)"
    )


def test_further_roots(folder: Path) -> None:
    outside = folder.parent / "outside"
    result = use(folder, "Read", extra=[outside], file_path=str(outside / "secret.txt"))
    assert result.text == "     1\tsecret"
    result = use(folder, "Read", "Read(**)", extra=[outside], file_path="../outside/secret.txt")
    assert not result.is_error


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("", "the path is empty"),
        ("a\0b", "the path contains a character that no path can have"),
        ("a\ud800", "the path contains a character that no path can have"),
    ],
)
def test_odd_paths(folder: Path, path: str, text: str) -> None:
    assert refused(folder, "Read", file_path=path) == text


def test_loops_of_links(folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    assert refused(folder, "Read", file_path="loop") == "loop: is a symbolic link"
    assert refused(folder, "Write", file_path="loop", content="x") == "loop is not a regular file"


@pytest.mark.parametrize("path", [".env", "conf/.env.local", "keys/server.pem", "home/.ssh/config", ".ENV", "id_rsa"])
def test_credentials_are_neither_read_nor_written(folder: Path, path: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("KEY=1")
    assert refused(folder, "Read", file_path=path) == f"{path} may hold credentials and is never read"
    assert refused(folder, "Write", file_path=path, content="x") == f"{path} is protected and is never written"
    assert ok(folder, "Glob", pattern="**") == "no files match"


def test_credentials_are_not_searched(folder: Path) -> None:
    (folder / "server.pem").write_text("KEY=1")
    assert ok(folder, "Grep", pattern="KEY") == "nothing found"
    assert ok(folder, "Grep", pattern="KEY", path="server.pem") == "nothing found"


@pytest.mark.parametrize("path", [".git/config", ".git/hooks/x", ".GIT/config", ".orch/store.db", "orch.toml", ".git"])
def test_settings_are_not_written(folder: Path, path: str) -> None:
    assert refused(folder, "Write", file_path=path, content="x") == f"{path} is protected and is never written"
    assert not (folder / path).exists()


def test_examples_of_settings_are_harmless(folder: Path) -> None:
    ok(folder, "Write", file_path=".env.example", content="KEY=\n")
    assert ok(folder, "Read", file_path=".env.example") == "     1\tKEY="


# ── Write and Edit ───────────────────────────────────────────────────────────────────────────────


def test_write_creates_folders_keeps_the_mode_and_leaves_nothing_behind(folder: Path) -> None:
    assert ok(folder, "Write", file_path="a/b/c.txt", content="é") == "wrote 2 bytes to a/b/c.txt"
    target = folder / "a/b/c.txt"
    target.chmod(0o750)
    ok(folder, "Write", file_path="a/b/c.txt", content="two\r\n")
    assert target.read_bytes() == b"two\r\n"
    assert target.stat().st_mode & 0o777 == 0o750
    assert os.listdir(folder / "a/b") == ["c.txt"]
    assert refused(folder, "Write", file_path="a/b", content="x") == "a/b is not a regular file"
    assert refused(folder, "Write", file_path="a/b/c.txt/d", content="x") == "a/b/c.txt/d: not a directory"


def test_edit(folder: Path) -> None:
    target = folder / "a.py"
    target.write_bytes(b"x = 1\r\ny = 1\r\n")
    assert ok(folder, "Edit", file_path="a.py", old_string="x = 1", new_string="x = 2") == (
        "replaced 1 occurrence in a.py"
    )
    assert target.read_bytes() == b"x = 2\r\ny = 1\r\n"
    assert ok(folder, "Edit", file_path="a.py", old_string=" = ", new_string="=", replace_all=True) == (
        "replaced 2 occurrences in a.py"
    )


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("q", "r", "old_string does not occur in a.py; it must match to the letter, spaces included"),
        ("x", "r", "old_string occurs 2 times in a.py; make it longer or set replace_all"),
        ("", "r", "old_string is empty"),
        ("x", "x", "old_string and new_string are the same"),
    ],
)
def test_edit_refuses(folder: Path, old: str, new: str, text: str) -> None:
    (folder / "a.py").write_text("x x")
    assert refused(folder, "Edit", file_path="a.py", old_string=old, new_string=new) == text


def test_edit_creates_nothing_and_spares_other_encodings(folder: Path) -> None:
    assert refused(folder, "Edit", file_path="new.py", old_string="a", new_string="b") == "new.py: no such file"
    (folder / "latin").write_bytes(b"caf\xe9")
    assert refused(folder, "Edit", file_path="latin", old_string="c", new_string="b") == "latin is not UTF-8 text"


# ── Glob and Grep ────────────────────────────────────────────────────────────────────────────────


def tree(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"needle in {name}\nsecond line\n")
        os.utime(path, (number, number))


def test_glob_is_sorted_and_skips_hidden_and_ignored_files(folder: Path) -> None:
    tree(
        folder,
        "a.py",
        "src/b.py",
        "src/deep/c.py",
        ".hidden/d.py",
        "build/e.py",
        "src/gen.py",
        "src/keep/f.py",
    )
    (folder / ".gitignore").write_text("build/\nkeep/\ngen.*\n")
    (folder / "src/.gitignore").write_text("!keep/\n")
    (folder / "out").symlink_to(folder.parent / "outside")
    assert ok(folder, "Glob", pattern="**/*.py").splitlines() == [
        "src/keep/f.py",
        "src/deep/c.py",
        "src/b.py",
        "a.py",
    ]
    assert ok(folder, "Glob", pattern="*.py") == "a.py"
    assert ok(folder, "Glob", pattern="*.py", path="src") == "src/b.py"
    assert ok(folder, "Glob", pattern="*.rs") == "no files match"
    assert refused(folder, "Glob", pattern="*", path="..") == ".. lies outside of the folders you may use"
    assert refused(folder, "Glob", pattern="*", path="nope") == "the path to search in is no folder"


def test_glob_is_limited(folder: Path) -> None:
    tree(folder, *(f"f{number:03}" for number in range(203)))
    lines = ok(folder, "Glob", pattern="*").splitlines()
    assert (len(lines), lines[0], lines[-1]) == (201, "f202", "[3 more; narrow the pattern]")


def test_grep_modes(folder: Path) -> None:
    tree(folder, "a.py", "src/b.py", "src/c.md")
    assert ok(folder, "Grep", pattern="ne+dle") == "a.py\nsrc/b.py\nsrc/c.md\n"
    assert ok(folder, "Grep", pattern="line|needle", glob="*.md", output_mode="count") == "src/c.md:2\n"
    assert ok(folder, "Grep", pattern="second", glob="src/*.py", output_mode="content") == "src/b.py:2:second line\n"
    assert ok(folder, "Grep", pattern="second", path="a.py", output_mode="content", context=1) == (
        "a.py-1-needle in a.py\na.py:2:second line\n"
    )
    assert ok(folder, "Grep", pattern="absent") == "nothing found"
    assert refused(folder, "Grep", pattern="(").startswith("the pattern is not a regular expression: missing )")


def test_grep_separates_stretches_and_skips_binaries(folder: Path) -> None:
    (folder / "a.txt").write_text("".join(f"{number}\n" for number in range(20)))
    (folder / "b.bin").write_bytes(b"\x005\n")
    assert ok(folder, "Grep", pattern="^(5|15)$", output_mode="content", context=1) == (
        "a.txt-5-4\na.txt:6:5\na.txt-7-6\n--\na.txt-15-14\na.txt:16:15\na.txt-17-16\n"
    )


def test_grep_is_limited(folder: Path) -> None:
    (folder / "big.txt").write_text("needle\n" * 20_000)
    text = ok(folder, "Grep", pattern="needle", output_mode="content")
    assert len(text) < 110_000
    assert text.endswith("[more was found; narrow the search]\n")


def test_a_pattern_without_end_is_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.runtime.tools.search.GREP_SECONDS", 0.3)
    (folder / "a.txt").write_text("a" * 60)
    assert refused(folder, "Grep", pattern="(a|aa)+b") == (
        "the search took longer than 0.3 s; use a simpler pattern or fewer files"
    )


def test_searches_see_only_what_may_be_read(folder: Path) -> None:
    tree(folder, "docs/a.md", "src/b.py")
    assert ok(folder, "Grep", "Grep,Read(docs/**)", pattern="needle") == "docs/a.md\n"
    assert ok(folder, "Glob", "Glob,!Read(docs/**)", pattern="**") == "src/b.py"


def test_wrong_input_is_explained(folder: Path) -> None:
    assert refused(folder, "Read", path="a") == (
        "the input of Read is wrong: /: 'file_path' is a required property; "
        "/: Additional properties are not allowed ('path' was unexpected)"
    )
    assert "is not of type 'string'" in refused(folder, "Read", file_path=3)
    assert refused(folder, "Write", "Read", file_path="a", content="") == "there is no tool Write; you have Read"


def test_the_child_of_grep_follows_no_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "outside/secret.txt")
    (folder / "way").symlink_to(folder.parent / "outside")
    task = {
        "pattern": "s",
        "files": [["link", str(folder), str(folder / "link")], ["in", str(folder), str(folder / "way/secret.txt")]],
        "mode": "content",
        "context": 0,
        "limit": 99,
    }
    child = [sys.executable, "-I", "-m", "orchestra.runtime.tools.grep_child"]
    done = subprocess.run(child, input=json.dumps(task), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_reading_calls_of_a_turn_keep_their_order_around_writes(folder: Path) -> None:
    toolbox = Toolbox(parse_tools(ALL), Workspace(folder), folder, None, {})
    calls = [
        ToolCall("1", "Write", {"file_path": "a", "content": "one"}),
        ToolCall("2", "Read", {"file_path": "a"}),
        ToolCall("3", "Grep", {"pattern": "one"}),
        ToolCall("4", "Write", {"file_path": "a", "content": "two"}),
        ToolCall("5", "Read", {"file_path": "a"}),
    ]
    seen: list[str] = []
    results = trio.run(toolbox.run_all, calls, lambda result: seen.append(result.call.id))
    assert [result.call.id for result in results] == ["1", "2", "3", "4", "5"]
    assert [result.text for result in results][1:3] == ["     1\tone", "a\n"]
    assert results[4].text == "     1\ttwo"
    assert sorted(seen) == ["1", "2", "3", "4", "5"]
