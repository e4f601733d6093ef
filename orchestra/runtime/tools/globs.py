"""Patterns of paths and commands, matched without ever trying all the ways in which a `*` could fit.

In a path `*` stays within one folder and `**` crosses folders; in a command `*` is any text.
"""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

__all__ = ["command_matches", "path_matches"]

BRACES = re.compile(r"\{([^{}]*)\}")
MOST_CHOICES = 100  # of `{a,b}{c,d}…`; braces beyond that are taken literally

Segments = tuple[re.Pattern[str] | None, ...]


def path_matches(pattern: str, path: str) -> bool:
    """Whether a whole path with `/` matches; `**` stands for any number of folders, `{a,b}` for either."""
    parts = path.split("/")
    return any(_fits(segments, parts) for segments in _compiled(pattern))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> tuple[Segments, ...]:
    """For each choice of braces the segments between slashes, None for `**`."""
    return tuple(
        tuple(None if part == "**" else re.compile(fnmatch.translate(part)) for part in choice.split("/"))
        for choice in _choices(pattern.removeprefix("./"))
    )


def _choices(pattern: str) -> list[str]:
    done: list[str] = []
    open_ones = [pattern]
    while open_ones:
        choice = open_ones.pop()
        braces = BRACES.search(choice)
        if braces is None or len(done) + len(open_ones) > MOST_CHOICES:
            done.append(choice)
        else:
            before, after = choice[: braces.start()], choice[braces.end() :]
            open_ones += [before + word + after for word in braces[1].split(",")]
    return done


def _fits(segments: Segments, parts: list[str]) -> bool:
    reached = {0}
    for number, segment in enumerate(segments, 1):
        if segment is None:
            least = 1 if number == len(segments) else 0  # `docs/**` is what lies in docs, not docs itself
            reached = set(range(min(reached) + least, len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and segment.match(parts[at])}
        if not reached:
            return False
    return len(parts) in reached


def command_matches(pattern: str, command: str) -> bool:
    """Whether a whole command matches. A final `:*` or ` *` also allows no arguments."""
    head = pattern.removesuffix(":*") if pattern.endswith(":*") else pattern.removesuffix(" *")
    if head == pattern:
        return _text_matches(pattern, command)
    return _text_matches(head, command) or _text_matches(head + " *", command)


def _text_matches(pattern: str, text: str) -> bool:
    """Only `*` is special."""
    return fnmatch.fnmatchcase(text, re.sub(r"[?\[]", r"[\g<0>]", pattern))
