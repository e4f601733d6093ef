"""Worker processes of code blocks: shared, replaced when they die, and never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from orchestra.errors import OrchError
from orchestra.runtime.code.calls import CodeResult, Lang, Shadow
from orchestra.runtime.code.child import read_to_mark
from orchestra.runtime.code.workers import CodeWorkers

ENV = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
PID = "import os\nprint(os.getpid())"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")

SLEEPERS = [
    ("py", "import os, time\nprint(os.getpid())\ntime.sleep(60)"),
    (
        "py",
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(os.getpid())\ntime.sleep(60)",
    ),
    (
        "py",
        "import os, subprocess\nprint(f\"{os.getpid()} {subprocess.Popen(['sleep', '60']).pid}\")\nwhile True: pass",
    ),
    pytest.param("js", "console.log(process.pid); while (true) {}", marks=needs_node),
    pytest.param("node", "console.log(process.pid); await new Promise(r => setTimeout(r, 60000))", marks=needs_node),
]


def in_workers(
    body: Callable[[CodeWorkers], Awaitable[Any]], clock: trio.abc.Clock | None = None, **options: Any
) -> Any:
    async def main() -> Any:
        async with CodeWorkers(ENV, **options) as workers:
            return await body(workers)

    return trio.run(main, clock=clock)


async def run(workers: CodeWorkers, lang: Lang, code: str, shadow: Any = (), **options: Any) -> CodeResult:
    return await workers.run(lang, code, options.pop("params", {}), dict(shadow), Path("/"), **options)


async def value(workers: CodeWorkers, lang: Lang, code: str, shadow: Any = (), **options: Any) -> Any:
    return (await run(workers, lang, code, shadow, **options)).value


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def gone(pid: int) -> bool:
    """Whether a process ends, long before the sixty seconds are over that it sleeps; orphans need time to be reaped."""
    until = time.monotonic() + 20
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.005)
    return not alive(pid)


def reaped(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def test_one_process_serves_calls_that_follow_each_other() -> None:
    async def body(workers: CodeWorkers) -> set[str]:
        return {await value(workers, "py", PID) for _ in range(4)}

    pids = in_workers(body)
    assert len(pids) == 1
    assert all(gone(int(pid)) and reaped(int(pid)) for pid in pids)


def test_a_process_that_died_in_the_middle_is_replaced() -> None:
    async def body(workers: CodeWorkers) -> tuple[OrchError, list[str], str]:
        seen: list[str] = []
        with pytest.raises(OrchError) as caught:
            code = "import os\nos.write(2, b'last words')\nos.kill(os.getpid(), 9)"
            await run(workers, "py", code, on_output=lambda _, text: seen.append(text))
        return caught.value, seen, await value(workers, "py", "print('again')")

    error, seen, after = in_workers(body)
    assert error.code == "E504"
    assert error.message == "the process of the py code ended in the middle of it, with exit code 137"
    assert error.details == {"language": "py", "exitCode": 137}
    assert (seen, after) == (["last words"], "again")


def test_death_is_noticed_although_a_child_of_the_code_holds_the_pipes() -> None:
    async def body(workers: CodeWorkers) -> str:
        seen: list[str] = []
        code = (
            "import os, subprocess\nchild = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
            "print(child.pid, flush=True)\nos._exit(7)"
        )
        with pytest.raises(OrchError, match="with exit code 7"):
            await run(workers, "py", code, on_output=lambda _, text: seen.append(text))
        return seen[0]

    assert gone(int(in_workers(body)))


def test_a_process_that_died_while_idle_is_replaced() -> None:
    async def body(workers: CodeWorkers) -> tuple[str, str]:
        first = await value(workers, "py", PID)
        os.kill(int(first), signal.SIGKILL)
        while alive(int(first)):
            await trio.sleep(0.001)
        return first, await value(workers, "py", PID)

    first, second = in_workers(body)
    assert first != second
    assert reaped(int(first))


def test_code_that_closes_its_pipes_is_killed() -> None:
    async def body(workers: CodeWorkers) -> str:
        with pytest.raises(OrchError, match="ended in the middle of it"):
            await run(workers, "py", "import os, time\nos.closerange(3, 50)\ntime.sleep(60)")
        return await value(workers, "py", "print('again')")

    assert in_workers(body) == "again"


@pytest.mark.parametrize(("lang", "code"), SLEEPERS)
def test_time_limit_kills(lang: Lang, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.runtime.commands.GRACE", 0.05)
    seen: list[str] = []
    clock = MockClock(rate=1)

    def started(_: str, text: str) -> None:
        seen.append(text)
        clock.jump(50)

    async def body(workers: CodeWorkers) -> Any:
        with pytest.raises(OrchError) as caught:
            await run(workers, lang, code, timeout=50, on_output=started)
        return caught.value

    error = in_workers(body, clock)
    assert (error.code, error.message) == ("E503", f"{lang} code ran longer than 50 s and was stopped")
    pids = [int(pid) for pid in "".join(seen).split()]
    assert pids
    assert reaped(pids[0])
    assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize(("lang", "code"), SLEEPERS)
def test_cancellation_kills_and_reaps(lang: Lang, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.runtime.commands.GRACE", 0.05)
    pids: list[int] = []

    async def body(workers: CodeWorkers) -> str:
        with trio.CancelScope() as scope:

            def started(_: str, text: str) -> None:
                pids.extend(int(pid) for pid in text.split())
                scope.cancel()

            await run(workers, lang, code, on_output=started)
        assert scope.cancelled_caught
        assert reaped(pids[0])
        return await value(workers, "py", "print('still usable')")

    assert in_workers(body) == "still usable"
    assert all(gone(pid) for pid in pids)


INTERRUPTED = """
    import os, signal, trio
    from pathlib import Path
    from orchestra.runtime.code.workers import CodeWorkers
    from orchestra.runtime.commands import CommandRequest, run_command

    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have Ctrl-C ignored
    ROOT, ENV = Path("/"), os.environ
    CODE = '''
    import os, time
    print(os.getpid())
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        print("hit")
    '''
    COMMAND = "echo $$; trap 'echo hit' INT; sleep 60"

    def tell(stream, text):
        print(text.strip(), flush=True)

    async def main():
        async with CodeWorkers(ENV) as workers, trio.open_nursery() as nursery:
            nursery.start_soon(workers.run, "py", CODE, {}, {}, ROOT, None, tell)
            nursery.start_soon(run_command, CommandRequest(COMMAND, ROOT, ENV, on_chunk=tell))

    try:
        trio.run(main)
    except* KeyboardInterrupt:
        print("interrupted")
