"""Workspaces in memory, and the paths that `file` may write."""

from __future__ import annotations

import pytest

from orchestra.errors import OrchError
from orchestra.runtime.files.selectors import parse_selector
from orchestra.runtime.files.workspace import Workspace, safe_relative
from orchestra.values.tagged import Meta, plain


@pytest.fixture
def desk() -> Workspace:
    space = Workspace("desk", {"src/a.py": "x = 1\n", "kept.md": "# Kept\n"})
    space.write("task.md", "# Task\nport\n", about="brief")
    space.write("in/data.json", '{"n": 7}', Meta(labels=("secret",), taint=("secret",)))
    space.write("src/a.py", "x = 2\n")
    return space


def test_reading(desk: Workspace) -> None:
    assert plain(desk.load("task.md")) == "# Task\nport\n"
    assert plain(desk.load("./in//data.json")) == {"n": 7}
    assert plain(desk.load("task.md", parse_selector("# task"))) == "# Task\nport"
    assert plain(desk.load("**/*.md")) == ["# Kept\n", "# Task\nport\n"]
    assert plain(desk.load("*.pdf")) == []
    assert desk.load("gone.md", optional=True) is None


def test_facts(desk: Workspace) -> None:
    value = desk.load("in/data.json")
    facts = value.meta.facts
    assert (facts["filename"], facts["relative"], facts["absolute"]) == (
        "data.json",
        "./in/data.json",
        "@desk/in/data.json",
    )
    assert (facts["dirname"], facts["keys"]) == ("in", ["n"])
    assert (value.meta.labels, value.meta.sources) == (("secret",), ("@desk/in/data.json",))
    assert desk.load("task.md").meta.facts["desc"] == "brief"
    assert desk.load("task.md").meta.facts["dirname"] == "desk"


def test_exists(desk: Workspace) -> None:
    assert desk.exists("task.md") and desk.exists("src/*.py") and desk.exists("./task.md")
    assert not desk.exists("src") and not desk.exists("*.pdf")


def test_edits(desk: Workspace) -> None:
    assert desk.edits == [
        {"path": "in/data.json", "type": "created", "entity": "file"},
        {"path": "src/a.py", "type": "modified", "entity": "file"},
        {"path": "task.md", "type": "created", "entity": "file"},
    ]
    desk.write("src/a.py", "x = 1\n")
    assert [edit["path"] for edit in desk.edits] == ["in/data.json", "task.md"]


def test_diffs(desk: Workspace) -> None:
    changed = "--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    assert desk.diff("src/a.py") == changed
    assert desk.load("src/a.py").meta.facts["diff"] == changed
    assert desk.diff("kept.md") == ""
    assert desk.diff("in/data.json") == (
        "--- /dev/null\n+++ b/in/data.json\n@@ -0,0 +1 @@\n" + '+{"n": 7}\n\\ No newline at end of file\n'
    )


def test_a_page_is_markdown_and_its_diff_html() -> None:
    space = Workspace("w", {"p.html": "<p>a</p>\n"})
    space.write("p.html", "<p>b</p>\n")
    value = space.load("p.html")
    assert (value.data, value.meta.facts["html"]) == ("b\n", "<p>b</p>\n")
    assert value.meta.facts["diff"] == space.diff("p.html") != ""


def test_descriptions_stay(desk: Workspace) -> None:
    desk.write("task.md", "other")
    assert desk.descriptions == {"task.md": "brief"}
    desk.write("task.md", "other", about="new")
    assert desk.descriptions == {"task.md": "new"}


def test_a_missing_file(desk: Workspace) -> None:
    with pytest.raises(OrchError) as caught:
        desk.load("tsak.md")
    assert (caught.value.code, caught.value.message) == ("E401", "file not found: @desk/tsak.md")
    assert caught.value.help == "did you mean <@desk/task.md>?"


def test_safe_relative() -> None:
    assert safe_relative("a//b/./c.txt") == "a/b/c.txt"
    assert safe_relative("a\\b.txt") == "a/b.txt"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/etc/passwd", "/etc/passwd is absolute; only paths below the folder can be written"),
        ("C:\\x", "C:\\x is absolute; only paths below the folder can be written"),
        ("a/../b", "a/../b leads out of the folder"),
        ("a\\..\\b", "a\\..\\b leads out of the folder"),
        ("", "a file needs a name"),
        ("./", "a file needs a name"),
        ("a\0b", "a file needs a name"),
    ],
)
def test_unsafe_paths(path: str, message: str) -> None:
    with pytest.raises(OrchError) as caught:
        safe_relative(path)
    assert (caught.value.code, caught.value.message) == ("E402", message)
    with pytest.raises(OrchError):
        Workspace("w").write(path, "x")
