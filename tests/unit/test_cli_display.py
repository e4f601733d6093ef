"""The tally of a run, the picture drawn from it, and a terminal that shows both with the script's output."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.display import picture
from orchestra.cli.render import coloured, table
from orchestra.cli.reporting import Reporting
from orchestra.cli.shell import Shell
from orchestra.cli.tally import Tally, amount, clock, dollars
from orchestra.errors import OrchError, Warned, render
from orchestra.events import Event
from orchestra.invocation import RunOptions
from orchestra.source import Source, Span


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that calls itself a terminal, and what a person would see on it."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines, row, column = [""], 0, 0
        for token in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if token == "\n":
                row, column = row + 1, 0
                lines += [""] * (row == len(lines))
            elif token == "\r":
                column = 0
            elif token == "\x1b[2K":
                lines[row] = ""
            elif token.startswith("\x1b[") and token.endswith("A"):
                row -= int(token[2:-1])
            elif not token.startswith("\x1b"):
                lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + len(token) :]
                column += len(token)
        return "\n".join(line.rstrip() for line in lines).rstrip("\n").split("\n")


class Show:
    """A run whose events are told by hand."""

    def __init__(self, stdout: io.StringIO, stderr: io.StringIO, **options: Any) -> None:
        self.clock = Clock()
        shell = Shell(io.StringIO(), stdout, stderr, {}, Path("/"), self.clock)
        self.reporting = Reporting(shell, RunOptions(**options))

    def tell(self, kind: str, **data: Any) -> None:
        for subscriber in self.reporting.subscribers:
            subscriber(Event(kind, data))


def told(tally: Tally, *events: tuple[str, dict[str, Any]]) -> Tally:
    for kind, data in events:
        tally(Event(kind, data))
    return tally


def item(clock: Clock, tally: Tally, index: int, seconds: float, status: str = "ok") -> None:
    tally(Event("item:start", {"loop": 1, "index": index}))
    clock.now += seconds
    tally(Event("item:end", {"loop": 1, "index": index, "status": status}))


# ── figures ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (1234, "1.2k"), (12_000, "12k"), (3_400_000, "3.4M")],
)
def test_amounts(number: int, text: str) -> None:
    assert amount(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (14.23, "14.2 s"), (59.96, "1 min 00 s"), (185, "3 min 05 s"), (3725, "1 h 02 min")],
)
def test_times(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("cost", "text"), [(None, ""), (0.0, "$0.00"), (0.0021, "$0.0021"), (0.02, "$0.02"), (12.3, "$12.30")]
)
def test_prices(cost: float | None, text: str) -> None:
    assert dollars(cost) == text


# ── tally ────────────────────────────────────────────────────────────────────────────────────────


def test_no_summary_without_model_calls() -> None:
    tally = told(Tally(Clock()), ("phase", {"name": "x"}), ("show", {"text": "hi"}), ("unheard-of", {}))
    assert tally.summary() is None


def test_summary_of_hits_only() -> None:
    now = Clock()
    tally = Tally(now)
    now.now += 0.98
    told(tally, *[("call:hit", {"fn": "ask"})] * 30, ("run:end", {"exit": 0, "ms": 980}))
    now.now += 5
    assert tally.summary() == "0 calls, 30 cached, 1.0 s"


def test_summary_with_failures_and_unknown_prices() -> None:
    ended = {"fn": "ask", "ms": 1}
    tally = told(
        Tally(Clock()),
        ("llm:usage", {"input": 10, "output": 2, "cost": 0.5}),
        ("llm:usage", {"input": 10, "output": 2, "cost": None}),
        ("call:start", {"fn": "ask", "key": "a"}),
        ("call:end", {**ended, "status": "ok"}),
        ("call:start", {"fn": "ask", "key": "b"}),
        ("call:end", {**ended, "status": "failed"}),
    )
    assert tally.summary() == "2 calls, 1 failed, 20 tokens in, 4 out, at least $0.50, 0.0 s"


def test_models_asked_within_and_without_labelled_calls_count_once() -> None:
    ended = ("llm:end", {"call_id": "1", "fn": "ask", "status": "ok", "ms": 1})
    assert told(Tally(Clock()), ended, ended).summary() == "2 calls, 0.0 s"
    labelled = ("call:start", {"fn": "ask", "key": "a"}), ("call:end", {"fn": "ask", "ms": 1, "status": "ok"})
    assert told(Tally(Clock()), labelled[0], ended, labelled[1]).summary() == "1 call, 0.0 s"


def test_time_left_comes_from_items_that_were_waited_for() -> None:
    now = Clock()
    tally = told(Tally(now), ("loop:start", {"id": 1, "total": 10, "width": 2, "label": "x"}))
    loop = tally.loops[1]
    for index in range(4):
        item(now, tally, index, 0.001)  # served from the store
    assert loop.left() is None
    item(now, tally, 4, 2.0)
    item(now, tally, 5, 4.0, "failed")
    assert (loop.done, loop.failed) == (6, 1)
    assert loop.left() == 6.0  # 4 items, 2 at a time, 3 s each


def test_hits_count_for_the_innermost_loop() -> None:
    tally = told(
        Tally(Clock()),
        ("loop:start", {"id": 1, "total": 2, "width": 1, "label": "outer"}),
        ("loop:start", {"id": 2, "total": 2, "width": 1, "label": "inner"}),
        ("call:hit", {"fn": "ask"}),
        ("loop:end", {"id": 2}),
        ("call:hit", {"fn": "ask"}),
        ("item:end", {"loop": 2, "index": 0, "status": "ok"}),
    )
    assert {id: loop.cached for id, loop in tally.loops.items()} == {1: 1}
    assert tally.cached == 2


# ── picture ──────────────────────────────────────────────────────────────────────────────────────


def test_picture() -> None:
    now = Clock()
    tally = told(
        Tally(now),
        ("phase", {"name": "verify"}),
        ("loop:start", {"id": 1, "total": 4, "width": 2, "label": "for @f in @files"}),
        ("call:hit", {"fn": "ask"}),
    )
    item(now, tally, 0, 3.0)
    item(now, tally, 1, 3.0, "failed")
    told(tally, ("item:start", {"loop": 1, "index": 2}), ("call:start", {"fn": "ask", "key": "k"}))
    told(tally, ("llm:usage", {"input": 1200, "output": 30, "cost": 0.01}))
    assert picture(tally, 80) == [
        "verify · 6.0 s",
        "  for @f in @files ██████████░░░░░░░░░░ 2/4 · 1 cached · 1 failed · 1 in flight · 3.0 s left",
        "  1 running · 0 calls · 1 cached · 1.2k tokens in, 30 out · $0.01",
    ]


def test_picture_of_many_loops_and_unknown_totals() -> None:
    tally = Tally(Clock())
    labels = [*(f"loop {id}" for id in range(5)), "a loop with a long name", "x", "y", "z"]
    for id, label in enumerate(labels):
        told(tally, ("loop:start", {"id": id, "total": None, "width": 1, "label": label}))
    assert picture(tally, 27) == [
        "running · 0.0 s",
        *[f"  loop {id} 0" for id in range(5)],
        "  a loop w… 0",
        "  … and 3 more loops",
        "  0 running · 0 calls · 0 cached",
    ]


# ── terminal ─────────────────────────────────────────────────────────────────────────────────────


def play(show: Show) -> None:
    with show.reporting as reporting:
        show.tell("phase", name="review")
        show.tell("loop:start", id=1, total=2, width=1, label="for @f")
        for index in range(2):
            show.tell("item:start", loop=1, index=index)
            show.tell("call:start", fn="ask", key="k")
            show.clock.now += 1
            reporting.stdout.write(f"item {index}\n")
            show.tell("call:end", fn="ask", ms=1, status="ok")
            show.tell("item:end", loop=1, index=index, status="ok")
        reporting.stdout.write("half ")
        show.tell("call:start", fn="ask", key="k")
        show.clock.now += 1
        reporting.stdout.write("a line\n")
        show.tell("warning", warned=Warned("W601", "hook failed"))
        show.clock.now += 1
        show.tell("call:end", fn="ask", ms=1, status="ok")
        show.tell("run:end", exit=0, ms=4)


SEEN = ["item 0", "item 1", "half a line"]


def test_display_leaves_only_the_output_behind() -> None:
    terminal = Terminal()
    show = Show(terminal, terminal)
    play(show)
    assert terminal.screen() == [*SEEN, "warning[W601]: hook failed", "3 calls, 4.0 s"]
    assert "review · " in terminal.getvalue()  # it was there in between


def test_output_into_a_file_is_untouched() -> None:
    out, terminal = io.StringIO(), Terminal()
    play(Show(out, terminal))
    assert out.getvalue() == "".join(f"{line}\n" for line in SEEN)
    assert terminal.screen() == ["warning[W601]: hook failed", "3 calls, 4.0 s"]


def test_no_display_without_a_terminal_or_when_quiet() -> None:
    for stderr, options in ((io.StringIO(), {}), (Terminal(), {"quiet": True})):
        out = io.StringIO()
        play(Show(out, stderr, **options))
        assert out.getvalue() == "".join(f"{line}\n" for line in SEEN)
        assert "review" not in stderr.getvalue()


def test_display_is_gone_after_an_error() -> None:
    terminal = Terminal()
    show = Show(terminal, terminal)
    with pytest.raises(OrchError), show.reporting:
        show.tell("call:start", fn="ask", key="k")
        raise OrchError("E201", "no")
    assert terminal.screen() == [""]


# ── colours and tables ───────────────────────────────────────────────────────────────────────────


def test_coloured_errors_differ_only_in_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    source = Source("sum.mld", "var @a = 1\nshow [red]@totl" + " x" * 60 + "\n")
    error = OrchError("E201", "variable @totl is not defined", Span(source, 21, 26), help="did you mean @total?")
    plain = render(error.within("@f(x: 1)", Span(source, 0, 3), "call", "f"))
    terminal = Terminal()
    coloured(plain, terminal)
    assert "\x1b[1;31merror[E201]\x1b[0m" in terminal.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue()) == plain + "\n"


def test_tables_without_a_terminal_have_no_frames_and_no_width() -> None:
    out = io.StringIO()
    table(("name", "calls>"), [("a" * 200, "1"), ("[b]", "12")], out)
    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines] == [["name", "calls"], ["a" * 200, "1"], ["[b]", "12"]]
    assert all(len(line) == len(lines[0]) for line in lines)
