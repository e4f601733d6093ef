"""What a start loads: help and version wait for nothing, and no command loads what it does not need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "lark",
    "trio",
    "anthropic",
    "jsonschema",
    "sqlite_utils",
    "rich",
    "greenback",
    "httpx",
    "yaml",
    "click",
}
PROBE = """
import sys
from orchestra.cli import main
code = main(sys.argv[1:])
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
sys.exit(code)
"""


def loaded(*words: str, cwd: Path) -> set[str]:
    """The top-level packages in memory after `orch WORDS` in a process of its own."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environ,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("words", [[], ["--help"], ["help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    modules = loaded(*words, cwd=tmp_path)
    assert not modules & HEAVY
    assert not modules & {"dataclasses", "pathlib", "typing", "json"}  # each costs as much as all of ours


@pytest.mark.parametrize("words", [["run"], ["run", "--help"]])
def test_lists_of_scripts_and_options_load_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    assert not loaded(*words, cwd=tmp_path) & HEAVY


@pytest.mark.parametrize("words", [["howto"], ["explain", "E201"], ["install"]])
def test_the_manual_loads_no_engine(words: list[str], tmp_path: Path) -> None:
    assert not loaded(*words, cwd=tmp_path) & (HEAVY - {"click", "yaml"})


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    source, sink = os.pipe()
    os.close(source)
    for words in (["--help"], ["explain"]):
        call = [sys.executable, "-m", "orchestra", *words]
        done = subprocess.run(call, stdout=sink, stderr=subprocess.PIPE, text=True, cwd=tmp_path, timeout=60)
        assert (done.returncode, done.stderr) == (1, "")
    os.close(sink)


def test_the_installed_command_answers(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("orch")
    for call in ([str(command)], [sys.executable, "-m", "orchestra"]):
        done = subprocess.run([*call, "--version"], capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert (done.returncode, done.stdout[:5], done.stderr) == (0, "orch ", "")
