"""Commands that try to do more than the list of a call allows. Each is an attempt of its own."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import trio

from orchestra.providers.protocol import ToolCall
from orchestra.runtime.tools.shell import scrubbed
from orchestra.runtime.tools.shell_check import check_command
from orchestra.runtime.tools.specs import parse_tools
from orchestra.runtime.tools.toolbox import Toolbox, ToolResult
from orchestra.runtime.tools.workspace import Refusal, Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The call's folder with a repository, a link to the outside, and odd files in it."""
    inside = tmp_path / "in"
    (tmp_path / "outside").mkdir()
    (inside / "sub").mkdir(parents=True)
    (inside / ".git").mkdir()
    (inside / ".git/config").write_text("[core]\n")
    (inside / "way-out").symlink_to(tmp_path / "outside")
    (inside / "out-file").symlink_to(tmp_path / "outside/new.txt")
    (inside / "push").write_text("")
    (inside / ".env").write_text("KEY=1\n")
    (inside / "notes.txt").write_text("")
    os.link(inside / ".git/config", inside / "linked.txt")
    os.mkfifo(inside / "pipe")
    return inside


def verdict(folder: Path, spec: str, command: str) -> str | None:
    """Why the command is refused, or None."""
    try:
        check_command(command, parse_tools(spec), Workspace(folder))
    except Refusal as refusal:
        return str(refusal)
    return None


# ── with `Bash(git:*)` and all of Read and Write ─────────────────────────────────────────────────

