"""`orch chaos NAME`: proves on a script of the project that no interruption loses, repeats or changes anything.

What is done to it is told in `blows`, how it takes that in `ordeal`.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click

from orchestra.cli.blows import FAULTS, Blow, faults, kill_points, read_blow
from orchestra.cli.clicked import invoke
from orchestra.cli.ordeal import DONE, Ordeal, Undisturbed
from orchestra.cli.scratch import Scratch
from orchestra.cli.scripts import Scripts
from orchestra.cli.shell import Shell
from orchestra.errors import OrchError

__all__ = ["main"]


def main(argv: list[str], shell: Shell) -> int:
    return invoke(chaos, argv, shell)


@click.command(name="chaos", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF THE SCRIPT …]")
@click.option(
    "--kills", type=click.IntRange(0), help="How many; without it one at every event and half as many between."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses where they fall.")
@click.option("--faults", "kinds", default="all", show_default=True, help=f"all, none, or some of {', '.join(FAULTS)}.")
@click.option(
    "--ignore", multiple=True, metavar="PATTERN", help="Files not to be compared; stdout for what is printed."
)
@click.option("--only", multiple=True, metavar="BLOW", help="Nothing but this, such as KILL@17.")
@click.pass_obj
def chaos(
    shell: Shell,
    name: str,
    words: tuple[str, ...],
    kills: int | None,
    seed: int,
    kinds: str,
    ignore: tuple[str, ...],
    only: tuple[str, ...],
) -> int:
    """Run NAME in a copy of the project, strike it again and again, and compare with a run that was left alone.

    After every strike the script is run once more to its end: it must print the same, leave the same files, and make
    no call again whose result was stored. Secrets of the environment are not handed on, so give it recorded answers:
    orch chaos NAME --models replies.jsonl. The exit code is 0 if all is well, else 1.
    """
    config = shell.config()
    path = Scripts.of(config, shell.environ).locate(name, shell.cwd).path
    chosen = _kinds(kinds)
    blows = [read_blow(text) for text in only]
    with tempfile.TemporaryDirectory(prefix="orch-chaos-") as folder:
        scratch = Scratch(config.root, Path(folder).resolve())
        ordeal = Ordeal(
            scratch,
            [name, *words],
            scratch.environ(shell.environ),
            folder=shell.cwd.relative_to(config.root),
            script=path.relative_to(config.root).as_posix(),
            left_out=ignore,
        )
        whole = _undisturbed(ordeal, shell)
        if not blows:
            chance, ms = Random(seed), 1000 * whole.outcome.ended.seconds
            blows = kill_points(whole.events, ms, kills, chance)
            blows += faults(chosen, whole.events, whole.largest, chance)
        return _dealt(blows, ordeal, whole, f"orch chaos {shlex.join([name, *words])}", shell)


def _kinds(text: str) -> Sequence[str]:
    """Raises E810."""
    if text in ("all", "none"):
        return FAULTS if text == "all" else ()
    kinds = text.split(",")
    if unknown := [kind for kind in kinds if kind not in FAULTS]:
        raise OrchError("E810", f'unknown fault "{unknown[0]}"', help=f"faults: {', '.join(FAULTS)}", exit=2)
    return kinds


def _undisturbed(ordeal: Ordeal, shell: Shell) -> Undisturbed:
    """Two runs that nothing happens to, which must be alike. Raises E813."""
    whole = ordeal.undisturbed()
    if whole.outcome.ended.exit not in DONE:
        shell.stderr.write(whole.outcome.ended.stderr)
        raise OrchError(
            "E813", f"the script does not come to its end undisturbed (exit {whole.outcome.ended.exit})", exit=2
        )
    shell.say(f"undisturbed: {whole.events} events, {whole.calls} calls, {len(whole.files)} files")
    if differences := ordeal.differences(whole, ordeal.undisturbed()):
        for line in differences:
            shell.say(line)
        help = "leave files out with --ignore PATTERN; what a model answers comes from --models FILE"
        raise OrchError("E813", "two undisturbed runs differ from each other", help=help, exit=2)
    return whole


def _dealt(blows: Sequence[Blow], ordeal: Ordeal, whole: Undisturbed, command: str, shell: Shell) -> int:
    hurt = []
    for blow in blows:
        shell.stdout.flush()
        if problems := ordeal.suffer(blow, whole):
            hurt.append(blow)
            shell.say(f"{blow}: {problems[0]}")
            for line in problems[1:]:
                shell.say(f"  {line}")
            shell.say(f"  once more: {command} --only {blow}")
    for kind, dealt in (
        ("kill points", [blow for blow in blows if blow.kind == "kill"]),
        ("faults", [blow for blow in blows if blow.kind != "kill"]),
    ):
        well = sum(blow not in hurt for blow in dealt)
        if dealt:
            shell.say(
                f"{well}/{len(dealt)} {kind}: "
                + ("same output, 0 repeated calls" if well == len(dealt) else "see above")
            )
    return 1 if hurt else 0
