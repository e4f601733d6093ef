"""The command that goes on where a run stopped: the same, but not from the beginning, and with the money it lacked.

When it is shown is decided in `dispatch`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from orchestra.errors import OrchError

__all__ = ["command_to_go_on"]


def command_to_go_on(words: Sequence[str], error: OrchError | None) -> str:
    """`words` is the command line that stopped, `error` what it stopped with, if that was an error."""
    end = list(words).index("--") if "--" in words else len(words)
    kept = [word for word in words[:end] if word not in ("--new", "--fresh")]
    if error is not None and error.code == "E807":
        kept = _decided(kept)
    return shlex.join(["orch", *_with_money(_without_targets(kept), error), *words[end:]])


def _decided(words: list[str]) -> list[str]:
    """Asked about answers of older code, to go on is to have them made again: asking once more would stop once more."""
    pairs = zip(["", *words], words, strict=False)
    rest = [word for before, word in pairs if before != "--stale" and not word.startswith("--stale")]
    return [*rest, "--stale", "rerun"]


def _without_targets(words: Sequence[str]) -> list[str]:
    """What was to be made again is marked already: naming it once more would undo what was made since."""
    kept = [word for before, word in zip(["", *words], words, strict=False) if not _names_target(before, word)]
    return [*(word for word in kept if word != "--resume"), *(["--resume"] if "--resume" in kept else [])]


def _names_target(before: str, word: str) -> bool:
    return word.startswith("--resume=") or (before == "--resume" and not word.startswith("-"))


def _with_money(words: list[str], error: OrchError | None) -> list[str]:
    """With twice the budget of the run, if that was the bound that stopped it. A later option stands above others."""
    if error is None or error.details.get("part") != "":
        return words
    unit, bound, missing = error.details["unit"], error.details["limit"], error.details["missing"]
    raised = f"{unit}={max(2 * bound, bound + 2 * missing):.10g}"
    for number, word in enumerate(words):
        if word.startswith("--budget=") and "," not in word:
            return [*words[:number], f"--budget={raised}", *words[number + 1 :]]
        if word == "--budget" and "," not in words[number + 1]:
            return [*words[: number + 1], raised, *words[number + 2 :]]
    return [*words, "--budget", raised]