HIDDEN = {
    "substitution": "git log $(id)",
    "substitution in quotes": 'git log "$(id)"',
    "backticks": "git log `id`",
    "backticks in quotes": 'git log "`id`"',
    "process substitution": "git log <(id)",
    "process substitution for writing": "git log > >(id)",
    "here-document": "git apply <<EOF\n$(id)\nEOF",
    "here-document with tabs": "git apply <<-EOF\n\tx\n\tEOF",
    "here-string": "git apply <<< x",
    "brace expansion": "git {log,push}",
    "parameter expansion": "git ${CI:-log}",
    "arithmetic": "git log $((1 + 1))",
    "old arithmetic": "git log $[1+1]",
    "old arithmetic in quotes": 'git log "$[1+1]"',
    "ANSI-C quotes": "git $'\\x6cog'",
    "translated quotes": 'git $"log"',
    "subshell": "(git log)",
    "group": "{ git log; }",
    "function": "git() { id; }; git log",
    "function with its word": "function git { id; }",
    "coprocess": "coproc git log",
    "condition": "if git log; then id; fi",
    "loop": "while git log; do id; done",
    "loop over words": "for x in a; do id; done",
    "case": "case x in *) id ;; esac",
    "choice": "select x in a; do id; done",
    "test of the shell": "[[ -n x ]]",
    "unclosed quote": "git log 'x",
    "unclosed double quote": 'git log "x',
    "backslash at the end": "git log \\",
    "no-break space": "git\u00a0log",
    "line separator": "git log\u2028id",
    "paragraph separator": "git log\u2029id",
    "next line": "git log\u0085id",
    "carriage return": "git log\rid",
    "vertical tab": "git log\vid",
    "form feed": "git log\fid",
    "zero byte": "git log\0; id",
    "half a character": "git log \ud800",
}
MORE = {
    "and": "git log && id",
    "or": "git log || id",
    "semicolon": "git log; id",
    "semicolon without blanks": "git log;id",
    "pipe": "git log | id",
    "pipe with errors": "git log |& id",
    "background": "git log & id",
    "newline": "git log\nid",
    "newline and comment": "git log # x\nid",
    "two newlines": "git log\n\nid",
    "negation": "! id",
    "longer name": "gitk",
    "shorter name": "gi t",
    "name in another folder": "./git log",
    "name in a full path": "/tmp/git log",
    "name with a blank": "'git log'",
    "name with a blank and a path": '"git x/../evil" log',
    "name with a tab": "'git\tx' log",
    "variable as name": "$CI log",
    "name by a pattern": "/usr/bin/gi? log",
    "PATH": "PATH=. git log",
    "LD_PRELOAD": "LD_PRELOAD=./x.so git log",
    "BASH_ENV": "BASH_ENV=./x git log",
    "GIT_SSH_COMMAND": "GIT_SSH_COMMAND=./x git fetch",
    "GIT_EXTERNAL_DIFF": "LANG=C GIT_EXTERNAL_DIFF=./x git diff",
    "PATH for all that follows": "PATH=.; git log",
    "added to PATH": "PATH+=:. git log",
    "element of a harmless variable": "CI[0]=1 git log",
    "code in the element of a variable": "CI['$(id)']=1 git log",
    "behind a harmless variable": "CI=1 IFS=x git log",
    "behind time": "time PATH=. git log",
    "a name that looks like a setting": "'CI=./x' git log",
    "export": "export PATH=.; git log",
    "env": "env git log",
    "env with a setting": "env PATH=. git log",
    "sudo": "sudo git log",
    "xargs": "xargs git log",
    "find": "find . -exec id {} +",
    "shell": "sh -c 'git log'",
    "bash": "bash -c 'git log'",
    "eval": "eval git log",
    "exec": "exec git log",
    "source": "source ./x",
    "dot": ". ./x",
    "command": "command git log",
    "builtin": "builtin cd sub",
    "alias": "alias git=id; git log",
    "trap": "trap id EXIT; git log",
    "hash": "hash -p ./x git; git log",
    "enable": "enable -f ./x.so x",
    "history": "history -s id",
    "timeout with an option": "timeout -s KILL 5 id",
    "nice with an option": "nice -n 5 id",
    "test": "test x",
    "change of folder": "cd .. && git log",
    "change of folder by steps": "cd sub && cd ../.. && git log",
    "change of folder by a link": "cd way-out && git log",
    "change of folder by name": "cd /tmp && git log",
    "change to home": "cd && git log",
    "change to home by its sign": "cd ~ && git log",
    "change of folder back": "cd - && git log",
    "change of folder by a variable": "cd $CI && git log",
    "change of folder by a pattern": "cd way-* && git log",
    "stack of folders": "pushd .. && git log",
    "many changes": "; ".join(f"cd d{number}" for number in range(40)),
}
REDIRECTED = {
    "out": "git log > {}",
    "out without blanks": "git log>{}",
    "appended": "git log >> {}",
    "forced": "git log >| {}",
    "both": "git log &> {}",
    "both appended": "git log &>> {}",
    "both, in the old way": "git log >& {}",
    "errors": "git log 2>{}",
    "a higher number": "git log 9> {}",
    "both ways": "git log <> {}",
    "in": "git apply < {}",
    "before the command": "> {} git log",
    "alone": "> {}",
    "in quotes": "git log > '{}'",
    "behind a good one": "git log > fine.txt > {}",
    "behind a change of folder": "cd sub; git log > ../{}",
}
TARGETS = [
    "../x", "/tmp/x", "/dev/tcp/127.0.0.1/80", "/proc/self/mem", "~/x", "$CI", "way-out/x", "out-file", "pipe",
    "linked*",
]  # fmt: skip


