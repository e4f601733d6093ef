"""Shell commands as real processes: values in, output out, and nothing left behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import trio

from orchestra.errors import OrchError
from orchestra.runtime.commands import CommandRequest, CommandResult, failure, run_command

ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


def run(text: str, **options: Any) -> CommandResult:
    return trio.run(run_command, request(text, **options))


def request(text: str, **options: Any) -> CommandRequest:
    return CommandRequest(text, **{"cwd": Path("/"), "env": ENV, **options})


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def gone(pid: int) -> bool:
    """Whether a process ends within a second, a time that orphans need to be reaped."""
    until = time.monotonic() + 1
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.005)
    return not alive(pid)


def test_output_exit_code_and_folder(tmp_path: Path) -> None:
    result = run("pwd; echo oops >&2; exit 3", cwd=tmp_path)
    assert (result.stdout, result.stderr, result.exit) == (f"{tmp_path}\n", "oops\n", 3)
    assert result.ms >= 0


def test_the_shell_of_cmd_needs_no_path_and_scripts_have_bash() -> None:
    assert run("echo hi", env={}).stdout == "hi\n"
    assert run("x=(a b); echo ${x[1]}", shell="bash").stdout == "b\n"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_command_that_begins_like_an_option(shell: str) -> None:
    assert run("-n; echo hi", shell=shell).stdout == "hi\n"


def test_only_the_given_environment_is_visible() -> None:
    assert run('echo "${HOME:-none} $TOKEN"', env={**ENV, "TOKEN": "s3"}).stdout == "none s3\n"


def test_parameters_are_exported() -> None:
    params = {"list": ["ant", "bee"], "data": {"a": [1]}, "n": 4, "no": None, "my-name": "x"}
    script = 'sh -c \'printf "%s|" "$list" "$data" "$n" "$no" "$my_name"\''
    assert run(script, shell="bash", params=params).stdout == 'ant\nbee|{"a":[1]}|4||x|'


@pytest.mark.parametrize("size", [64 * 1024 + 1, 3_000_000])
def test_large_parameters_are_shell_variables(size: int) -> None:
    value = "it's " + "x" * (size - 6) + "\n"
    result = run('echo ${#big}; printf %s "$small"', shell="bash", params={"big": value, "small": "s"})
    assert result.stdout == f"{size}\ns"


def test_many_parameters_together_beyond_the_limit() -> None:
    params = {f"p{i}": "y" * 60_000 for i in range(60)}
    assert run("echo ${#p0} ${#p59}", shell="bash", params=params).stdout == "60000 60000\n"


def test_a_large_command_runs() -> None:
    result = run(f"printf %s '{'z' * 300_000}' | wc -c")
    assert result.stdout.strip() == "300000"


def test_standard_input_is_text_or_closed() -> None:
    assert run("tr a-z A-Z", stdin="quiet").stdout == "QUIET"
    assert run("cat").stdout == ""


def test_a_command_may_leave_its_input_unread() -> None:
    assert run("head -c 3", stdin="abc" * 500_000).stdout == "abc"
    assert run("true", stdin="abc" * 500_000).exit == 0


def test_invalid_utf8_is_replaced_even_when_cut_between_chunks() -> None:
    assert run("printf 'a\\377b\\303'").stdout == "a�b�"
    assert run("printf '\\303'; sleep 0.02; printf '\\244'").stdout == "ä"


def test_surrogates_and_nul() -> None:
    assert run('printf %s "$x"', params={"x": "a\ud800b"}).stdout == "a?b"
    with pytest.raises(OrchError, match="@x contains a NUL character, which no command can take") as caught:
        run("true", params={"x": "a\0b"})
    assert caught.value.code == "E502"


def test_chunks_arrive_while_the_command_runs() -> None:
    chunks: list[tuple[str, str]] = []
    run("echo one; sleep 0.05; echo two >&2", on_chunk=lambda name, text: chunks.append((name, text)))
    assert chunks == [("stdout", "one\n"), ("stderr", "two\n")]


def test_unknown_folder_and_missing_bash(tmp_path: Path) -> None:
    with pytest.raises(OrchError, match=f"the folder {tmp_path}/no does not exist") as caught:
        run("pwd", cwd=tmp_path / "no")
    assert caught.value.code == "E402"
    with pytest.raises(OrchError, match="bash is not on the path") as caught:
        run("pwd", shell="bash", env={"PATH": str(tmp_path)})
    assert caught.value.code == "E505"


def test_failure_tells_what_happened() -> None:
    asked = request("x" * 300)
    lines = "\n".join(str(n) for n in range(30)) + "\n"
    error = failure(asked, CommandResult("out\n", lines, 7, 12))
    assert (error.code, error.message) == ("E501", "command failed with exit code 7")
    assert error.details == {
        "command": "x" * 199 + "…",
        "exitCode": 7,
        "duration": 12,
        "stdout": "out",
        "stderr": "\n".join(str(n) for n in range(10, 30)),
        "workingDirectory": "/",
    }


def test_death_by_signal_is_an_exit_code() -> None:
    assert run("kill -9 $$").exit == 128 + signal.SIGKILL


TREE = "sleep 60 & echo $!; trap '' INT; sleep 60 & echo $!; wait"


def test_time_limit_kills_the_whole_group() -> None:
    with pytest.raises(OrchError) as caught:
        run(TREE, timeout=0.1)
    assert caught.value.code == "E503"
    assert caught.value.message == "command ran longer than 0.1 s and was stopped"
    pids = [int(pid) for pid in caught.value.details["stdout"].split()]
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_time_limit_counts_for_what_a_finished_shell_left_behind() -> None:
    with pytest.raises(OrchError) as caught:
        run("sleep 60 & echo $!", timeout=0.1)
    assert gone(int(caught.value.details["stdout"]))


def test_cancellation_kills_the_group_and_reaps() -> None:
    pids: list[int] = []

    async def main() -> None:
        with trio.CancelScope() as scope:

            def seen(_: str, text: str) -> None:
                pids.extend(int(pid) for pid in text.split())
                if len(pids) == 3:
                    scope.cancel()

            await run_command(request("echo $$; " + TREE, on_chunk=seen))

    trio.run(main)
    assert all(gone(pid) for pid in pids)
    with pytest.raises(ChildProcessError):
        os.waitpid(pids[0], os.WNOHANG)


def test_a_command_that_ignores_the_polite_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.runtime.commands.GRACE", 0.05)
    with pytest.raises(OrchError) as caught:
        run("trap '' TERM; echo $$; while :; do sleep 0.01; done", timeout=0.1)
    assert caught.value.details["exitCode"] == 128 + signal.SIGKILL
    assert gone(int(caught.value.details["stdout"]))


def test_commands_are_out_of_reach_of_the_terminals_interrupt() -> None:
    result = run("ps -o sid=,pgid=,pid= -p $$ | tr -s ' '")
    sid, group, pid = result.stdout.split()
    assert sid == group == pid != str(os.getpid())


def test_commands_run_side_by_side() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(run_command, request("sleep 0.2"))

    started = time.monotonic()
    trio.run(main)
    assert time.monotonic() - started < 0.7
