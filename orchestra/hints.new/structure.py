"""Faults of form: brackets that stay open or do not match, and prose where a statement should be.

Needs to look at whole lines and at what was opened before, which a pattern around one token cannot.
"""

from __future__ import annotations

import re

from orchestra.errors import Note, OrchError
from orchestra.hints.fault import CLOSERS, Fault
from orchestra.scan.native import matching
from orchestra.scan.words import DIRECTIVES, NAME, STATEMENTS
from orchestra.source import Source, Span

__all__ = ["looks_like_prose", "mismatched", "prose", "unclosed"]

PAIRS = {"[": "]", "(": ")", "{": "}"}
_SENTENCE = re.compile(r"[A-Z]?[\w'’,\-]+(?:[ \t]+[\w'’,;:()\-]+){3,}[.!?:]?\s*$|[A-Z][\w'’,\- ]*[.!?]\s*$")
_MARKED = re.compile(r"#{1,6}[ \t]+\w|[*+-][ \t]+\w|\d+[.)][ \t]+[A-Za-z]|\*\*\w|>[ \t]+\w")


def unclosed(fault: Fault) -> OrchError | None:
    """A statement begins while a bracket is open: the bracket was never closed."""
    if fault.opener is None or not fault.at_line_start or fault.word not in STATEMENTS:
        return None
    if fault.inside in ("block", "arms") and not _left(fault):
        return None
    sign = fault.source.text[fault.opener]
    what = {"block": "block", "arms": "when"}.get(fault.inside, "bracket")
    place = Span(fault.source, fault.opener, fault.opener + 1)
    return OrchError(
        "E103", f"this {what} is not closed", place, help=f"add the closing {PAIRS[sign]}", exit=2
    )


def _left(fault: Fault) -> bool:
    """Whether a word that begins a statement stands outside of the block it is read in.

    It is not indented deeper than the line which opens the block, and nothing further down closes the block.
    """
    assert fault.opener is not None
    if fault.word not in DIRECTIVES or matching(fault.source.text, fault.opener) >= 0:
        return False
    opening = fault.source.line(fault.source.place(fault.opener)[0])
    return len(fault.before) <= len(opening) - len(opening.lstrip())


def mismatched(fault: Fault) -> OrchError | None:
    """A closing bracket of the wrong kind, or one that closes nothing."""
    if fault.kind not in CLOSERS:
        return None
    if fault.opener is None:
        return OrchError("E101", f"this {fault.word} closes nothing", fault.span, help="take it away", exit=2)
    sign = fault.source.text[fault.opener]
    if PAIRS[sign] == fault.word:
        return None
    note = Note("opened here", Span(fault.source, fault.opener, fault.opener + 1))
    message = f"{fault.word} does not close {sign}"
    return OrchError("E101", message, fault.span, notes=[note], help=f"write {PAIRS[sign]} here", exit=2)


def prose(fault: Fault) -> OrchError | None:
    """A line of text in a file that holds only statements."""
    if fault.inside != "top" or not fault.at_line_start:
        return None
    line = _line_from(fault.source, fault.start)
    if not looks_like_prose(line):
        return None
    place = Span(fault.source, fault.start, fault.start + len(line.rstrip()))
    help = "begin the line with >> to make it a comment, or name the file .mld.md to mix prose and statements"
    return OrchError("E108", "prose in a file of statements", place, help=help, exit=2)


def _line_from(source: Source, start: int) -> str:
    end = source.text.find("\n", start)
    return source.text[start : end if end >= 0 else len(source.text)]


def looks_like_prose(line: str) -> bool:
    """Whether a line reads like a sentence, a heading or a list item rather than like code."""
    first = NAME.match(line)
    if first and first.group() in STATEMENTS:
        return False
    return _MARKED.match(line) is not None or _SENTENCE.match(line) is not None