"""
PROGRAM_ENV = {**ENV, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_ctrl_c_reaches_us_alone_and_leaves_nothing() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED)],
        stdout=subprocess.PIPE,
        text=True,
        env=PROGRAM_ENV,
        start_new_session=True,
    )
    assert program.stdout is not None
    pids = [int(program.stdout.readline()) for _ in range(2)]
    os.killpg(program.pid, signal.SIGINT)
    assert program.stdout.read() == "interrupted\n"
    assert program.wait() == 0
    assert all(gone(pid) for pid in pids)


def test_workers_end_with_a_parent_that_was_killed() -> None:
    text = textwrap.dedent(INTERRUPTED).replace("time.sleep(60)", "time.sleep(0.1)")
    program = subprocess.Popen(
        [sys.executable, "-c", text.replace("; sleep 60", "")],
        stdout=subprocess.PIPE,
        text=True,
        env=PROGRAM_ENV,
    )
    assert program.stdout is not None
    pids = [int(program.stdout.readline()) for _ in range(2)]
    program.kill()
    program.wait()
    assert all(gone(pid) for pid in pids)


async def together(workers: CodeWorkers, lang: Lang, codes: Sequence[str], **options: Any) -> list[Any]:
    values: list[Any] = [None] * len(codes)

    async def one(index: int) -> None:
        values[index] = await value(workers, lang, codes[index], **options)

    async with trio.open_nursery() as nursery:
        for index in range(len(codes)):
            nursery.start_soon(one, index)
    return values


def test_calls_at_once_do_not_see_each_other() -> None:
    codes = [f"x = {n}\nimport time\ntime.sleep(0.01)\nprint(x, 'y' in globals())\ny = 1" for n in range(20)]
    assert in_workers(lambda workers: together(workers, "py", codes)) == [f"{n} False" for n in range(20)]


def test_short_calls_share_the_given_number_of_processes() -> None:
    pids = in_workers(lambda workers: together(workers, "py", [PID] * 10), width=1)
    assert len(set(pids)) == 1


def test_blocking_calls_do_not_hold_up_others(tmp_path: Path) -> None:
    waiting = f"import os, time\nwhile not os.path.exists('{tmp_path}/go'):\n  time.sleep(0.005)\nprint('went')"
    going = f"open('{tmp_path}/go', 'w').close()\nprint('sent')"
    codes = [waiting] * 3 + [going]
    assert in_workers(lambda workers: together(workers, "py", codes), width=1) == ["went"] * 3 + ["sent"]


def test_a_host_function_may_run_code_itself() -> None:
    async def body(workers: CodeWorkers) -> list[Any]:
        async def deeper(depth: int) -> str:
            if depth == 0:
                return "ground"
            return str(await value(workers, "py", f"print(deeper({depth - 1}))", {"deeper": Shadow(host=deeper)}))

        return [await value(workers, "py", "print(deeper(3))", {"deeper": Shadow(host=deeper)})]

    assert in_workers(body, width=1) == ["ground"]


def test_a_host_function_is_cancelled_with_its_call() -> None:
    ended: list[str] = []
    clock = MockClock(rate=1)

    async def endless() -> None:
        try:
            clock.jump(60)
            await trio.sleep_forever()
        finally:
            ended.append("host")

    async def body(workers: CodeWorkers) -> str:
        with pytest.raises(OrchError, match="ran longer than 60 s"):
            await run(workers, "py", "endless()", {"endless": Shadow(host=endless)}, timeout=60)
        return await value(workers, "py", "print('next')")

    assert in_workers(body, clock, width=1) == "next"
    assert ended == ["host"]


@pytest.mark.parametrize(
    ("lang", "code", "pid"),
    [
        ("py", "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()", PID),
        pytest.param("node", "setInterval(() => console.log('late'), 1); process.pid", "process.pid", marks=needs_node),
        pytest.param("node", "await new Promise(() => {})", "process.pid", marks=needs_node),
    ],
)
def test_a_process_with_something_left_running_is_not_used_again(lang: Lang, code: str, pid: str) -> None:
    async def body(workers: CodeWorkers) -> tuple[Any, Any]:
        first = await value(workers, lang, pid)
        try:
            await run(workers, lang, code)
        except OrchError as error:
            assert error.message == "the code waits for a promise that nothing will settle"
        second = await value(workers, lang, pid)
        return first, second

    first, second = in_workers(body)
    assert first != second


@needs_node
def test_errors_in_timers_belong_to_the_call() -> None:
    async def body(workers: CodeWorkers) -> Any:
        code = "setTimeout(() => { throw new Error('late') }, 1)\nawait new Promise(r => setTimeout(r, 5000))"
        with pytest.raises(OrchError) as caught:
            await run(workers, "node", code)
        assert (caught.value.message, caught.value.details["line"]) == ("late", 1)
        code = "Promise.reject(new Error('nobody')); await new Promise(r => setTimeout(r, 5000))"
        with pytest.raises(OrchError, match="nobody"):
            await run(workers, "node", code)
        return await value(workers, "node", "1")

    assert in_workers(body) == 1


def test_output_arrives_while_the_code_runs(tmp_path: Path) -> None:
    seen: list[str] = []
    code = (
        "import os, time\nprint('first')\n"
        f"while not os.path.exists('{tmp_path}/seen'):\n  time.sleep(0.005)\nprint('second')"
    )

    def tell(_: str, text: str) -> None:
        seen.append(text)
        (tmp_path / "seen").touch()

    result = in_workers(lambda workers: run(workers, "py", code, on_output=tell))
    assert seen == ["first\n", "second\n"]
    assert result.printed == "first\nsecond\n"


def test_a_call_that_outlives_the_workers_leaves_no_process() -> None:
    async def main() -> str:
        workers = CodeWorkers(ENV)
        pids: list[str] = []
        async with trio.open_nursery() as nursery:

            async def call() -> None:
                pids.append(await value(workers, "py", "import time\ntime.sleep(0.05)\n" + PID))

            nursery.start_soon(call)
            await trio.sleep(0.01)
            await workers.close()
        return pids[0]

    assert reaped(int(trio.run(main)))


class Chunks(trio.abc.ReceiveStream):
    """A stream that hands out given pieces, then its end."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        return self._pieces.pop(0) if self._pieces else b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([b"ab\x00", b"1\x00"], ["ab"]),
        ([b"ab\x001\x00"], ["ab"]),
        ([b"\x00", b"1", b"\x00"], []),
        ([b"a\x00", b"b\x001", b"\x00"], ["a", "\x00b"]),
        ([b"\x00\x00", b"1\x00"], ["\x00"]),
        ([b"\xc3", b"\xa4\x001\x00"], ["ä"]),
        ([b"a\xff\x001\x00"], ["a�"]),
        ([b"a\x001"], ["a", "\x001"]),
        ([b"a\xc3"], ["a", "�"]),
    ],
)
def test_reading_up_to_a_mark(pieces: list[bytes], told: list[str]) -> None:
    into: list[str] = []
    seen: list[str] = []
    trio.run(read_to_mark, Chunks(*pieces), "\x001\x00", into, seen.append)
    assert seen == into == told