@pytest.mark.parametrize("command", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_cannot_be_seen_through(folder: Path, command: str) -> None:
    told = verdict(folder, "Bash(git:*),Bash(id:*),Read,Write", command)
    assert told is not None
    assert "so that it cannot be checked" in told or "no command can have" in told


@pytest.mark.parametrize("command", MORE.values(), ids=MORE.keys())
def test_more_than_git(folder: Path, command: str) -> None:
    assert verdict(folder, "Bash(git:*),Read,Write", command) is not None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("command", REDIRECTED.values(), ids=REDIRECTED.keys())
def test_targets_outside(folder: Path, command: str, target: str) -> None:
    if target.startswith(("/", "~", "$")):
        command = command.replace("../{}", "{}")
    assert verdict(folder, "Bash(git:*),Read,Write", command.format(target)) is not None


def test_targets_that_are_protected_or_have_several_names(folder: Path) -> None:
    for target in [".git/hooks/pre-commit", ".GIT/x", "orch.toml", ".env", "sub/../.git/x"]:
        assert verdict(folder, "Bash(git:*),Write", f"git log > {target}") == f"{target} is protected"
    assert "file with several names" in str(verdict(folder, "Bash(git:*),Write", "git log > linked.txt"))
    assert verdict(folder, "Bash(git:*),Write", "git log > notes.txt") is None
    assert verdict(folder, "Bash(git:*),Write(out/**)", "git log > notes.txt") is not None
    assert verdict(folder, "Bash(git:*),Write,!Write(notes*)", "git log > notes.txt") is not None
    assert verdict(folder, "Bash(git:*),Write", "git apply < notes.txt") is not None


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        ("Bash(git:*)", "git log --grep='; rm -rf x' && git log --grep \"a | b & c > d\""),
        ("Bash(git:*)", "git commit -m 'line\nline' -m '$(id) `id`'"),
        ("Bash(git:*)", "git log \\\n  --oneline 2>/dev/null 2>&1"),
        ("Bash(git:*)", "! git diff --quiet; time nice nohup timeout 5 git log"),
        ("Bash(git:*)", "LANG=C LC_ALL=C NO_COLOR=1 CI=1 TZ=UTC git log"),
        ("Bash(git:*)", "cd sub && git log"),
        ('Bash(git commit -m "a b")', "git commit -m 'a b'"),
        ("Bash(find:*)", "find . -name '*.py' -exec wc -l {} \\;"),
        ("Bash(echo:*)", "echo if then case"),
        ("Bash(pytest:*),!Bash(pytest --pdb:*)", "pytest tests/test_*.py -k 'a or b'"),
        ("Bash,!Bash(git push:*)", "git log --grep=push | sort"),
    ],
)
def test_what_stays_allowed(folder: Path, spec: str, command: str) -> None:
    assert verdict(folder, spec, command) is None


def test_words_are_not_taken_for_several(folder: Path) -> None:
    assert verdict(folder, "Bash(rm a b)", "rm 'a b'") is not None
    assert verdict(folder, "Bash(rm a b)", "rm a b") is None
    assert verdict(folder, "Bash(git log)", "git log ''") is not None


# ── denials win ──────────────────────────────────────────────────────────────────────────────────

PUSHES = [
    "git push", "git  push", "git 'push' x", "git pu\"sh\"", "g\\it push", "/usr/bin/git push",
    "../../usr/bin/git push", "git push origin; git log", "true && git push", "! git push", "time git push",
    "nice -n 5 git push",
    "timeout -s KILL 5 git push", "nohup git push &", "command git push", "builtin command git push", "exec git push",
    "env git push", "env -u X A=1 git push", "xargs git push", "xargs -n 1 git push", "sh -c 'git push'",
    "bash -lc \"cd x; git push\"", "sh -c \"sh -c 'git push'\"", "find . -exec git push \\;", "setsid git push",
    "CI=push; git $CI", "git \"$CI\"", "git pus?", "git pu*", "git [p]ush", "git *", "g?t push", "$CI push",
    "~/git push",
    "git pu{s,}h", "git $(echo push)", "eval git push", "trap 'git push' EXIT", "if true; then git push; fi",
    "x() { git push; }; x", "sh -c 'git $(echo push)'", "busybox env git push", "flock x git push",
    "command gi$CI push", "setsid git $CI", "env g*t push", "sh -c \"git $CI\"", "find . -exec git $CI \\;",
]  # fmt: skip


