"""Definitions in program files: which ones a code selector means.

`python_outline` and `tree_outline` find them in the text; `documents` makes values of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate
from itertools import islice, takewhile

from orchestra.errors import OrchError
from orchestra.runtime.files.grammars import LANGUAGES
from orchestra.runtime.files.selectors import Code, CodeNames, NamePattern

__all__ = ["Definition", "find", "names_of"]

PYTHON = frozenset({".py", ".pyi"})

_WORD = re.compile(r"[^\W\d][\w$]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition and its text.

    path:   its name behind those of what it lies in, `Cart.total`
    line:   of its first line, from 1
    start, end: where it lies in the text, in whatever unit its outline counts
    nested: whether it lies inside another definition
    """

    path: str
    kind: str
    code: str
    line: int
    start: int
    end: int
    nested: bool

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    def within(self, other: Definition) -> bool:
        wider = (other.end - other.start) > (self.end - self.start)
        return wider and other.start <= self.start and self.end <= other.end


def find(text: str, suffix: str, wanted: Code, name: str) -> list[Definition | None]:
    """The definitions each pattern selects, in order of patterns; None for a pattern without a match.

    Raises E405 for a file type without definitions, E505 when the reader of its language is not installed.
    """
    all_ = _outline(text, suffix, name)
    found: list[Definition | None] = []
    for pattern in wanted.patterns:
        found += _matching(pattern, all_) or [None]
    return found


def names_of(text: str, suffix: str, wanted: CodeNames, name: str) -> list[str]:
    """The names of the wanted kinds of definitions, each once, sorted."""
    return sorted(
        {
            definition.name
            for definition in _outline(text, suffix, name)
            for kind in wanted.kinds
            if (not definition.nested if kind is None else definition.kind == kind)
        }
    )


def _outline(text: str, suffix: str, name: str) -> list[Definition]:
    if suffix in PYTHON:
        from orchestra.runtime.files.python_outline import outline_python

        return outline_python(text, name)
    if suffix not in LANGUAGES:
        known = " ".join(sorted(PYTHON | LANGUAGES.keys()))
        raise OrchError("E405", f"definitions cannot be selected in {name}", help=f"they can be in {known}")
    from orchestra.runtime.files.tree_outline import outline_tree

    return outline_tree(text, suffix)


def _matching(pattern: NamePattern, all_: Sequence[Definition]) -> list[Definition]:
    """What a pattern selects out of all definitions, which stand in document order, outer before inner."""
    if pattern.mentioned:
        return _innermost(_distinct(_mentioning(pattern, all_)))
    if pattern.kind is not None:
        return _distinct([d for d in all_ if d.kind == pattern.kind])
    if pattern.name == "*":
        return _distinct([d for d in all_ if not d.nested])
    named = _named(pattern.name)
    return _outermost(_distinct([d for d in all_ if named(d.path)]))


def _outermost(found: Sequence[Definition]) -> list[Definition]:
    kept: list[Definition] = []
    for definition in found:
        if not kept or not definition.within(kept[-1]):
            kept.append(definition)
    return kept


def _innermost(found: Sequence[Definition]) -> list[Definition]:
    """Those with none of the others inside: what lies inside one follows directly."""
    return [d for n, d in enumerate(found) if not any(inner.within(d) for inner in found[n + 1 : n + 2])]


def _named(name: str) -> Callable[[str], bool]:
    """A test for paths: a pattern with a dot means the last names of a path, one without only the last."""
    regex = re.compile(translate(name))
    depth = name.count(".") + 1
    return lambda path: bool(regex.match(".".join(path.split(".")[-depth:])))


def _mentioning(pattern: NamePattern, all_: Sequence[Definition]) -> list[Definition]:
    """The definitions that mention, behind their own name, what the pattern means.

    A name may belong to another file, so a plain one is looked for even if nothing here defines it.
    """
    known = {d.name for d in _matching(replace(pattern, mentioned=False), all_)}
    named = _named(pattern.name) if pattern.kind is None and pattern.name != "*" else known.__contains__
    return [
        definition
        for number, definition in enumerate(all_)
        if any(word in known or named(word) for word in _words(definition) - _inside(number, all_))
    ]


def _words(definition: Definition) -> set[str]:
    return set(_WORD.findall(definition.code.partition(definition.name)[2]))


def _inside(number: int, all_: Sequence[Definition]) -> set[str]:
    """The names that a definition itself defines."""
    outer = all_[number]
    after = takewhile(lambda d: d.start < outer.end, islice(all_, number + 1, None))
    return {d.name for d in after if d.within(outer)}


def _distinct(found: Sequence[Definition]) -> list[Definition]:
    """Without repetitions of the same text: `const a = 1, b = 2` is one piece."""
    return list({(d.start, d.end): d for d in reversed(found)}.values())[::-1]
