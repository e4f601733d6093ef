"""Words of a shell command that are more than they seem: code in arguments, and what the shell has yet to fill in."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Sequence

from orchestra.runtime.tools.shell_words import expanded
from orchestra.runtime.tools.shell_wrappers import runs_others
from orchestra.runtime.tools.workspace import Refusal

__all__ = ["check_visible", "hiding"]

# Commands of the shell that run text.
RUNNING = frozenset({"eval", "trap"})

# Commands of the shell that take names of variables, in which `a[$(…)]` is run.
NAMING = frozenset(
    "printf test [ read unset let declare typeset local export readonly wait mapfile readarray getopts".split()
)


def check_visible(words: Sequence[str]) -> None:
    """Raises Refusal for a command whose arguments are code."""
    program = words[0]
    if program in RUNNING:
        raise Refusal(f"{program} cannot be checked; write the command itself")
    if program in NAMING and any("[" in word and ("$(" in word or "`" in word) for word in words[1:]):
        raise Refusal(f"{program} would run what stands in its argument; write the command itself")


def hiding(pattern: str, words: Sequence[str], written: Sequence[str]) -> str | None:
    """The word that might become what `pattern` forbids when the shell fills it in."""
    wanted = re.sub(r":\*$", " *", pattern).split()
    wraps = runs_others(words[0])
    names = [name for name in (wanted if wraps else wanted[1:]) if name != "*"]
    for at, word in enumerate(written):
        variables, files = expanded(word)
        if at == 0 and (variables or files):
            return word
        if not wraps and not _concerns(wanted, words[0]):
            continue
        if variables or (files and any(fnmatch.fnmatchcase(name, words[at]) for name in names)):
            return word
    return None


def _concerns(wanted: Sequence[str], program: str) -> bool:
    """Whether a pattern may speak of a program."""
    return not wanted or fnmatch.fnmatchcase(os.path.basename(program), wanted[0])
