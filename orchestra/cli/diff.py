"""`orch diff RUN1 RUN2`: which calls got other answers, and which calls became others because of that.

The answers come from `store.comparing`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.opened import Opened, opened, places_of
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run
from orchestra.errors import OrchError
from orchestra.store.comparing import Answer, answers_of
from orchestra.store.listings import show_run
from orchestra.store.places import Places

__all__ = ["main"]

WIDE = 60  # characters of an argument


def main(argv: list[str], shell: Shell) -> int:
    return invoke(diff, argv, shell)


@dataclass(frozen=True, slots=True)
class Pair:
    """A call of the first run and that of the second in its place; one of them may be missing."""

    before: Answer | None
    after: Answer | None

    @property
    def kind(self) -> str:
        if self.before is None or self.after is None:
            return "added" if self.before is None else "removed"
        if self.before.key != self.after.key:
            return "follows"
        if self.before.value != self.after.value:
            return "changed"
        known = self.before.prompt and self.after.prompt
        return "asked" if known and self.before.prompt != self.after.prompt else "same"


@click.command(name="diff")
@click.argument("run1")
@click.argument("run2")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def diff(shell: Shell, run1: str, run2: str, as_json: bool) -> None:
    """Compare the stored answers of two runs of one script: changed ones, and calls with other arguments.

    Each of the two may be a file that `orch bundle` wrote.
    """
    with opened(shell, run1) as one, opened(shell, run2) as other:
        first, second = chosen_run(one.store, one.run), chosen_run(other.store, other.run)
        if first.script != second.script:
            message = f"{first.id} is a run of {first.script}, {second.id} of {second.script}"
            raise OrchError("E810", message, help="compare runs of one script", exit=2)
        places = places_of(shell) if one.bundle or other.bundle else None
        pairs = list(_paired(_answers(one, places), _answers(other, places)))
    names = (run1 if one.bundle else first.id, run2 if other.bundle else second.id)
    if as_json:
        return click.echo(json.dumps([_data(pair) for pair in pairs], ensure_ascii=False, indent=2, default=str))
    same = sum(pair.kind == "same" for pair in pairs)
    click.echo(f"{names[0]} and {names[1]}, {first.script}: {len(pairs) - same} calls differ, {same} are the same")
    for pair in pairs:
        for line in _lines(pair, *names):
            click.echo(line)
    return None


def _answers(run: Opened, places: Places | None) -> list[Answer]:
    """The answers of a run with the prompts that lie in its output folder, in words that two machines have in common.

    A bundle holds them so.
    """
    places = None if run.bundle else places
    details = show_run(run.store, run.run)
    assert details is not None
    folder = run.root / (details.out_dir or "") / "prompts"
    prompts: dict[str, str] = {}
    for call in details.calls:
        file = folder / f"{call.archive}.prompt.md"
        if call.key and call.archive and file.is_file():
            text = file.read_text("utf-8", "replace").partition("\n---\n")[2].strip()
            text = text if places is None else places.hide(text)
            prompts[call.key] = f"{prompts.get(call.key, '')}{text}\n"
    return [replace(answer, prompt=prompts.get(answer.key, "")) for answer in answers_of(run.store, run.run, places)]


def _paired(before: list[Answer], after: list[Answer]) -> Iterator[Pair]:
    """Equal calls belong together; the others in their order, by function and call site."""
    theirs = {answer.key: answer for answer in after}
    mine = {answer.key for answer in before}
    free: dict[tuple[str, int], list[Answer]] = {}
    for answer in after:
        if answer.key not in mine:
            free.setdefault((answer.function, answer.site), []).append(answer)
    for answer in before:
        if answer.key in theirs:
            yield Pair(answer, theirs[answer.key])
        else:
            others = free.get((answer.function, answer.site))
            yield Pair(answer, others.pop(0) if others else None)
    for others in free.values():
        yield from (Pair(None, answer) for answer in others)


SAID = {
    "changed": "another answer",
    "asked": "another prompt, the same answer",
    "follows": "other arguments",
    "added": "only in {1}",
    "removed": "only in {0}",
}


def _lines(pair: Pair, first: str, second: str) -> Iterator[str]:
    if pair.kind == "same":
        return
    shown = pair.before or pair.after
    assert shown is not None
    argument = shown.argument.replace("\n", " ")
    short = argument if len(argument) <= WIDE else argument[:WIDE] + "…"
    yield f"\n@{shown.function}({short}): {SAID[pair.kind].format(first, second)}"
    if pair.before is not None and pair.after is not None:
        if pair.kind == "follows":
            yield from _unified("argument", pair.before.argument, pair.after.argument, first, second)
        if pair.before.prompt and pair.after.prompt:
            yield from _unified("prompt", pair.before.prompt, pair.after.prompt, first, second)
        yield from _unified("answer", _text(pair.before.value), _text(pair.after.value), first, second)


def _unified(what: str, before: str, after: str, first: str, second: str) -> Iterator[str]:
    yield from difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{what} of {first}", f"{what} of {second}", lineterm=""
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _data(pair: Pair) -> dict[str, Any]:
    return {
        "kind": pair.kind,
        "before": pair.before and asdict(pair.before),
        "after": pair.after and asdict(pair.after),
    }
