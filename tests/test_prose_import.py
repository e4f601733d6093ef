"""Programs of the `.prose` language become scripts that ask the same, in the same order, and say the same.

Each lies in `tests/prose/` as NAME.prose, with NAME.mld, what it becomes, and NAME.notes, what is told about it. Those
with NAME.replies.jsonl are run: NAME.out is what they print, NAME.asked what every session is asked, both held against
the program by hand. NAME.args answers what they ask of a person.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.in_process import Finished, run_in_process
from orchestra.prose_import import syntax
from orchestra.prose_import.naming import within
from orchestra.prose_import.reading import read_program
from orchestra.source import Source

HERE = Path(__file__).parent / "prose"
NAMES = sorted(file.stem for file in HERE.glob("*.prose"))
RUN = [name for name in NAMES if (HERE / f"{name}.replies.jsonl").exists()]


def told(name: str, ending: str) -> str:
    file = HERE / f"{name}.{ending}"
    return file.read_text() if file.exists() else ""


def orch(folder: Path, *words: str) -> Finished:
    return run_in_process(list(words), folder, "", {"PATH": "/usr/bin:/bin", "HOME": str(folder)})


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "orch.toml").write_text("")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_program_becomes_a_script(name: str, desk: Path) -> None:
    (desk / f"{name}.prose").write_text(told(name, "prose"))
    done = orch(desk, "prose", "import", f"{name}.prose", "-o", f"{name}.mld")
    assert done.stderr == told(name, "notes")
    assert done.exit == (5 if "not translated: " in done.stderr else 0)
    assert (desk / f"{name}.mld").read_text() == told(name, "mld")
    for note in (line for line in done.stderr.splitlines() if "not translated: " in line):
        _, line, _, text = note.split(":", 3)
        assert f">> not translated, line {line}:{text}" in told(name, "mld")


@pytest.mark.parametrize("name", NAMES)
def test_the_script_is_laid_out_and_valid(name: str, desk: Path) -> None:
    (desk / "job.mld").write_text(told(name, "mld"))
    assert orch(desk, "format", "--check", "job.mld") == Finished(0, "", "")
    checked = orch(desk, "check", "job.mld")
    assert checked.exit == 0, checked.stdout
    assert "warning" not in checked.stdout.replace("warning[unused-definition]", "").replace(" warning", "")


@pytest.mark.parametrize("name", RUN)
def test_the_script_asks_and_says_the_same(name: str, desk: Path) -> None:
    (desk / "job.mld").write_text(told(name, "mld"))
    (desk / "replies.jsonl").write_text(told(name, "replies.jsonl"))
    words = ("--models", "replies.jsonl", "--strict-models", "-q", "--calls-out", "calls.jsonl")
    done = orch(desk, "job.mld", *words, *told(name, "args").splitlines())
    assert (done.exit, done.stderr) == (0, "")
    calls = [json.loads(line) for line in (desk / "calls.jsonl").read_text().splitlines()]
    asked, said = [_asked(call) for call in calls if call["purpose"] == "session"], done.stdout.splitlines()
    if "parallel" in told(name, "prose") or "pmap" in told(name, "prose"):  # what goes on at once has no order
        assert (sorted(asked), sorted(said)) == (
            sorted(told(name, "asked").splitlines()),
            sorted(told(name, "out").splitlines()),
        )
    else:
        assert (asked, said) == (told(name, "asked").splitlines(), told(name, "out").splitlines())


def _asked(call: dict[str, Any]) -> str:
    text = call["messages"][0]["content"][0]["text"]
    return f"{call.get('agent') or '-'}: {' / '.join(line for line in text.splitlines() if line)}"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("agent a\n  model: x\n", 1, ["the end of the line cannot stand here", "expected: :"]),
        ('session "a"\n    context: x\n  session "b"\n', 3, ["indented like none above it"]),
        ("if ready:\n  throw\n", 1, ["ready cannot stand here", "expected: **a condition**"]),
        ("do x()\n  retry: 3\n", 2, ["retry is a setting, and only agents and sessions have any"]),
        ('session "a\n', 1, ["cannot stand here", "text in quotes"]),
        ("loop:\n", 1, ["the end of the file cannot stand here", "expected: indented lines"]),
        ('let x = 1\nrepeat 3\n  session "a"\n', 2, ["the end of the line cannot stand here"]),
    ],
)
def test_a_wrong_program_is_told_where(text: str, line: int, words: list[str], desk: Path) -> None:
    (desk / "job.prose").write_text(text)
    done = orch(desk, "prose", "import", "job.prose", "-o", "job.mld")
    assert (done.exit, done.stdout) == (2, "")
    assert f"--> job.prose:{line}:" in done.stderr
    assert all(each in done.stderr for each in words), done.stderr
    assert not (desk / "job.mld").exists()


def test_a_script_is_written_over_only_if_that_is_said(desk: Path) -> None:
    (desk / "job.prose").write_text('session "a"\n')
    (desk / "job.mld").write_text("mine")
    refused = orch(desk, "prose", "import", "job.prose", "-o", "job.mld")
    assert (refused.exit, (desk / "job.mld").read_text()) == (2, "mine")
    assert "job.mld is already there" in refused.stderr
    assert orch(desk, "prose", "import", "job.prose", "-o", "job.mld", "--force").exit == 0
    assert (desk / "job.mld").read_text() == 'show session "a"\n'


def test_what_there_is_to_command(desk: Path) -> None:
    assert "no bake" in orch(desk, "prose", "bake").stderr
    assert orch(desk, "prose").exit == 2
    assert orch(desk, "prose", "import", "nothing.prose").stderr.startswith(
        "error[E401]: file not found: nothing.prose"
    )
    (desk / "empty.prose").write_text("")
    assert orch(desk, "prose", "import", "empty.prose") == Finished(0, "", "")


# ── what the programs are made of ────────────────────────────────────────────────────────────────

CONSTRUCTS = {
    "session", "session with agent", "named session", "resume", "agent", "context name", "context list",
    "context record", "context []", "let", "apart", "assign", "text over lines", "name in text", "do block", "do:",
    "block", "block with parameters", "chain", "parallel", "named branch", "join", "on-fail", "repeat", "repeat as",
    "for", "for with index", "parallel for", "loop", "until", "while", "limit", "loop as", "if", "elif", "else",
    "choice", "map", "filter", "pmap", "reduce", "try", "catch as", "finally", "throw", "throw again", "retry",
    "backoff", "input", "output", "use", "call", "return",
}  # fmt: skip
TWICE = 2


def constructs() -> Iterator[str]:
    for name in NAMES:
        text = told(name, "prose")
        yield from ["text over lines"] * text.count('"""\n')
        for node in within(read_program(Source(name, text)).statements):
            yield from _constructs(node)


