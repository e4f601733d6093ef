"""`orch test`: which files are tests, when they pass, what is told, and that nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_desk import Desk

from orchestra.cli.scratch import Scratch

LEAVES = """\
output "x" to "made/x.txt"
output "changed" to "kept.txt"
sh { rm gone.txt; touch llm.tmp; mkdir -p empty; echo more >> kept.txt }
show <kept.txt>
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "garden", environ={"BED_TOKEN": "hush-hush", "ORCH_LLM_PROVIDER": "nobody", "PATH": "/bin"})
    desk.write("orch.toml")
    return desk


def files(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_nothing_is_left(desk: Desk) -> None:
    for name in ("a", "b"):
        desk.write(f"{name}.test.mld", LEAVES)
        desk.write(f"{name}.expected.txt", "changedmore\n")
    desk.write("kept.txt", "kept")
    desk.write("gone.txt", "there")
    before = files(desk.root)
    assert desk.orch("test", "-j", "1") == 0, desk.out
    assert files(desk.root) == before


def test_what_a_link_out_of_the_project_leads_to_is_in_the_copy(tmp_path: Path) -> None:
    root = tmp_path / "garden"
    root.mkdir()
    (tmp_path / "shed").mkdir()
    (tmp_path / "shed" / "spade.txt").write_text("spade")
    (root / "tools").symlink_to("../shed")
    (root / "gone").symlink_to("../nowhere")
    (tmp_path / "work").mkdir()
    scratch = Scratch(root, tmp_path / "work")
    (scratch.root / "tools" / "spade.txt").write_text("broken")
    (scratch.root / "tools" / "rake.txt").write_text("rake")
    scratch.restore()
    assert files(scratch.root) == {"tools/spade.txt": "spade"}
    assert (tmp_path / "shed" / "spade.txt").read_text() == "spade"


def test_a_copy_is_restored_and_leaves_out_what_is_made_again(tmp_path: Path) -> None:
    root = tmp_path / "garden"
    for name in ("a.txt", "beds/b.txt", ".git/c", "llm/output/d", "node_modules/e"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("a.txt")
    (tmp_path / "work").mkdir()
    scratch = Scratch(root, tmp_path / "work")
    assert sorted(files(scratch.root)) == ["a.txt", "beds/b.txt", "link"]
    (scratch.root / "a.txt").write_text("A.TXT")
    (scratch.root / "beds/b.txt").unlink()
    (scratch.root / "beds").rmdir()
    (scratch.root / "beds").write_text("a file")
    (scratch.root / "link").unlink()
    (scratch.root / "new/er").mkdir(parents=True)
    for _ in range(2):
        scratch.restore()
        assert files(scratch.root) == {"a.txt": "a.txt", "beds/b.txt": "beds/b.txt", "link": "a.txt"}
        assert (scratch.root / "link").is_symlink()
        assert not (scratch.root / "new").exists()


def test_keys_and_settings_are_not_seen(desk: Desk) -> None:
    desk.write("a.test.mld", 'show run { echo "[$BED_TOKEN$ORCH_LLM_PROVIDER] $HOME" }\n')
    desk.write("a.expected.txt", "")
    assert desk.orch("test") == 1
    assert "+[] /" in desk.out
    assert str(desk.root) not in desk.out.split("+[]")[1]


def test_a_model_without_replies_and_replies_without_a_call(desk: Desk) -> None:
    desk.write("ask.test.mld", 'import { @haiku } from @orch/llm\nshow @haiku("peas?")\n')
    assert desk.orch("test") == 1
    assert "FAILED ask.test.mld:2\nerror[E715]: no recorded answer for @haiku" in desk.out
    desk.write("ask.replies.jsonl", '{"reply": "yes"}\n{"match": {"nth": 2}, "reply": "no"}\n')
    assert desk.orch("test") == 1
    assert "1 recorded replies answered nothing: ask.replies.jsonl:2" in desk.out
    desk.write("ask.replies.jsonl", '{"reply": "yes"}')
    assert desk.orch("test") == 0


def test_arguments_and_standard_input(desk: Desk) -> None:
    desk.write("a.test.mld", "show `@payload.bed @input @now`\n")
    desk.write("a.args", "--bed\nnorth\n--clock\n2027-03-04\n")
    desk.write("a.stdin", "given")
    desk.write("a.expected.txt", "north given 2027-03-04T00:00:00.000Z\n")
    assert desk.orch("test") == 0, desk.out


def test_what_goes_wrong_is_a_failure(desk: Desk) -> None:
    desk.write("exit.test.mld", "var @r = for parallel(2) @i in [1, 2] => @boom(@i)\nexe @boom(i) = sh { exit 3 }\n")
    desk.write("syntax.test.mld", "show (\n")
    desk.write("import.test.mld", 'import { @x } from "./none.mld"\n')
    assert desk.orch("test", "-v") == 1
    assert sorted(desk.out.splitlines()[:3]) == ["FAILED exit", "FAILED import", "FAILED syntax"]
    assert "0 passed, 3 failed in" in desk.out


def test_several_processes_and_one_that_dies(desk: Desk) -> None:
    for number in range(5):
        desk.write(f"t{number}.test.mld", f'show "{number}"\n')
        desk.write(f"t{number}.expected.txt", f"{number}\n")
    desk.write("kill.test.mld", "sh { kill -9 $PPID }\n")
    assert desk.orch("test", "--json", "-j", "3") == 1
    told = json.loads(desk.out)
    assert (told["passed"], told["failed"]) == (5, 1)
    (bad,) = [entry for entry in told["tests"] if entry["outcome"] == "failed"]
    assert bad["name"] == "kill"
    assert "died" in bad["problem"]


def test_update_writes_what_is_printed(desk: Desk) -> None:
    desk.write("llm/lib/a.test.mld", 'show "peas"\n')
    desk.write("quiet.test.mld", "var @x = 1\n")
    assert desk.orch("test", "--update") == 0
    assert "updated llm/lib/a\n--- a.expected.txt\n+++ printed\n@@ -0,0 +1 @@\n+peas\n2 passed" in desk.out
    assert (desk.root / "llm/lib/a.expected.txt").read_text() == "peas\n"
    assert not (desk.root / "quiet.expected.txt").exists()
    desk.write("llm/lib/a.expected.txt", "peas")
    assert desk.orch("test") == 1
    assert "only the line break at the end differs" in desk.out
    desk.write("llm/lib/a.test.mld", 'throw "no"\n')
    assert desk.orch("test", "--update") == 1
    assert (desk.root / "llm/lib/a.expected.txt").read_text() == "peas", "a failing test teaches nothing"


def test_choosing(desk: Desk) -> None:
    for name in ("beds/rows", "beds/rows-wide", "crops/rows", "node_modules/x/rows"):
        desk.write(f"{name}.test.mld", 'show "ok"\n')
    assert desk.orch("test", "--only", "beds/rows") == 0
    assert desk.out.startswith("ok beds/rows\n1 passed, 0 failed")
    assert desk.orch("test", "--only", "rows") == 0
    assert "2 passed" in desk.out
    assert desk.orch("test", "beds", "-k", "wide", "-v") == 0
    assert desk.out.startswith("ok beds/rows-wide\n1 passed")
    assert desk.orch("test", "rows.test.mld", cwd="crops") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "there are no tests here"),
        (("--only", "beds"), 'there is no test "beds"'),
        (("-k", "zzz"), "no test of 1 holds zzz in its name"),
        (("none",), "file not found"),
        (("orch.toml",), "orch.toml is no test"),
        (("-j", "0"), "invalid value for '--jobs' / '-j'"),
    ],
)
def test_nothing_to_run(desk: Desk, words: tuple[str, ...], told: str) -> None:
    if words:
        desk.write("bed.test.mld", "show 1\n")
    assert desk.orch("test", *words) == 2
    assert told in desk.err


