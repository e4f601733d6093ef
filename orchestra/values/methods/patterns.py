"""The methods of strings that take a text or a regular expression: split, replace, replaceAll, match."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from orchestra.errors import OrchError
from orchestra.regex import Regex, each_match, expand_replacement
from orchestra.values.kinds import a_kind
from orchestra.values.methods.arguments import integer, text
from orchestra.values.tagged import MISSING, Value, joined, tag

__all__ = ["match", "replace", "replace_all", "split"]


def split(string: str, separator: Value = None, limit: Value = None, *_: Value) -> list[Value]:
    """The first `limit` parts between separators; those captured by groups of a pattern stand between them."""
    parts = _all_parts(string, separator)
    return parts[: max(0, integer(limit, len(parts)))]


def _all_parts(string: str, separator: Value) -> list[Value]:
    if isinstance(separator, Regex):
        return list(_pieces(string, separator.pattern)) if string else _split_empty(separator)
    mark = "" if separator is None or separator is MISSING else text(separator)
    return list(string.split(mark)) if mark else list(string)


def _split_empty(separator: Regex) -> list[Value]:
    return [] if separator.pattern.match("") else [""]


def _pieces(string: str, pattern: re.Pattern[str]) -> Iterator[str | None]:
    """Separators that match nothing cut between characters, but not at the ends."""
    start = 0
    for found in each_match(pattern, string):
        if found.start() >= len(string):
            break
        if found.end() == start:
            continue
        yield string[start : found.start()]
        yield from found.groups()
        start = found.end()
    yield string[start:]


def replace(string: str, wanted: Value, replacement: Value, *_: Value) -> str:
    everywhere = isinstance(wanted, Regex) and wanted.everywhere
    return _replaced(string, wanted, replacement, None if everywhere else 1)


def replace_all(string: str, wanted: Value, replacement: Value = MISSING, *_: Value) -> Value:
    if isinstance(wanted, dict):
        return _replace_pairs(string, wanted)
    if replacement is MISSING:
        raise OrchError("E207", f".replaceAll({a_kind(wanted)}) needs a second argument")
    return _replaced(string, wanted, replacement)


def _replace_pairs(string: str, pairs: dict[str, Value]) -> Value:
    for wanted, replacement in pairs.items():
        string = _replaced(string, wanted, replacement)
    return tag(string, joined(pairs.values(), deep=True))


def _replaced(string: str, wanted: Value, replacement: Value, count: int | None = None) -> str:
    """The first `count` matches replaced, or all of them."""
    pattern = wanted.pattern if isinstance(wanted, Regex) else re.compile(re.escape(text(wanted)))
    template = text(replacement)
    out, end = [], 0
    for found in islice(each_match(pattern, string), count):
        out += [string[end : found.start()], expand_replacement(template, found)]
        end = found.end()
    return "".join(out) + string[end:]


def match(string: str, wanted: Value, *_: Value) -> list[Value] | None:
    regex = wanted if isinstance(wanted, Regex) else Regex.of(text(wanted))
    if regex.everywhere:
        return [found[0] for found in each_match(regex.pattern, string)] or None
    found = regex.pattern.search(string)
    return [found[0], *found.groups()] if found else None
