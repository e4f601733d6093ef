"""`orch gate`: the questions to a person that runs wait at: list, show, answer.

How an answer is read is told by `runtime.gates.question`; that a question is answered once only, by the store.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.flag_values import usage
from orchestra.cli.render import table
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store
from orchestra.errors import OrchError, nearest
from orchestra.runtime.gates.document import Written, answer_in, read_shown
from orchestra.runtime.gates.question import Question
from orchestra.store.gates import Gate, Gates
from orchestra.store.listings import list_runs
from orchestra.store.store import Store

__all__ = ["main"]

HEADINGS = ("run", "gate", "no.>", "state", "decision", "by", "opened", "options")


def main(argv: list[str], shell: Shell) -> int:
    return invoke(gate, argv, shell)


@click.group(name="gate")
def gate() -> None:
    """Questions to a person that runs wait at."""


@gate.command(name="list")
@click.argument("run", required=False)
@click.option("--open", "only_open", is_flag=True, help="Only those that wait for an answer.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def list_gates(shell: Shell, run: str | None, only_open: bool, as_json: bool) -> None:
    """List the gates of RUN; without RUN, those of all runs."""
    with open_store(shell.config(), shell) as store:
        runs = [chosen_run(store, run).id] if run else [entry.id for entry in reversed(list_runs(store))]
        found = [entry for id in runs for entry in Gates(store.connection, run=id).all()]
    found = [entry for entry in found if entry.state == "open" or not only_open]
    if as_json:
        return click.echo(json.dumps([_data(entry) for entry in found], indent=2, ensure_ascii=False))
    return table(HEADINGS, map(_row, found), shell.stdout)


@gate.command(name="show")
@click.argument("run")
@click.argument("name")
@click.option("--occurrence", type=int, help="Which one, if there are several; else the last.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def show(shell: Shell, run: str, name: str, occurrence: int | None, as_json: bool) -> None:
    """Show what the gate NAME of RUN asks, and what was decided."""
    config = shell.config()
    with open_store(config, shell) as store:
        entry = _chosen(_named(store, chosen_run(store, run).id, name), occurrence)
    if as_json:
        return click.echo(json.dumps(_data(entry), indent=2, ensure_ascii=False))
    click.echo(read_shown(config.root / entry.presented).rstrip() or f"({entry.presented} is gone)")
    click.echo(f"\n{_standing(entry)}")
    return None


@gate.command(name="answer")
@click.argument("run")
@click.argument("name")
@click.argument("words", nargs=-1, required=True)
@click.option("--note", help="What is to be known besides.")
@click.option("--occurrence", type=int, help="Which one, if several of the name are open.")
@click.pass_obj
def answer(shell: Shell, run: str, name: str, words: Sequence[str], note: str | None, occurrence: int | None) -> None:
    """Decide the open gate NAME of RUN. WORDS is `-` for standard input."""
    config = shell.config()
    with open_store(config, shell) as store:
        gates = Gates(store.connection, run=chosen_run(store, run).id)
        entry = _open(_named(store, chosen_run(store, run).id, name), occurrence)
        question = Question.from_rules(entry.rules)
        given = [_standard_input(shell)] if tuple(words) == ("-",) else list(words)
        try:
            decision = question.encoded(question.read(given))
        except ValueError as error:
            raise usage(str(error), f"orch gate show {run} {name}", "E821") from None
        if not gates.answer(entry, decision, note, "cli"):
            raise _answered(gates.again(entry))
    answer_in(config.root / entry.presented, Written(decision, note))
    click.echo(f"{_called(entry)} of {entry.run}: {decision}")


def _standard_input(shell: Shell) -> str:
    return (shell.stdin or sys.stdin).read()


def _named(store: Store, run: str, name: str) -> list[Gate]:
    """The gates of this name. E821 if there is none."""
    all_of_run = Gates(store.connection, run=run).all()
    found = [entry for entry in all_of_run if entry.name == name]
    if not found:
        names = list(dict.fromkeys(entry.name for entry in all_of_run))
        close = nearest(name, names)
        help = f"did you mean {close}?" if close else f"its gates: {', '.join(names) or 'none'}"
        raise usage(f'run {run} has no gate "{name}"', help, "E821")
    return found


def _chosen(found: list[Gate], occurrence: int | None) -> Gate:
    if occurrence is None:
        return found[-1]
    for entry in found:
        if entry.occurrence == occurrence:
            return entry
    numbers = ", ".join(str(entry.occurrence) for entry in found)
    raise usage(f"gate {found[0].name} has no occurrence {occurrence}", f"there are {numbers}", "E821")


def _open(found: list[Gate], occurrence: int | None) -> Gate:
    """The one that can be answered. E821 if there is none, or more than one."""
    waiting = [entry for entry in found if entry.state == "open"]
    if occurrence is not None:
        waiting = [entry for entry in [_chosen(found, occurrence)] if entry.state == "open"]
    if len(waiting) == 1:
        return waiting[0]
    if waiting:
        numbers = ", ".join(str(entry.occurrence) for entry in waiting)
        raise usage(f"several gates {found[0].name} are open: {numbers}", "choose one with --occurrence N", "E821")
    raise _answered(_chosen(found, occurrence))


def _answered(entry: Gate) -> OrchError:
    """The error for a gate that is open no more."""
    return usage(f"{_called(entry)} of {entry.run} is not open: {_standing(entry)}", None, "E821")


def _called(entry: Gate) -> str:
    return entry.name if entry.occurrence == 1 else f"{entry.name} ({entry.occurrence})"


def _standing(entry: Gate) -> str:
    """How a gate stands, in words."""
    if entry.state == "answered":
        note = f", {entry.note}" if entry.note else ""
        return f"{entry.decision} (by {entry.answered_by}, {(entry.answered or '')[:16].replace('T', ' ')}){note}"
    return f"open: {Question.from_rules(entry.rules).choices}" if entry.state == "open" else entry.state


def _row(entry: Gate) -> tuple[str, ...]:
    opened = entry.opened[:16].replace("T", " ")
    return (
        entry.run, entry.name, str(entry.occurrence), entry.state, entry.decision or "", entry.answered_by or "",
        opened, Question.from_rules(entry.rules).choices,
    )  # fmt: skip


def _data(entry: Gate) -> dict[str, object]:
    return {**asdict(entry), "rules": json.loads(entry.rules)}
