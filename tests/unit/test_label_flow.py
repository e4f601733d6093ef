"""Labels travel: what every construct passes on, before and after its result lay in the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestra.cli.in_process import run_in_process

GIVEN = """
var pii @p = "ada"
var staff @s = "hal"
var @plain = "none"
var @both = { a: @p, b: @s, c: "c" }
var @list = [@p, "x", @s]
var team @crew = { a: "a", b: @s }
var pii @number = 3
exe @id(x) = @x
exe draft @mark(x) = @x
exe @unused(x, y) = @y
exe @free() = `free @p`
exe @sh(x) = sh { printf %s "$x" }
exe @js(x) = js { return x }
exe @py(x) = py { print(x) }
exe @cmd(x) = cmd { printf %s @x }
exe @pick(x) = when @x [ "ada" => "yes"; * => "no" ]
"""

ROWS = [
    ("template", "`hi @p`", "pii"),
    ("concatenation of two", "`@p and @s`", "pii staff"),
    ("arithmetic", "@number + 1", "pii"),
    ("comparison", '@p == "ada"', "pii"),
    ("method", "@p.toUpperCase()", "pii"),
    ("argument of a method", '"a-b".replace("a", @p)', "pii"),
    ("length", "@p.length", "pii"),
    ("slice", "@list[0:1]", "pii"),
    ("default, chosen value only", "@p ?? @s", "pii"),
    ("condition of a choice is no part", '@p == "ada" ? @s : "x"', "staff"),
    ("condition of if is no part", 'when [ @p == "ada" => @s; * => "x" ]', "staff"),
    ("matched subject", "@pick(@p)", "pii"),
    ("array", "[@p, 1]", "pii"),
    ("object", "{ a: @p, b: @s }", "pii staff"),
    ("spread", "[...@list, 4]", "pii staff"),
    ("element keeps its own", "@list[2]", "staff"),
    ("plain element", "@list[1]", ""),
    ("field keeps its own", "@both.a", "pii"),
    ("plain field", "@both.c", ""),
    ("field of a labelled container", "@crew.a", "team"),
    ("labels of both", "@crew.b", "team staff"),
    ("for", "for @x in @list => `(@x)`", "pii staff"),
    ("for over a labelled collection", "for @x in @crew => 1", "team"),
    ("foreach", "foreach @id(@list)", "pii staff"),
    ("pipeline", "@p | @id", "pii"),
    ("label of a stage", "@p | @mark", "pii draft"),
    ("argument of a stage", "@plain | @unused(@s)", "staff"),
    ("json", "@both | @json", "pii staff"),
    ("text that is parsed", '`{"a": "@p"}` | @parse', "pii"),
    ("call", "@id(@p)", "pii"),
    ("label of the function", "@mark(@plain)", "draft"),
    ("unused argument", "@unused(@p, @plain)", ""),
    ("free variable", "@free()", "pii"),
    ("cmd", "@cmd(@p)", "pii"),
    ("sh", "@sh(@p)", "pii"),
    ("js", "@js(@p)", "pii"),
    ("py", "@py(@p)", "pii"),
]


def labels_of(root: Path, script: str) -> list[str]:
    (root / "job.mld").write_text(script)
    done = run_in_process(["job.mld"], root, "", {})
    assert done.exit == 0, done.stderr
    return sorted(json.loads(done.stdout))


@pytest.mark.parametrize(("expression", "labels"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_value_carries(tmp_path: Path, expression: str, labels: str) -> None:
    assert labels_of(tmp_path, f"{GIVEN}var @r = {expression}\nshow @r.mx.labels\n") == sorted(labels.split())


@pytest.mark.parametrize(("expression", "labels"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_stored_value_carries_the_same(tmp_path: Path, expression: str, labels: str) -> None:
    asked = f'{GIVEN}exe llm @stored(v) = [ append "x" to "asked.txt"\n => @v ]\nvar @v = {expression}\n'
    script = asked + "var @r = @stored(@v)\nshow @r.mx.labels\n"
    wanted = sorted([*labels.split(), "llm"])
    assert labels_of(tmp_path, script) == wanted
    assert labels_of(tmp_path, script) == wanted
    assert (tmp_path / "asked.txt").read_text() == "x\n", "the second answer came from the store"


@pytest.mark.parametrize(
    ("expression", "taint"),
    [
        ("cmd { printf x }", ["src:cmd"]),
        ("sh { printf x }", ["src:sh"]),
        ('js { return "x" }', ["src:js"]),
        ('py { print("x") }', ["src:py"]),
    ],
)
def test_code_leaves_its_mark(tmp_path: Path, expression: str, taint: list[str]) -> None:
    assert labels_of(tmp_path, f"var @r = {expression}\nshow @r.mx.taint\n") == taint


def test_files_bring_their_folders(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("x")
    (tmp_path / "job.mld").write_text("var @a = <in/a.txt>\nshow `@a!`.mx.taint\nshow @a.mx.sources\n")
    done = run_in_process(["job.mld"], tmp_path, "", {})
    assert '"src:file"' in done.stdout and f'"dir:{tmp_path}/in"' in done.stdout and f'"dir:{tmp_path}"' in done.stdout


def test_parallel_items_carry_their_own(tmp_path: Path) -> None:
    script = f"{GIVEN}var @r = for parallel(3) @x in @list => `(@x)`\nshow @r[1].mx.labels\n"
    assert labels_of(tmp_path, script) == []


def test_imported_values_keep_labels(tmp_path: Path) -> None:
    (tmp_path / "lib.mld").write_text('var pii @name = "ada"\n')
    script = 'import { @name } from "./lib.mld"\nimport draft { @name as @n } from "./lib.mld"\n'
    assert labels_of(tmp_path, f"{script}var @r = [@name, @n]\nshow @r.mx.labels\n") == ["draft", "pii"]