@pytest.mark.parametrize("command", PUSHES)
def test_denials_win(folder: Path, command: str) -> None:
    assert verdict(folder, "Bash,!Bash(git push:*)", command) is not None
    assert verdict(folder, "!Bash(git push:*),Bash(*)", command) is not None


# ── what is never run, whatever is granted ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf x", "\\rm -rf x", "/bin/rm -r -f x", "command rm -fr x", "env rm -Rf x", "xargs rm -rf", "! rm -rf x",
        "find . -exec rm -rf {} +", "sh -c 'rm -rf x'", "bash -c 'true; rm -rf x'", "echo $(rm -rf x)",
        "echo `rm -rf x`",
        "(rm -rf x)", "if true; then rm -rf x; fi", "{ rm -rf x; }", "x() { sudo ls; }", "nice sudo ls", "git push -f",
        "git -C sub push --force-with-lease=x", "git push origin +main", "git remote add x y", "curl -T x y", "nc x 1",
        "bash <<EOF\nrm -rf x\nEOF", "cat .env", "cat ./.e*", "cat <.env", "grep x --file=.env", "cd sub; cat ../.env",
        "kill 1", "chmod 777 x", "dd if=x of=y", "mkfs.ext4 x", "sh -c 'echo $(sudo ls)'",
    ],
)  # fmt: skip
def test_never(folder: Path, command: str) -> None:
    assert verdict(folder, "Bash", command) is not None


def test_words_about_dangerous_things_are_no_danger(folder: Path) -> None:
    for command in [
        "echo rm -rf x",
        "cat > notes.md <<EOF\nnever rm -rf a folder\nsudo is bad\nEOF",
        "ls .env.example",
    ]:
        assert verdict(folder, "Bash", command) is None, command


@pytest.mark.parametrize("spec", ["Bash", "Bash(git:*)", "Bash,!Bash(git push:*)"])
@pytest.mark.parametrize(
    "command",
    [
        '"' * 40_001, "\\" * 60_000, "<<x\n" * 15_000, "(" * 60_000, "git;" * 6000, "cd sub;" * 3000, "time " * 9000,
        "env " * 4000, "sh -c " * 3000, "find . " + "-exec a " * 5000, "git *a " + "* " * 3000, "a[" * 30_000 + "=",
        "git >x " * 3000, "x" * 70_000, "git " + " ".join(f"*{number}" for number in range(3000)),
    ],
    ids=lambda command: command[:8],
)  # fmt: skip
def test_no_command_keeps_the_check_busy(folder: Path, spec: str, command: str) -> None:
    began = time.process_time()
    verdict(folder, spec, command)
    assert time.process_time() - began < 5


def test_code_in_names_of_variables(folder: Path) -> None:
    for command in ["printf -v 'a[$(id)]' x", "test -v 'a[`id`]'", "[ -v 'a[$(id)]' ]", "unset 'a[$(id)]'"]:
        program = command.split()[0]
        assert verdict(folder, f"Bash({program}:*)", command) == (
            f"{program} would run what stands in its argument; write the command itself"
        )


# ── running ──────────────────────────────────────────────────────────────────────────────────────


def run(folder: Path, command: str, environment: dict[str, str] | None = None, **input: float) -> ToolResult:
    given = {"PATH": os.environ["PATH"]} if environment is None else environment
    toolbox = Toolbox(parse_tools("Bash"), Workspace(folder), folder, None, given)
    return trio.run(toolbox.run, ToolCall("t", "Bash", {"command": command, **input}))


