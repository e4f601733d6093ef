"""Commands that bundled modules bring along: which there are, what they are given, how they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra.cli.in_process import Finished, run_in_process

ENVIRON = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "orch.toml").touch()
    return tmp_path


def run(project: Path, *words: str) -> Finished:
    return run_in_process(list(words), project, "", {**ENVIRON, "HOME": str(project)})


def test_a_command_prints_its_value(project: Path) -> None:
    done = run(project, "ensemble", "list")
    assert (done.exit, done.stdout, done.stderr) == (0, "no ensembles\n", "")


def test_json_is_the_command_s_own(project: Path) -> None:
    assert run(project, "ensemble", "list", "--json").stdout == "[]\n"


def test_what_a_command_throws_has_its_exit_code_and_no_place(project: Path) -> None:
    done = run(project, "ensemble", "run", "gone")
    assert done.exit == 2
    assert done.stderr.startswith('error[E309]: there is no ensemble "gone"')
    assert "-->" not in done.stderr


def test_a_verb_that_is_none(project: Path) -> None:
    done = run(project, "ensemble", "chek")
    assert done.exit == 2
    assert "orch ensemble has no chek" in done.stderr
    assert "did you mean check?" in done.stderr


def test_help_is_the_head_of_the_file(project: Path) -> None:
    assert run(project, "ensemble", "--help").stdout.startswith("Usage: orch ensemble list|check|run")
    assert run(project, "ensemble").exit == 2


def test_a_module_without_commands_is_no_command(project: Path) -> None:
    assert "neither a command nor a file" in run(project, "events", "list").stderr
