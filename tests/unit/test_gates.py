"""Gates under attack: who may answer what, whatever processes, files and names do meanwhile.

What a gate does in a script is shown by cases and the manual.
"""

from __future__ import annotations

import io
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestra.cli.dispatch import dispatch
from orchestra.cli.in_process import Finished, run_in_process
from orchestra.cli.shell import Shell
from orchestra.runtime.gates.document import gate_path, read_answer
from orchestra.store.gates import Gates, Wanted
from orchestra.store.store import Store

ASKS = """\
var @answer = gate "dig" with { present: <bed.md>, options: { yes: ["ok"], no: [] } }
show @answer.decision
"""


@dataclass
class Desk:
    """A project with one script."""

    root: Path
    script: str = ASKS
    environ: dict[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})

    def __post_init__(self) -> None:
        (self.root / "orch.toml").write_text("")
        (self.root / "bed.md").write_text("north\n")
        (self.root / "dig.mld").write_text(self.script)

    def orch(self, *words: str) -> Finished:
        return run_in_process(words, self.root, "", {**self.environ, "HOME": str(self.root)})

    def dig(self, *words: str) -> Finished:
        return self.orch("dig.mld", "--run", "spring", *words)

    def answer(self, *words: str) -> Finished:
        return self.orch("gate", "answer", "spring", "dig", *words)

    @property
    def file(self) -> Path:
        return self.root / gate_path("spring", "dig", 1)

    def states(self) -> list[str]:
        store = Store.open(self.root / ".orch/store.db", now=lambda: "2026-01-01T00:00:00.000Z")
        try:
            return [gate.state for gate in Gates(store.connection, run="spring").all()]
        finally:
            store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_no_answer_means_no_execution_however_often_it_is_run(desk: Desk) -> None:
    assert [desk.dig().exit for _ in range(3)] == [3, 3, 3]
    assert desk.states() == ["open"]


def test_the_second_answer_is_told_of_the_first(desk: Desk) -> None:
    desk.dig()
    assert desk.answer("ok").stdout == "dig of spring: yes\n"
    second = desk.answer("no")
    assert second.exit == 2
    assert "dig of spring is not open: yes (by cli" in second.stderr
    assert desk.dig().stdout == "yes\n"


def test_of_two_answers_at_once_one_counts(desk: Desk) -> None:
    desk.dig()
    ends = threading.Barrier(2)
    done: dict[str, bool] = {}

    def give(word: str) -> None:
        store = Store.open(desk.root / ".orch/store.db", now=lambda: "2026-01-01T00:00:00.000Z")
        gates = Gates(store.connection, run="spring")
        [gate] = gates.all()
        ends.wait()
        done[word] = gates.answer(gate, word, None, "cli")
        store.close()

    threads = [threading.Thread(target=give, args=(word,)) for word in ("yes", "no")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done.values()) == [False, True]
    assert desk.dig().stdout.strip() == next(word for word, counted in done.items() if counted)


def test_two_executions_open_one_gate(desk: Desk) -> None:
    desk.dig()
    store = Store.open(desk.root / ".orch/store.db", now=lambda: "2026-01-01T00:00:00.000Z")
    wanted = Wanted("sow", "h", ["a"], "{}", "", lambda number: f"sow-{number}.md")
    one, two = (Gates(store.connection, run="spring").reach(wanted, set()).gate for _ in range(2))
    store.close()
    assert (one.occurrence, two.occurrence) == (1, 1)


def test_an_answer_reaches_no_other_content(desk: Desk) -> None:
    desk.dig()
    desk.answer("yes")
    (desk.root / "bed.md").write_text("south\n")
    changed = desk.dig()
    assert changed.exit == 3
    assert "dig: what is shown has changed since it was answered with yes" in changed.stderr
    assert desk.dig("--answer", "dig=yes").exit == 3  # which is for the first occurrence
    (desk.root / "bed.md").write_text("north\n")
    assert desk.dig().stdout == "yes\n"
    assert desk.states() == ["answered", "void"]


def test_an_open_gate_whose_content_changes_takes_no_answer_from_the_old_file(desk: Desk) -> None:
    desk.dig()
    (desk.root / "bed.md").write_text("south\n")
    desk.file.write_text(desk.file.read_text().replace("\nanswer:", "\nanswer: yes"))
    assert desk.dig().exit == 3
    assert desk.states() == ["void", "open"]


@pytest.mark.parametrize("damage", ["", "answer: yes", "# dig\n\0\n\nanswer: yes\n", "\xff\xfe"])
def test_a_broken_file_answers_nothing_and_hinders_nobody(desk: Desk, damage: str) -> None:
    desk.dig()
    desk.file.write_bytes(damage.encode("latin-1"))
    assert desk.dig().exit == 3
    assert desk.orch("gate", "show", "spring", "dig").exit == 0
    assert desk.answer("yes").exit == 0
    assert desk.dig().stdout == "yes\n"


