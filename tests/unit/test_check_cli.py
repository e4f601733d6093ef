"""`orch check` from its words to exit code and streams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_desk import Desk

from orchestra.cli import COMMANDS

ASK = "exe llm @ask(q, result) = `@q @result`\nvar @x = @ask(@topic, 1)\nshow @x\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "project")
    desk.write("orch.toml")
    return desk


def test_both_words_are_commands() -> None:
    assert COMMANDS["check"][0] == COMMANDS["validate"][0] == "orchestra.cli.check"


def test_a_file_with_warnings_is_valid(desk: Desk) -> None:
    desk.write("v.mld", ASK)
    assert desk.orch("validate", "v.mld") == 0
    assert "warning[undefined-variable]: variable @topic is not defined\n  --> v.mld:2:15\n" in desk.out
    assert "warning[exe-parameter-shadowing]" in desk.out
    assert desk.out.endswith("Valid module\n  ask(q, result) [llm]\n0 errors, 2 warnings\n")
    assert desk.err == ""


def test_a_clean_file(desk: Desk) -> None:
    desk.write("v.mld", "show 1\n")
    assert desk.orch("check", "v.mld") == 0
    assert desk.out == "Valid module\n"


def test_errors_exit_with_1(desk: Desk) -> None:
    desk.write("v.mld", "var @a = 1\nvar @a = 2\nshow @a\n")
    assert desk.orch("check", "v.mld") == 1
    assert desk.out.startswith("error[E203]: @a is already defined and cannot be redefined\n  --> v.mld:2:1\n")
    assert "   = note: first defined here\n  --> v.mld:1:1\n" in desk.out
    assert desk.out.endswith("Invalid module\n1 error, 0 warnings\n")


def test_all_independent_syntax_errors_are_shown(desk: Desk) -> None:
    desk.write("v.mld", "var @a = = 1\nshow 1\nshow @b c d\n")
    assert desk.orch("check", "v.mld") == 1
    assert "v.mld:1:10" in desk.out and "v.mld:3:9" in desk.out


def test_warnings_can_count_as_errors(desk: Desk) -> None:
    desk.write("v.mld", ASK)
    assert desk.orch("check", "v.mld", "--error-on-warnings") == 1
    desk.write("clean.mld", "show 1\n")
    assert desk.orch("check", "clean.mld", "--error-on-warnings") == 0


def test_undefined_names_can_be_passed_over(desk: Desk) -> None:
    desk.write("v.mld", "show @nope\n")
    assert desk.orch("check", "v.mld", "--no-check-variables", "--error-on-warnings") == 0


def test_settings_silence_advice(desk: Desk) -> None:
    desk.write("orch.toml", '[check]\nsuppressWarnings = ["undefined-variable", "exe-parameter-shadowing"]\n')
    desk.write("v.mld", ASK)
    assert desk.orch("check", "v.mld", "--error-on-warnings") == 0


def test_a_folder_counts_what_passed(desk: Desk) -> None:
    desk.write("src/a.mld", "show 1\n")
    desk.write("src/deep/b.mld", "var @a = 1\nvar @a = 2\nshow @a\n")
    desk.write("src/c.mld.md", "prose\n/show @nope\n")
    desk.write("src/.hidden/d.mld", "nonsense")
    desk.write("src/notes.md", "/show @nope\n")
    assert desk.orch("check", "src") == 1
    marks = [line for line in desk.out.splitlines() if line[:1] in "✓⚠✗"]
    assert [line for line in marks if line] == ["✓ src/a.mld", "⚠ src/c.mld.md", "✗ src/deep/b.mld"]
    assert desk.out.endswith("3 files: 2 passed, 1 failed\n")


def test_without_a_path_the_folder_is_checked(desk: Desk) -> None:
    desk.write("a.mld", "exe @f(a) = `@a`\nshow @f(1)\n")
    assert desk.orch("check", "--verbose") == 0
    assert desk.out == "✓ a.mld\n  f(a)\n1 file: 1 passed, 0 failed\n"


def test_standard_input(desk: Desk) -> None:
    desk.stdin = "show @nope\n"
    assert desk.orch("check", "-", "--error-on-warnings") == 1
    assert "--> -:1:6" in desk.out


def test_deep_checks_imports(desk: Desk) -> None:
    desk.write("a.mld", 'import { @b } from "./b.mld"\nshow @b\n')
    desk.write("b.mld", "var @b = 1\nvar @b = 2\n")
    assert desk.orch("check", "a.mld") == 0
    assert desk.orch("check", "--deep", "a.mld") == 1
    assert desk.out.endswith("2 files: 1 passed, 1 failed\n")


@pytest.mark.parametrize("words", [("--json",), ("--format", "json")])
def test_json_of_one_file_is_an_object(desk: Desk, words: tuple[str, ...]) -> None:
    desk.write("v.mld", ASK)
    assert desk.orch("check", "v.mld", *words) == 0
    data = json.loads(desk.out)
    assert (data["filepath"], data["valid"]) == ("v.mld", True)
    assert data["warnings"][0]["variable"] == "topic"


def test_json_of_a_folder_is_a_list(desk: Desk) -> None:
    desk.write("a.mld", "show 1\n")
    assert desk.orch("check", ".", "--json") == 0
    assert [entry["filepath"] for entry in json.loads(desk.out)] == ["a.mld"]


def test_sarif(desk: Desk) -> None:
    desk.write("sub/v.mld", ASK)
    assert desk.orch("check", "sub", "--format", "sarif") == 0
    results = json.loads(desk.out)["runs"][0]["results"]
    places = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results}
    assert places == {"sub/v.mld"}


def test_odd_settings_are_told_once(desk: Desk) -> None:
    desk.write("orch.toml", "[check]\nsupress = 1\n")
    desk.write("a.mld", "show 1\n")
    desk.write("b.mld", "show 1\n")
    assert desk.orch("check") == 0
    assert desk.err.count("check.supress is no setting of orch") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone.mld",), "error[E401]: file not found: gone.mld"),
        (("empty",), "error[E810]: there are no scripts in empty"),
        (("--format", "xml"), "error[E810]: invalid value for '--format'"),
    ],
)
def test_nothing_to_check_exits_with_2(desk: Desk, words: tuple[str, ...], message: str) -> None:
    (desk.root / "empty").mkdir()
    assert desk.orch("check", *words) == 2
    assert desk.err.startswith(message)
    assert desk.out == ""


def test_help(desk: Desk) -> None:
    assert desk.orch("check", "--help") == 0
    assert "--error-on-warnings" in desk.out