SESSION = """\
What a gardener types.

$ orch run beds --name north -q
Bed north: moss
$ orch run beds --new -q | tr a-z A-Z
BED ?: MOSS
$ (exit 3)
$ echo $?
3
$ cd llm/run && ls
…mld
"""


def test_a_session(desk: Desk) -> None:
    script = """\
import { @haiku } from @orch/llm
var @name = @payload.name ?? "?"
show `Bed @name: @haiku("What grows?")`
"""
    desk.write("llm/run/beds.mld", script)
    desk.write("tests/beds.test.txt", SESSION)
    desk.write("tests/beds.replies.jsonl", '{"reply": "moss"}')
    desk.environ["PATH"] = "/usr/bin:/bin"
    before = files(desk.root)
    assert desk.orch("test", "--only", "beds") == 0, desk.out
    assert desk.out.startswith("ok tests/beds\n1 passed")
    assert files(desk.root) == before
    desk.write("tests/beds.test.txt", SESSION.replace("MOSS", "FIGS"))
    assert desk.orch("test", "--update") == 0
    assert (desk.root / "tests/beds.test.txt").read_text() == SESSION


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing to run\n", "no line begins with $ and a command"),
        ("$ exit 4\n$ echo never\n", "FAILED a.test.txt:1\n$ exit 4\nended the session"),
        (
            "$ echo a\nb\n$ exit\n$ echo 3\n",
            "FAILED a.test.txt:1\n$ echo a\n--- expected\n+++ printed\n@@ -1 +1 @@\n-b\n+a\n",
        ),
    ],
)
def test_sessions_that_fail(desk: Desk, text: str, told: str) -> None:
    desk.write("a.test.txt", text)
    assert desk.orch("test", "--update") == 1
    assert told in desk.out
    assert (desk.root / "a.test.txt").read_text() == text


def test_warnings_before_a_failure_are_shown(desk: Desk) -> None:
    script = "import { @claude } from @orch/llm\nimport { @equal } from @orch/test\n"
    desk.write("a.test.mld", script + '@equal(@claude("peas?", { onFail: "null" }), "yes")\n')
    assert desk.orch("test") == 1
    warned, failed = desk.out.index("warning[E715]"), desk.out.index("error[E310]: not equal")
    assert warned < failed
