"""`orch prompts RUN`: what the calls of a run asked of models, as it was archived before it was sent.

One call with its answer is shown by `show`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from orchestra.cli.call_card import parted
from orchestra.cli.clicked import invoke
from orchestra.cli.opened import opened
from orchestra.cli.shell import Shell
from orchestra.store.listings import RunDetails, show_run

__all__ = ["archived", "main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(prompts, argv, shell)


@click.command(name="prompts")
@click.argument("run", default="last")
@click.option("--agent", metavar="NAME", help="Only what was asked of this agent.")
@click.option("--purpose", metavar="WORD", help="Only what was asked for this purpose, such as predicate.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def prompts(shell: Shell, run: str, agent: str | None, purpose: str | None, as_json: bool) -> None:
    """The prompts of RUN (the latest if none is named), in the order in which they were sent."""
    wanted = {"agent": agent, "purpose": purpose}
    with opened(shell, run) as found:
        details = show_run(found.store, found.run)
        asked = [each for each in archived(details, found.root) if _fits(each[1], wanted)] if details else []
    if as_json:
        return click.echo(
            json.dumps([{**head, "prompt": text} for _, head, text in asked], ensure_ascii=False, indent=2)
        )
    for name, head, text in asked:
        facts = [head[key] for key in ("agent", "purpose", "model") if head.get(key)]
        click.echo(f"── {name}: {', '.join(facts)} ──\n{text}\n")
    return None


def archived(details: RunDetails, root: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, head and text of each prompt of a run that is still there. `root` holds the output of the run."""
    folder = root / (details.out_dir or "") / "prompts"
    for name in sorted({call.archive for call in details.calls if call.archive}):
        stem = Path(name).name.removesuffix(".prompt.md")
        file = folder / f"{stem}.prompt.md"
        if file.is_file():
            yield stem, *parted(file.read_text("utf-8", "replace"))


def _fits(head: dict[str, Any], wanted: dict[str, str | None]) -> bool:
    return all(word is None or head.get(key) == word for key, word in wanted.items())