def _constructs(node: syntax.Node) -> Iterator[str]:
    match node:
        case syntax.Session(agent=agent, name=name, resume=resume):
            yield "resume" if resume else "session"
            yield from ["session with agent"] * (agent is not None) + ["named session"] * (name is not None)
        case syntax.Property(name="context", value=value):
            kind = type(value).__name__.lower().replace("path", "name")
            yield "context []" if value == syntax.List(value.line, ()) else f"context {kind}"  # type: ignore[union-attr]
        case syntax.Property(name="retry" | "backoff" as name):
            yield name
        case syntax.Let(apart=apart):
            yield "apart" if apart else "let"
        case syntax.Do(called=called):
            yield "call" if called else "do block"
        case syntax.Block(parameters=parameters):
            yield from ["block"] + ["block with parameters"] * bool(parameters)
        case syntax.Parallel(branches=branches):
            yield from ["parallel"] + ["named branch"] * any(branch.name for branch in branches)
        case syntax.Argument(name="on-fail"):
            yield "on-fail"
        case syntax.Argument(name="max"):
            yield "limit"
        case syntax.Argument(name=None, value=syntax.Text(parts=("first" | "any" | "all",))):
            yield "join"
        case syntax.Text(parts=parts) if any(isinstance(part, syntax.Path) for part in parts):
            yield "name in text"
        case _:
            yield from _control(node)


def _control(node: syntax.Node) -> Iterator[str]:
    match node:
        case syntax.Repeat(index=index):
            yield from ["repeat"] + ["repeat as"] * (index is not None)
        case syntax.For(index=index, parallel=parallel):
            yield from ["parallel for" if parallel else "for"] + ["for with index"] * (index is not None)
        case syntax.Loop(way=way, index=index):
            yield from ["loop"] + [way] * (way is not None) + ["loop as"] * (index is not None)  # type: ignore[list-item]
        case syntax.If(branches=branches, otherwise=otherwise):
            yield from ["if"] + ["elif"] * (len(branches) - 1) + ["else"] * (otherwise is not None)
        case syntax.Stage(kind=kind):
            yield kind
        case syntax.Try(caught=caught, last=last):
            yield from ["try"] + ["catch as"] * (caught is not None) + ["finally"] * (last is not None)
        case syntax.Throw(message=message):
            yield "throw again" if message is None else "throw"
        case syntax.Anonymous():
            yield "do:"
        case _:
            yield type(node).__name__.lower()


def test_every_construct_is_there_twice() -> None:
    seen = Counter(constructs())
    assert sorted(name for name in CONSTRUCTS if seen[name] < TWICE) == []
