"""Programs that run other programs, and which ones: `time make`, `find -exec rm {} ;`, `xargs git push`, `sh -c '…'`.

Whether those may be run is decided in `shell_check`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from orchestra.runtime.tools.shell_words import Opaque, split_command

__all__ = ["carried", "possible", "runs_others", "stripped"]

Words = Sequence[str]

DURATION = re.compile(r"\d+(\.\d+)?[smhd]?")
SHELLS = frozenset("sh bash dash zsh ksh ash".split())

# Programs whose arguments are, after options, another program with its arguments.
WRAPPERS = frozenset(
    "! time nice nohup timeout command builtin exec env sudo doas xargs setsid stdbuf ionice chronic watch busybox"
    " strace ltrace parallel flock script caffeinate".split()
)
FIND_ACTIONS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
MOST_ACTIONS = 20
MOST_RESTS = 16
DEEPEST = 8  # wrappers within wrappers


def stripped(words: Words) -> list[str]:
    """The words after programs that change nothing but how another one is run."""
    at, last = 0, len(words) - 1
    while at < last:
        if words[at] in ("!", "time", "nice", "nohup"):
            at += 1
        elif words[at] == "timeout" and at + 1 < last and DURATION.fullmatch(words[at + 1]):
            at += 2
        else:
            break
    return list(words[at:])


def runs_others(program: str) -> bool:
    """Whether a program runs those that stand in its arguments."""
    name = os.path.basename(program)
    return name in WRAPPERS or name in SHELLS or name == "find"


def carried(words: Words, depth: int = 0) -> Iterator[list[str]]:
    """The command and those it runs, as far as they can be told. Raises Opaque for what a shell would not show."""
    yield list(words)
    if depth == DEEPEST:
        raise Opaque("programs that run programs that run programs")
    for inner in filter(None, _inner(words)):
        yield from carried(inner, depth + 1)


def possible(words: Words) -> Iterator[list[str]]:
    """Like `carried`, and every rest of a line that a wrapper might mean: options may take a word or none."""
    for command in carried(words):
        yield command
        if os.path.basename(command[0]) in WRAPPERS:
            yield from (command[start:] for start in range(1, min(len(command), MOST_RESTS)))


def _inner(words: Words) -> Iterator[list[str]]:
    program, rest = os.path.basename(words[0]), list(words[1:])
    if program in WRAPPERS:
        head = next((at for at, word in enumerate(rest) if _is_program(word)), None)
        if head is not None:
            yield rest[head:]
    elif program in SHELLS:
        text = next((rest[at + 1] for at, word in enumerate(rest[:-1]) if re.fullmatch(r"-\w*c\w*", word)), None)
        if text is not None:
            yield from (command.words for command in split_command(text) if command.words)
    elif program == "find":
        actions = [at for at, word in enumerate(rest[:-1]) if word in FIND_ACTIONS]
        if len(actions) > MOST_ACTIONS:
            raise Opaque("too many actions of find")
        for at in actions:
            end = next((i for i in range(at + 1, len(rest)) if rest[i] in (";", "+")), len(rest))
            yield rest[at + 1 : end]


def _is_program(word: str) -> bool:
    return not (word.startswith("-") or "=" in word or DURATION.fullmatch(word))
