"""Signals to a working `orch`: what is in flight is finished and stored, and the next run goes on from there.

The project and its model are in `process_desk`.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from process_desk import Project, ended, interrupted, said, until

from orchestra.cli.in_process import run_in_process
from orchestra.runtime import launch

HEAD = "import { @claude } from @orch/llm\nexe llm @ask(n) = @claude(`ask @n`)\n"
FOUR_OF_MANY = HEAD + "var @a = for parallel(4) @n in [1, 2, 3, 4, 5, 6, 7, 8] => @ask(@n)\nshow @a.length\n"
GO_ON = "continue with: orch run job\n"
PAUSE = 0.4
UNTIL_TOLD = "0 * len([*iter(lambda: os.path.exists('go') or time.sleep(0.01), True)])"


def test_ctrl_c_finishes_and_stores_what_is_in_flight(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", FOUR_OF_MANY, PAUSE)
    with project.started("run", "job") as process:
        until(lambda: len(project.asked()) == 4)
        done = interrupted(process)
    assert done.exit == 130
    assert "stopping: 4 calls in flight are finished and stored; Ctrl-C again gives them up\n" in done.err
    assert done.err.endswith(GO_ON) and done.err.count("continue with") == 1
    assert "Traceback" not in done.err and "error[" not in done.err
    assert project.stored() == {"1", "2", "3", "4"}
    assert project.programs() == []
    again = project.orch("run", "job")
    assert (again.exit, again.out, len(project.asked())) == (0, "8\n", 8)


def test_an_item_with_two_calls_leaves_the_calls_of_the_others_alone(tmp_path: Path) -> None:
    two = "var @a = for parallel(2) @n in [1, 2] [\n  let @x = @ask(@n)\n  => @ask(`@n again`)\n]\nshow @a\n"
    project = Project(tmp_path / "p", HEAD + two)
    project.put("pause", "0.1 if '1' in prompt else 0.8")
    with project.started("run", "job") as process:
        until(lambda: len(project.asked()) == 2)
        done = interrupted(process)
    assert done.exit == 130
    assert project.stored() == {"1", "2"}


def test_a_labelled_call_with_several_steps_is_finished_whole(tmp_path: Path) -> None:
    steps = (
        "exe llm @both(n) = [\n  let @a = @claude(`one @n`)\n  let @b = sh { echo b }\n  let @c = @claude(`two @n`)\n"
    )
    project = Project(tmp_path / "p", HEAD + steps + "  => `@a @b @c`\n]\nshow @both(1)\nshow @ask(2)\n", PAUSE)
    with project.started("run", "job") as process:
        until(lambda: len(project.asked()) == 1)
        done = interrupted(process)
    assert (done.exit, done.out) == (130, "one 1: 5 b two 1: 5\n")
    assert project.asked() == ["one 1", "two 1"]
    assert project.stored() == {"1"}


def test_the_second_ctrl_c_gives_up_what_is_in_flight(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", FOUR_OF_MANY, 30)
    with project.started("run", "job") as process:
        until(lambda: len(project.asked()) == 4)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        done = interrupted(process)
    assert done.exit == 130
    assert done.err.count("continue with") == 1 and "Traceback" not in done.err and "error[" not in done.err
    assert project.stored() == set() and project.programs() == []
    project.pause(0)
    assert project.orch("run", "job").out == "8\n"


def test_sigterm_ends_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", FOUR_OF_MANY, 30)
    with project.started("run", "job") as process:
        until(lambda: len(project.asked()) == 4)
        done = interrupted(process, signal.SIGTERM)
    assert done.exit == 143
    assert "Traceback" not in done.err and "error[" not in done.err
    assert project.programs() == []
    assert project.rows("SELECT exit FROM executions") == [(143,)]


ELSEWHERE = {
    "a pure loop": "var @a = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\nloop(1000000) [\n  for @i in @a => @i + 1\n]\n",
    "a while loop": "loop(100000000) [\n  let @x = 1\n]\n",
    "a pause": "loop(100, 20s) [\n  let @x = 1\n]\n",
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_ctrl_c_stops_the_script_itself(where: str, tmp_path: Path) -> None:
    project = Project(tmp_path / "p", 'log "begun"\n' + ELSEWHERE[where])
    with project.started("run", "job") as process:
        said(process, "begun")
        time.sleep(0.1)
        done = interrupted(process)
    assert done.exit == 130, done
    assert done.err.partition("begun\n")[2] == "stopping; Ctrl-C again ends what still runs\n" + GO_ON
    assert not (project.root / ".orch/store.db").exists()


def _lives(pid: int) -> bool:
    """Whether a process does anything still; one that waits to be taken note of does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


PLAIN = {
    "sh": "sh { echo $$ > begun; sleep 60; }",
    "cmd": """cmd { python3 -c "import os, time; open('begun', 'w').write(str(os.getpid())); time.sleep(60)" }""",
    "py": "py { import os, time; open('begun', 'w').write(str(os.getpid())); time.sleep(60) }",
    "a function": "@wait()",
    "parallel items": "for parallel(2) @n in [1, 2, 3] => @wait()",
}