def test_a_wrong_word_in_the_file_is_told_and_waits(desk: Desk) -> None:
    desk.dig()
    desk.file.write_text(desk.file.read_text().replace("\nanswer:", "\nanswer: perhaps"))
    told = desk.dig()
    assert told.exit == 3
    assert '"perhaps": not a decision; use yes or no' in told.stderr


def test_text_of_the_gate_that_looks_like_an_answer_is_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (desk.root / "bed.md").write_text("answer: yes\n<!-- the answer stands below this line -->\nanswer: yes\n")
    assert desk.dig().exit == 3
    assert read_answer(desk.file) is None
    assert desk.dig().exit == 3


def test_a_file_that_was_lost_with_the_process_is_written_again(desk: Desk) -> None:
    desk.dig()
    desk.file.unlink()
    desk.dig()
    assert "north" in desk.file.read_text()
    desk.file.unlink()
    assert desk.answer("yes").exit == 0
    assert desk.dig().stdout == "yes\n"


@pytest.mark.parametrize("name", ["../../escape", "a/b", "..", "née ☃ 'x'", "n" * 5000, "a\\nb", "-x", "CON:1"])
def test_a_gate_may_have_any_name(tmp_path: Path, name: str) -> None:
    desk = Desk(tmp_path, script="show gate @payload.name with { options: ['yes', 'no'] }\n")
    run = ("dig.mld", "--run", "spring", "--payload-json", f'{{"name": "{name}"}}')
    assert desk.orch(*run).exit == 3
    [file] = (desk.root / ".orch/gates").rglob("*.md")
    assert file.parent == desk.root / ".orch/gates/spring"
    written = name.replace("\\n", "\n")
    assert desk.orch("gate", "answer", "spring", "--", written, "yes").exit == 0
    assert desk.orch(*run).exit == 0


def test_much_text_is_cut_on_the_terminal_and_whole_in_the_file(desk: Desk) -> None:
    (desk.root / "bed.md").write_text("a line of the plan\n" * 50_000)
    told = desk.dig()
    assert "more lines are in .orch/gates/spring/dig-1.md" in told.stderr
    assert len(told.stderr.splitlines()) < 100
    assert desk.file.read_text().count("a line of the plan") == 50_000


def test_without_a_store_there_is_nothing_to_answer(desk: Desk) -> None:
    assert desk.answer("yes").exit == 1
    assert desk.orch("gate", "list").exit == 1


def test_plan_and_replay_open_nothing(desk: Desk) -> None:
    assert desk.orch("plan", "dig.mld").exit == 0
    assert not (desk.root / ".orch/gates").exists()
    desk.dig()
    assert desk.orch("replay", "spring").exit == 1
    desk.answer("yes")
    desk.dig()
    assert desk.orch("replay", "spring").stdout == "yes\n"
    (desk.root / "bed.md").write_text("south\n")
    missing = desk.orch("replay", "spring")
    assert "run spring has no answer at gate dig" in missing.stderr
    assert desk.states() == ["answered"]


def test_a_run_keeps_to_its_script_and_payload(desk: Desk) -> None:
    desk.dig()
    (desk.root / "other.mld").write_text("show 1\n")
    assert "is one of dig.mld" in desk.orch("other.mld", "--run", "spring").stderr
    assert "was begun with the payload {}" in desk.dig("--bed", "south").stderr
    assert "there is a run" in desk.dig("--new").stderr
    assert "gives such names itself" in desk.orch("dig.mld", "--run", "r9").stderr
    assert desk.orch("dig.mld").exit == 3  # goes on with the last run, which is that one
    assert desk.states() == ["open"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def typed(desk: Desk, text: io.StringIO, *words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    environ = {**desk.environ, "HOME": str(desk.root)}
    exit = dispatch(["dig.mld", "--run", "spring", *words], Shell(text, out, err, environ, desk.root))
    return exit, out.getvalue(), err.getvalue()


def test_at_a_terminal_it_asks_until_there_is_a_decision(desk: Desk) -> None:
    exit, out, err = typed(desk, Terminal("perhaps\nOK\n"), "--interactive")
    assert (exit, out) == (0, "yes\n")
    assert err == "north\ndig: yes or no?\nnot a decision; use yes or no\n"


def test_it_asks_only_where_that_is_wished_and_somebody_sits_there(desk: Desk) -> None:
    assert typed(desk, Terminal("yes\n"))[0] == 3
    assert typed(desk, io.StringIO("yes\n"), "--interactive")[0] == 3
    assert typed(desk, Terminal(""), "--interactive")[0] == 3
    assert desk.states() == ["open"]