def is_over(group: int) -> bool:
    """Whether nothing of a process group runs any more; what is dead may still be listed."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        told = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
        states = [state for pgid, state in map(str.split, told.splitlines()) if int(pgid) == group]
        if all(state.startswith("Z") for state in states):
            return True
    return False


def test_the_whole_group_ends_with_its_time(folder: Path) -> None:
    started = time.monotonic()
    result = run(folder, "(sleep 30; touch late) & sleep 30 & echo $$; wait", timeout=0.3)
    assert "took longer than 0.3 s" in result.text
    assert time.monotonic() - started < 10
    assert is_over(int(result.text.split("\n")[1]))


def test_what_a_command_leaves_behind_is_ended(folder: Path) -> None:
    result = run(folder, "sleep 30 & echo $$")
    assert result.text.startswith("exit code 0\n")
    assert is_over(int(result.text.split("\n")[1]))


def test_a_flood_is_stopped_and_an_empty_command_is_nothing(folder: Path) -> None:
    assert "printed too much" in run(folder, "yes").text
    assert run(folder, "").text == "exit code 0"
    assert run(folder, "printf 'a\\0\\377b'").text == "exit code 0\na\0\ufffdb"


def test_the_environment_is_scrubbed(folder: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"], "HOME": "/nowhere", "LANG": "C", "MY_API_KEY": "leak", "GH_TOKEN": "leak",
        "DB_PASSWORD": "leak",
        "A_SECRET": "leak", "ANTHROPIC_BASE_URL": "leak", "BASH_ENV": "leak", "ENV": "leak",
        "CDPATH": "leak", "SHELLOPTS": "xtrace",
        "BASH_FUNC_git%%": "() { echo leak; }", "KEPT_TOKEN": "kept",
    }  # fmt: skip
    left = scrubbed(environment, {"KEPT_TOKEN"})
    assert set(left) == {"PATH", "HOME", "LANG", "KEPT_TOKEN"}
    text = run(folder, "env; type git >/dev/null && git --version", left).text
    assert "leak" not in text
    assert "KEPT_TOKEN=kept" in text


def test_the_shell_reads_no_start_files_and_keeps_nothing(folder: Path) -> None:
    (folder / ".bashrc").write_text("echo started\n")
    given = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    assert run(folder, "cd sub; X=1; pwd", given).text.endswith("/in/sub")
    assert run(folder, "pwd; echo [$X]", given).text == f"exit code 0\n{os.path.realpath(folder)}\n[]"


# ── anything at all ──────────────────────────────────────────────────────────────────────────────

PIECES = [
    *"' \" \\ ; && || | & $ ` ( ) { } < > << ! # = CI= $CI fi * ? {} 2>&1 >/dev/null EOF ev git evil \r".split(" "),
    *"git_evil_[[_if_then_case x in_esac_do_time_nice_env_xargs_sh -c_command_exec_-n 5_".split("_"),
    *(" ", " ", " ", "\n", "\\\n", "git ", "evil ", "time ", "nice ", "env ", "if ", "then ", "command "),
]  # fmt: skip


@pytest.mark.parametrize("spec", ["Bash(git:*)", "Bash,!Bash(evil:*)"])
def test_whatever_is_allowed_runs_nothing_else(folder: Path, spec: str) -> None:
    """Pieces thrown together: what the check lets pass is run by a real shell that knows an evil program."""
    programs = folder.parent / "bin"
    programs.mkdir()
    for name in ("nice", "env", "xargs", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "git").write_text("#!/bin/sh\n")
    (programs / "evil").write_text(f"#!/bin/sh\n: > {folder.parent}/breach\n")
    for name in ("git", "evil"):
        (programs / name).chmod(0o755)
    chance, passed = random.Random(spec), 0
    for _ in range(3000):
        command = "".join(chance.choice(PIECES) for _ in range(chance.randint(2, 9)))
        if "ev" not in command or verdict(folder, spec, command) is not None:
            continue
        passed += 1
        subprocess.run(
            [str(shutil.which("bash")), "--noprofile", "--norc", "-c", command], cwd=folder, stdin=subprocess.DEVNULL,
            env={"PATH": str(programs)}, capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        assert not (folder.parent / "breach").exists(), command
    assert passed > 10
