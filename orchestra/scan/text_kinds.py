"""The kinds of text there are, and what each of them knows: references, loads, loops, escapes, its closing mark."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CLOSERS", "CONTROL", "KINDS", "LITERAL", "PREDICATE", "UNTOUCHED", "TextKind"]


@dataclass(frozen=True, slots=True)
class TextKind:
    """The rules of one kind of text. `references`: `@`, `{{` or none; `snippet`: the quote of `@x?"…"`."""

    special: re.Pattern[str]
    escapes: str
    references: str = "@"
    loads: bool = False
    loops: bool = False
    calls: bool = True
    stages: bool = True
    snippet: str = "`"


KINDS = {
    "`": TextKind(re.compile(r"[\\@`<!\n]"), "full", loads=True, loops=True),
    '"': TextKind(re.compile(r"[\\@\"<!\n]"), "full", loads=True, snippet='"'),
    "'": TextKind(re.compile(r"[\\'@]"), "single", references=""),
    "::": TextKind(re.compile(r"[\\@:<!\n]"), "colon", loads=True, loops=True),
    ":::": TextKind(re.compile(r"[\\@:{]"), "full", references="{{"),
    "[[": TextKind(re.compile(r"[\\@\]{<]"), "full", references="{{", loads=True),
    "att": TextKind(re.compile(r"[\\@<!\n`]"), "att", loads=True, loops=True),
    "mtt": TextKind(re.compile(r"[\\@{]"), "full", references="{{"),
    "cmd": TextKind(re.compile(r"[\\@{}\"'<]"), "cmd", loads=True, calls=False, stages=False),
    "prose": TextKind(re.compile(r"[\\@{}]"), "cmd", stages=False),
    "**": TextKind(re.compile(r"[\\@*\n]"), "predicate"),
    "load": TextKind(re.compile(r"[\\@>#{\n \t\"']"), "path", stages=False),
    "selector": TextKind(re.compile(r"[\\@>\n \t\"']"), "path", stages=False),
    "angles": TextKind(re.compile(r"[\\@>]"), "full"),
    "dir": TextKind(re.compile(r"[\\@{\s]"), "path", calls=False, stages=False),
}
CLOSERS = {"`": "`", '"': '"', "'": "'", "::": "::", ":::": ":::", "[[": "]]"}
PREDICATE = "**"

CONTROL = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
# Characters that a backslash makes literal, by kind of escapes.
LITERAL = {
    "full": "\\@\"'`[]{}$.",
    "single": "\\@\"'`[]{}$",
    "colon": "@",
    "att": "@",
    "cmd": "@",
    "path": "@.#",
    "predicate": "\\@*",
}
UNTOUCHED = re.compile(r"(`{3,})mll?d[ \t]*\n.*?^\1`*[ \t]*$", re.DOTALL | re.MULTILINE)  # a fence of our own code
