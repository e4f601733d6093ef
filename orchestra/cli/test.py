"""`orch test [PATH …]`: run the tests of a project without a model, and say what failed.

Which files are tests and when they pass is told in `trials`; that they run side by side is the work of `crew`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.crew import verdicts
from orchestra.cli.shell import Shell
from orchestra.cli.trials import SUFFIX, Trial, Verdict, find_trials
from orchestra.errors import OrchError, nearest

__all__ = ["main"]

LINE = 80  # dots in a line


def main(argv: list[str], shell: Shell) -> int:
    return invoke(test, argv, shell)


@click.command(name="test")
@click.argument("paths", nargs=-1, metavar="[PATH …]")
@click.option("--only", multiple=True, metavar="NAME", help="Run this test only; may be given several times.")
@click.option("-k", "words", multiple=True, metavar="WORD", help="Run tests whose name holds this word.")
@click.option("--update", is_flag=True, help="Write what is printed to NAME.expected.txt and show the difference.")
@click.option("--verbose", "-v", is_flag=True, help="One line for each test.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--jobs", "-j", type=click.IntRange(1), help="How many run at the same time; as many as there are cores.")
@click.pass_obj
def test(
    shell: Shell,
    paths: tuple[str, ...],
    only: tuple[str, ...],
    words: tuple[str, ...],
    update: bool,
    verbose: bool,
    as_json: bool,
    jobs: int | None,
) -> int:
    """Run NAME.test.mld files with recorded replies, a clock that stands still, and in a copy of the project.

    PATH is a test or a folder with everything below it; the default is this folder.
    The exit code is 0 if all passed, 1 if some failed, and 2 if there is nothing to run.
    """
    found = find_trials([shell.cwd / path for path in paths or (".",)], shell.cwd)
    chosen = _chosen(found, only, words)
    began = shell.monotonic()
    seen = verdicts(chosen, shell.environ, update, jobs or _cores())
    done = sorted(_shown(seen, shell, as_json, verbose or bool(only)), key=lambda verdict: verdict.name)
    failed = [verdict for verdict in done if not verdict.passed]
    if as_json:
        shell.say(json.dumps(_as_data(done, failed), ensure_ascii=False, indent=2))
    else:
        _report(done, failed, shell, shell.monotonic() - began)
    return 1 if failed else 0


def _chosen(found: list[Trial], only: tuple[str, ...], words: tuple[str, ...]) -> list[Trial]:
    """Raises E810 if nothing is left, or a name is none."""
    if not found:
        raise OrchError("E810", "there are no tests here", help=f"write one: NAME{SUFFIX}", exit=2)
    for name in only:
        if not any(_is_called(trial, name) for trial in found):
            close = nearest(name, {called for trial in found for called in (trial.name, Path(trial.name).name)})
            raise OrchError(
                "E810", f'there is no test "{name}"', help=f"did you mean {close}?" if close else None, exit=2
            )
    chosen = [trial for trial in found if not only or any(_is_called(trial, name) for name in only)]
    chosen = [trial for trial in chosen if all(word in trial.name for word in words)]
    if not chosen:
        raise OrchError("E810", f"no test of {len(found)} holds {' and '.join(words)} in its name", exit=2)
    return chosen


def _is_called(trial: Trial, name: str) -> bool:
    return name.removesuffix(trial.suffix) in (trial.name, Path(trial.name).name)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _shown(seen: Iterable[Verdict], shell: Shell, as_json: bool, named: bool) -> Iterable[Verdict]:
    """Each outcome, told as soon as it is there."""
    count = 0
    for verdict in seen:
        count += 1
        if named and not as_json:
            shell.say(f"{'ok' if verdict.passed else 'FAILED'} {verdict.name}")
        elif not as_json:
            shell.stdout.write(("." if verdict.passed else "F") + ("\n" if count % LINE == 0 else ""))
            shell.stdout.flush()
        yield verdict
    if count % LINE and not (named or as_json):
        shell.say("")


def _report(done: list[Verdict], failed: list[Verdict], shell: Shell, seconds: float) -> None:
    for verdict in done:
        if verdict.updated:
            shell.say(f"\nupdated {verdict.name}\n{verdict.diff}")
    for verdict in failed:
        place = (verdict.file or verdict.name) + (f":{verdict.line}" if verdict.line else "")
        shell.say(f"\nFAILED {place}\n{verdict.problem}" + (f"\n{verdict.diff}" if verdict.diff else ""))
    shell.say(("\n" if failed else "") + f"{_counts(done, failed)} in {seconds:.1f} s")


def _counts(done: list[Verdict], failed: list[Verdict]) -> str:
    updated = sum(verdict.updated for verdict in done)
    more = f", {updated} updated" if updated else ""
    return f"{len(done) - len(failed)} passed, {len(failed)} failed{more}"


def _as_data(done: list[Verdict], failed: list[Verdict]) -> dict[str, object]:
    return {
        "passed": len(done) - len(failed),
        "failed": len(failed),
        "tests": [verdict.as_data() for verdict in done],
    }
