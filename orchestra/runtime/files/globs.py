"""Paths with `*`, `**`, `?` and `[…]`: which files match.

Reading them is the loader's business. Matches are files only, sorted by absolute path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from pathlib import Path

__all__ = ["expand", "is_pattern", "literal", "matches"]

# Never entered by a wildcard; a pattern that spells the name out goes in.
SKIPPED = frozenset({"node_modules", ".git", "dist", "build"})

_MAGIC = re.compile(r"(?<!\\)[*?\[]")
_ESCAPED = re.compile(r"\\([*?\[\]])")

Ancestors = frozenset[tuple[int, int]]  # device and inode of every folder above


def is_pattern(path: str) -> bool:
    """Whether `path` has a wildcard that no backslash precedes."""
    return bool(_MAGIC.search(path))


def literal(path: str) -> str:
    r"""The path that is meant where `\*`, `\?`, `\[` and `\]` stand for the characters themselves."""
    return _ESCAPED.sub(r"\1", path)


def expand(pattern: str, folder: Path) -> list[Path]:
    """The files below `folder` that match the relative `pattern`, sorted by absolute path."""
    found = _walk(folder, _segments(pattern), frozenset())
    return sorted({Path(os.path.normpath(path)) for path in found}, key=str)


def matches(pattern: str, name: str) -> bool:
    """Whether a slash-separated name, of a file that lies on no disk, matches."""
    return _match(_segments(pattern), name.split("/"))


def _segments(pattern: str) -> list[str]:
    """The parts between slashes; `**` at the end means every file below, `**/**` the same as `**`."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    parts = [part for i, part in enumerate(parts) if part != "**" or parts[i - 1 : i] != ["**"]]
    return [*parts, "*"] if parts[-1:] == ["**"] else parts


def _match(segments: Sequence[str], parts: Sequence[str]) -> bool:
    if not segments or not parts:
        return not segments and not parts
    if segments[0] == "**":
        return _match(segments[1:], parts) or (_enters(parts[0]) and _match(segments, parts[1:]))
    return _fits(segments[0], parts[0], len(parts) > 1) and _match(segments[1:], parts[1:])


def _walk(folder: Path, segments: Sequence[str], above: Ancestors) -> Iterator[Path]:
    segment, rest = segments[0], segments[1:]
    if segment == "**":
        yield from _descend(folder, rest, above)
    elif not is_pattern(segment):
        yield from _step(folder / literal(segment), rest, above)
    else:
        accepted = _regex(segment)
        for entry in _entries(folder):
            if accepted.match(entry.name) and _seen(segment, entry.name, bool(rest)):
                yield from _step(folder / entry.name, rest, above)


def _step(path: Path, rest: Sequence[str], above: Ancestors) -> Iterator[Path]:
    if rest:
        yield from _walk(path, rest, above)
    elif path.is_file():
        yield path


def _descend(folder: Path, rest: Sequence[str], above: Ancestors) -> Iterator[Path]:
    """`**`: the folder itself and everything below; a link back to a folder above is not followed."""
    try:
        status = os.stat(folder)
    except OSError:
        return
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    yield from _walk(folder, rest, above)
    for entry in _entries(folder):
        if _enters(entry.name) and entry.is_dir():
            yield from _descend(folder / entry.name, rest, above | {identity})


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # not a folder, or not ours to read: nothing in it matches
        return []


def _enters(name: str) -> bool:
    return name not in SKIPPED and not name.startswith(".")


def _fits(segment: str, name: str, is_folder: bool) -> bool:
    if not is_pattern(segment):
        return literal(segment) == name
    return _seen(segment, name, is_folder) and bool(_regex(segment).match(name))


def _seen(segment: str, name: str, is_folder: bool) -> bool:
    """A wildcard reaches a hidden name only behind an explicit dot, and goes into no skipped folder."""
    return not (is_folder and name in SKIPPED) and (segment.startswith(".") or not name.startswith("."))


def _regex(segment: str) -> re.Pattern[str]:
    bracketed = _ESCAPED.sub(lambda found: f"[{found[1]}]", segment)
    return re.compile(translate(bracketed.replace("[^", "[!")))
