"""The tool Bash and the check before it: what is seen through, what is granted, what is never run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio

from orchestra.providers.protocol import ToolCall
from orchestra.runtime.tools.shell_check import check_command
from orchestra.runtime.tools.shell_words import Opaque, split_command
from orchestra.runtime.tools.specs import parse_tools
from orchestra.runtime.tools.toolbox import Toolbox, ToolResult
from orchestra.runtime.tools.workspace import Refusal, Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in/sub").mkdir(parents=True)
    return tmp_path / "in"


def verdict(folder: Path, spec: str, command: str) -> str | None:
    """Why the command is refused, or None."""
    try:
        check_command(command, parse_tools(spec), Workspace(folder))
    except Refusal as refusal:
        return str(refusal)
    return None


# ── taking apart ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("git log", [["git", "log"]]),
        ("a && b||c;d|e&f\ng |& h", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"], ["h"]]),
        ("""git commit -m 'a && b' -m "c; d" """, [["git", "commit", "-m", "a && b", "-m", "c; d"]]),
        ("g'i't pu\"sh\" fo\\rce", [["git", "push", "force"]]),
        ("ls # rm -rf / && x\necho b", [["ls"], ["echo", "b"]]),
        ("echo a#b", [["echo", "a#b"]]),
        ("git \\\n  log", [["git", "log"]]),
        ("find . -exec ls {} \\;", [["find", ".", "-exec", "ls", "{}", ";"]]),
        ('echo "a \\"b\\" \\$c"', [["echo", 'a "b" $c']]),
        ("echo ''", [["echo", ""]]),
        ("echo $HOME", [["echo", "$HOME"]]),
        ("  ;; ", []),
    ],
)
def test_simple_commands(text: str, words: list[list[str]]) -> None:
    assert [command.words for command in split_command(text)] == words


def test_redirects() -> None:
    (command,) = split_command("make 2>&1 >out.txt 2>>err.txt <in.txt &>all 3>'a b'")
    assert command.words == ["make"]
    assert command.redirects == [
        ("2>&", "1"),
        (">", "out.txt"),
        ("2>>", "err.txt"),
        ("<", "in.txt"),
        ("&>", "all"),
        ("3>", "a b"),
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("echo $(id)", "a subshell"),
        ('echo "$(id)"', "a substitution in quotes"),
        ('echo "`id`"', "a substitution in quotes"),
        ("echo `id`", "a command in backticks"),
        ("echo ${x:-y}", "braces"),
        ("(id)", "a subshell"),
        ("{ id; }", "braces"),
        ("f() { id; }", "a subshell"),
        ("git {push,pull}", "braces"),
        ("cat <<EOF\nx\nEOF", "a here-document"),
        ("cat <<< x", "a here-document"),
        ("diff <(a) <(b)", "a process substitution"),
        ("echo 'a", "an unclosed quote"),
        ('echo "a', "an unclosed quote"),
        ("echo $'\\x41'", "a string with $ before its quotes"),
        ("echo a >", "a redirection without a target"),
        ("echo a > && b", "a redirection without a target"),
        ("echo \\", "a backslash at the end"),
    ],
)
def test_what_hides_its_effect(text: str, what: str) -> None:
    with pytest.raises(Opaque) as caught:
        split_command(text)
    assert str(caught.value) == what


# ── deciding ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        ("Bash", "anything $(goes) `here`"),
        ("Bash(git:*)", "git log | git shortlog && git status"),
        ("Bash(git:*)", "time nice nohup timeout 5s git log"),
        ("Bash(git:*)", "LC_ALL=C CI=1 git log"),
        ("Bash(git:*)", "git log 2>&1 >/dev/null"),
        ("Bash(git:*)", "cd sub && git log"),
        ("Bash(git:*)", ""),
        ("Bash(git:*),Write(out/**)", "git log > out/log.txt"),
        ("Bash(sort),Read", "sort < sub/a.txt"),
        ("Bash(pytest:*),!Bash(pytest --pdb:*)", "pytest -x"),
        ("Bash,!Bash(git push:*)", "git log; make"),
    ],
)
def test_allowed(folder: Path, spec: str, command: str) -> None:
    assert verdict(folder, spec, command) is None


@pytest.mark.parametrize(
    ("spec", "command", "reason"),
    [
        ("Bash(git:*)", "gitk", "Bash is not allowed for `gitk`; allowed is Bash(git:*)"),
        ("Bash(git:*)", "git log; make", "Bash is not allowed for `make`; allowed is Bash(git:*)"),
        ("Bash(git:*)", "git log\nmake", "Bash is not allowed for `make`; allowed is Bash(git:*)"),
        ("Bash(git:*)", "git log & make", "Bash is not allowed for `make`; allowed is Bash(git:*)"),
        ("Bash(git:*)", "env git log", "Bash is not allowed for `env git log`; allowed is Bash(git:*)"),
        ("Bash(git:*)", "sh -c 'git log'", "Bash is not allowed for `sh -c git log`; allowed is Bash(git:*)"),
        (
            "Bash(git:*)",
            "GIT_SSH_COMMAND=x git fetch",
            "setting GIT_SSH_COMMAND before a command is not allowed",
        ),
        ("Bash(git:*)", "PATH=. git log", "setting PATH before a command is not allowed"),
        ("Bash(git:*)", "X+=1", "setting X before a command is not allowed"),
        (
            "Bash(git:*)",
            "git log $(make)",
            "the command contains a subshell, so that it cannot be checked; write it without",
        ),
        ("Bash(git:*)", "git log > out", "Write is not allowed for out, the target of a redirection"),
        ("Bash(git:*),Write", "git log > ../x", None),
        ("Bash(git:*),Write", "cd sub; git log > ../../x", None),
        (
            "Bash(git:*),Write",
            "git log > $HOME",
            "the target $HOME of a redirection cannot be checked; name the file itself",
        ),
        ("Bash(git:*),Write", "git log > orch.toml", "orch.toml is protected"),
        ("Bash", "echo > .git/hooks/pre-commit", ".git/hooks/pre-commit is protected"),
        ("Bash(git:*)", "cd .. && git log", ".. lies outside of the folders you may use"),
        ("Bash(git:*)", "cd - && git log", "cd - cannot be checked; name the folder itself"),
        ("Bash(git:*)", "cd && git log", "Bash is not allowed for `cd`; allowed is Bash(git:*)"),
        ("Bash(eval:*)", "eval id", "eval cannot be checked; write the command itself"),
        (
            "Bash(pytest:*),!Bash(pytest --pdb:*)",
            "pytest '--pdb' x",
            "Bash is not allowed for `pytest --pdb x`; allowed is Bash(pytest:*), !Bash(pytest --pdb:*)",
        ),
        (
            "Bash,!Bash(make:*)",
            "/usr/bin/make x",
            "Bash is not allowed for `/usr/bin/make x`; allowed is Bash, !Bash(make:*)",
        ),
        (
            "Bash,!Bash(make:*)",
            "$(echo make)",
            "the command contains a subshell, so that it cannot be checked; write it without",
        ),
        ("Bash", "sudo ls", "`sudo ls` is never run for a model: it changes who may do what"),
        ("Bash(rm:*)", "rm -r -f x", "`rm -r -f x` is never run for a model: it deletes whole folders"),
        ("Bash", "time rm -fR x", "`rm -fR x` is never run for a model: it deletes whole folders"),
        (
            "Bash",
            "git push --force",
            "`git push --force` is never run for a model: it overwrites others' work",
        ),
    ],
)
def test_refused(folder: Path, spec: str, command: str, reason: str | None) -> None:
    told = verdict(folder, spec, command)
    assert told is not None
    if reason is not None:
        assert told == reason


def test_ordinary_deleting_and_pushing_is_left_to_the_grants(folder: Path) -> None:
    assert verdict(folder, "Bash", "rm -f x && rm -r y && git push && curl -s x") is None


# ── running ──────────────────────────────────────────────────────────────────────────────────────


def run(folder: Path, command: str, **input: float) -> ToolResult:
    toolbox = Toolbox(parse_tools("Bash"), Workspace(folder), folder, None, {"PATH": os.environ["PATH"], "A": "b"})
    return trio.run(toolbox.run, ToolCall("t", "Bash", {"command": command, **input}))


def test_exit_code_and_output(folder: Path) -> None:
    result = run(folder, "echo out; echo err >&2; echo $A; pwd; exit 3")
    assert (result.is_error, result.text) == (False, f"exit code 3\nout\nerr\nb\n{os.path.realpath(folder)}")
    assert run(folder, "true").text == "exit code 0"


def test_long_output_loses_its_middle(folder: Path) -> None:
    text = run(folder, "printf 'a%.0s' $(seq 40000); echo end").text
    assert "\n[… 10004 characters left out …]\n" in text
    assert text.endswith("aend")


def test_a_command_that_takes_too_long_is_stopped(folder: Path) -> None:
    result = run(folder, "echo begun; sleep 60", timeout=0.3)
    assert (result.is_error, result.text) == (
        True,
        "the command took longer than 0.3 s and was stopped\nbegun",
    )