@pytest.mark.parametrize("what", PLAIN)
def test_the_first_ctrl_c_ends_a_plain_command_and_begins_nothing_new(what: str, tmp_path: Path) -> None:
    script = f"""\
exe @wait() = {PLAIN["sh"]}
try [
  let @x = {PLAIN[what]}
  output "no" to "within.txt"
] finally [
  let @y = sh {{ sleep 0.2; echo yes }}
  output @y to "last.txt"
]
output "no" to "after.txt"
"""
    project = Project(tmp_path / "p", script)
    begun = project.root / "begun"
    with project.started("run", "job") as process:
        until(lambda: begun.exists() and begun.read_text().strip())
        done = interrupted(process)
    assert done.exit == 130 and done.err.endswith(GO_ON) and "error[" not in done.err, done
    until(lambda: not _lives(int(begun.read_text())))
    assert {file.name for file in project.root.rglob("*.txt")} == {"last.txt"}
    assert (project.root / "llm/run/last.txt").read_text() == "yes"


def test_a_command_whose_result_is_stored_is_finished_by_the_first_and_killed_by_the_second(tmp_path: Path) -> None:
    slow = "exe llm @slow() = sh { echo $$ > shell.pid; while [ ! -e go ]; do sleep 0.05; done; echo slept; }\n"
    project = Project(tmp_path / "p", slow + "show @slow()\nshow 2\n")
    begun = project.root / "shell.pid"

    def started() -> bool:
        return begun.exists() and bool(begun.read_text().strip())

    with project.started("run", "job") as process:
        until(started)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert process.poll() is None
        done = interrupted(process)
    assert done.exit == 130 and "Traceback" not in done.err
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
    begun.unlink()
    with project.started("run", "job") as process:
        until(started)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        project.put("go", "")
        done = ended(process)
    assert (done.exit, done.out) == (130, "slept\n")
    assert "1 call in flight is finished and stored" in done.err
    assert project.orch("run", "job").out == "slept\n2\n"


def test_waiting_to_try_again_is_given_up_by_the_second(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", HEAD + "show @ask(1)\n")
    project.put("fault", '{"error": {"status": 429, "message": "slow down", "retry_after": 60}}')
    with project.started("run", "job") as process:
        said(process, "waiting")
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        done = interrupted(process)
    assert done.exit == 130 and "Traceback" not in done.err and "error[" not in done.err
    assert project.stored() == set()


def test_ctrl_c_while_another_process_makes_the_same_call(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", HEAD + "show @ask(1)\n")
    project.put("pause", UNTIL_TOLD)
    with project.started("run", "job") as first:
        until(lambda: project.asked())
        with project.started("run", "job") as second:
            until(lambda: len(project.rows("SELECT id FROM executions")) == 2)
            time.sleep(0.1)
            assert interrupted(second).exit == 130
        project.put("go", "")
        assert ended(first).out == "ask 1: 5\n"
    assert project.asked() == ["ask 1"]


@pytest.mark.parametrize("milliseconds", range(0, 40, 5))
def test_ctrl_c_at_the_very_end_leaves_no_trace(milliseconds: int, tmp_path: Path) -> None:
    project = Project(tmp_path / "p", HEAD + 'show @ask(1)\nlog "last"\n')
    with project.started("run", "job", anew=True) as process:
        said(process, "last")
        time.sleep(milliseconds / 1000)
        done = interrupted(process)
    assert done.exit in (0, 130)
    assert "Traceback" not in done.err and "KeyboardInterrupt" not in done.err
    assert done.out == "ask 1: 5\n"


def test_a_closed_terminal_ends_at_once_unless_nohup_forbids_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", FOUR_OF_MANY, 30)
    with project.started("run", "job") as process:
        until(lambda: len(project.asked()) == 4)
        done = interrupted(process, signal.SIGHUP)
    assert done.exit == 129
    assert "Traceback" not in done.err and "error[" not in done.err
    assert project.programs() == []
    project.put("pause", UNTIL_TOLD)
    with project.started("run", "job", before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        until(lambda: len(project.asked()) == 8)
        process.send_signal(signal.SIGHUP)
        project.put("go", "")
        assert (ended(process).exit, len(project.stored())) == (0, 8)


def test_what_orch_runs_says_of_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "p", FOUR_OF_MANY, 0.2)
    for count, number, exit in ((1, signal.SIGKILL, None), (2, signal.SIGINT, 130)):
        with project.started("run", "job") as process:
            until(lambda: len(project.rows("SELECT id FROM executions")) == count)  # noqa: B023
            time.sleep(0.1)
            interrupted(process, number)
        assert project.rows("SELECT exit FROM executions ORDER BY rowid DESC LIMIT 1") == [(exit,)]
    assert " interrupted " in project.orch("runs").out
    assert project.orch("run", "job").exit == 0
    assert " done " in project.orch("runs").out


def test_ctrl_c_after_the_script_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended_in_time = launch._Session.main

    async def interrupted_late(session: launch._Session) -> int:
        await ended_in_time(session)
        raise KeyboardInterrupt

    monkeypatch.setattr(launch._Session, "main", interrupted_late)
    done = run_in_process(["-e", "show 1"], tmp_path, "", {})
    assert (done.exit, done.stdout) == (0, "1\n") and "Traceback" not in done.stderr
