"""`orch diff RUN1 RUN2`: which calls got other answers, and which calls became others because of that.

The answers come from `store.comparing`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.shell import Shell
from orchestra.cli.stored import chosen_run, open_store
from orchestra.errors import OrchError
from orchestra.store.comparing import Answer, answers_of
from orchestra.store.listings import RunSummary, show_run
from orchestra.store.store import Store

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
    """Compare the stored answers of two runs of one script: changed ones, and calls with other arguments."""
    config = shell.config()
    with open_store(config, shell) as store:
        first, second = chosen_run(store, run1), chosen_run(store, run2)
        if first.script != second.script:
            message = f"{first.id} is a run of {first.script}, {second.id} of {second.script}"
            raise OrchError("E810", message, help="compare runs of one script", exit=2)
        pairs = list(_paired(_answers(store, first, config.root), _answers(store, second, config.root)))
    if as_json:
        return click.echo(json.dumps([_data(pair) for pair in pairs], ensure_ascii=False, indent=2, default=str))
    same = sum(pair.kind == "same" for pair in pairs)
    click.echo(f"{first.id} and {second.id}, {first.script}: {len(pairs) - same} calls differ, {same} are the same")
    for pair in pairs:
        for line in _lines(pair, first.id, second.id):
            click.echo(line)
    return None


def _answers(store: Store, run: RunSummary, root: Path) -> list[Answer]:
    """The answers of a run with the prompts that lie in its output folder."""
    details = show_run(store, run.id)
    assert details is not None
    folder = root / (details.out_dir or "") / "prompts"
    prompts: dict[str, str] = {}
    for call in details.calls:
        file = folder / f"{call.archive}.prompt.md"
        if call.key and call.archive and file.is_file():
            text = file.read_text("utf-8", "replace").partition("\n---\n")[2].strip()
            prompts[call.key] = f"{prompts.get(call.key, '')}{text}\n"
    return [replace(answer, prompt=prompts.get(answer.key, "")) for answer in answers_of(store, run.id)]


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
