"""The `orch` of a session is served by a fork: nobody may be able to tell it from one that was started."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import orchestra
from orchestra.cli.counter import Counter
from orchestra.paths import cache_dir

WAITS = "'log \"begun\"\nloop(100, 20s) [\n  let @x = 1\n]'"
BEGUN = "until [ -s said ]; do sleep 0.02; done"
LINES = {
    "exit codes": "orch -e 'show 1'; echo $?; orch -e 'throw 1'; echo $?; orch nowhere; echo $?; orch; echo $?",
    "streams": "orch -e 'show \"out\"\nlog \"err\"' 2>err >out; cat err; echo; cat out; orch -e 'log 1' 2>/dev/null",
    "pipes": "echo 'show 7' | orch - | cat; printf 'a\nb' | orch -e 'var @x = @input\nshow @x'; orch howto | head -1",
    "one file for two": "{ orch -e 'show 1'; orch -e 'show 2'; } > both; orch -e 'show 3' >> both; cat both",
    "folder and environment": "mkdir -p a; cd a; A='x\ny' ORCH_SEED=3 orch -e 'show @pwd\nrun sh { echo \"$A\"; pwd }'",
    "words": "orch -e 'show @payload' --a 'b c' --d '' --e 'ü*'; echo $?",
    "mask of new files": 'umask 077; orch -e \'output "x" to "new.txt"\'; stat -c %a new.txt',
    "a full disk": "orch -e 'show \"x\".repeat(9)' >/dev/full; echo $?",
    "SIGTERM": f"orch -e {WAITS} 2>said & {BEGUN}; kill $!; wait $!; echo $?; cat said",
    "SIGKILL": f"orch -e {WAITS} 2>said & {BEGUN}; kill -9 $!; wait $! 2>/dev/null; echo $?",
    "ignored signals": (
        f"(trap '' HUP; exec orch -e {WAITS.replace('20s', '0.01s')}) 2>said & {BEGUN}; kill -HUP $!; wait $!; echo $?"
    ),
    "many at once": 'for n in 1 2 3; do orch -e "show $n" > $n & done; wait; cat 1 2 3',
}


def started(folder: Path) -> Path:
    """A folder with an `orch` that is started."""
    program = folder / "bin/orch"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m orchestra "$@"\n')
    program.chmod(0o755)
    return program.parent


def environ(path: Path, home: Path) -> dict[str, str]:
    source = str(Path(orchestra.__file__).parents[1])
    cache = str(cache_dir().parent)
    return {"PATH": f"{path}:/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": source, "XDG_CACHE_HOME": cache}


def shell(line: str, folder: Path, path: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    return subprocess.Popen(
        ["bash", "-c", f"exec 2>&1\n{line}"], cwd=folder, env=environ(path, folder.parents[1]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize("what", LINES)
def test_a_fork_is_like_a_start(what: str, tmp_path: Path) -> None:
    with shell(LINES[what], tmp_path / "a/work", started(tmp_path / "a")) as one:
        expected, _ = one.communicate(timeout=60)
    with closing(Counter(tmp_path)) as counter, shell(LINES[what], tmp_path / "b/work", counter.folder) as other:
        assert other.stdout is not None
        served = counter.follow(other.stdout.fileno(), 60)
    assert served.replace(b"/b/work", b"/a/work") == expected
    assert expected


def test_a_command_does_not_outlive_its_messenger(tmp_path: Path) -> None:
    line = "orch -e 'run sh { echo $PPID > said; sleep 60 }' & " + f"{BEGUN}; kill -9 $!; cat said"
    with closing(Counter(tmp_path)) as counter, shell(line, tmp_path / "b/work", counter.folder) as one:
        assert one.stdout is not None
        pid = int(counter.follow(one.stdout.fileno(), 60).split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_session_does_not_outlive_who_runs_it(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "orch.toml").touch()
    said = tmp_path / "said"
    line = f"echo $$ > {said}; orch -e 'run sh {{ echo $PPID >> {said}; sleep 60 }}'; sleep 60"
    (tmp_path / "long.test.txt").write_text(f"$ {line}\n")
    command = ["env", "--default-signal=INT", sys.executable, "-m", "orchestra", "test", "-j", "1"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ(Path("/bin"), tmp_path)) as runner:
        until(lambda: said.exists() and len(said.read_text().split()) == 2)
        runner.send_signal(number)
    shell, orch = map(int, said.read_text().split())
    until(lambda: ended(shell) and ended(orch))


def until(holds: Callable[[], bool]) -> None:
    """Wait for what other processes do; half a minute is more than the slowest machine needs."""
    limit = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.01)


def ended(pid: int) -> bool:
    """Whether a process has come to its end; nobody may have asked for its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_who_takes_too_long_is_given_up(tmp_path: Path) -> None:
    began = time.monotonic()
    with closing(Counter(tmp_path)) as counter, shell("sleep 60", tmp_path / "b/work", counter.folder) as one:
        assert one.stdout is not None
        with pytest.raises(TimeoutError):
            counter.follow(one.stdout.fileno(), 0.2)
        one.kill()
    assert time.monotonic() - began < 30
