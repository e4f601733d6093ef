"""Faults of form: brackets that stay open or do not match, and prose where a statement should be.

Needs to look at whole lines and at what was opened before, which a pattern around one token cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestra.errors import Note, OrchError
from orchestra.hints.fault import CLOSERS, Fault
from orchestra.scan.native import matching
from orchestra.scan.words import DIRECTIVES, NAME, STATEMENTS
from orchestra.source import Span

__all__ = ["looks_like_prose", "mismatched", "prose", "runaway", "unclosed", "words"]

PAIRS = {"[": "]", "(": ")", "{": "}"}
_SENTENCE = re.compile(r"[A-Z][\w'’-]*,?(?:[ \t]+[\w'’,;:()-]+){3,}[.!?:]?\s*$|[A-Z][\w'’,\- ]*[.!?:]\s*$")
_WORDS = re.compile(r"[\w'’-]+,?(?:[ \t]+[\w'’,;:()-]+){3,}[.!?:]?\s*$")
_MARK = re.compile(r"\s*/?(?:-|\d+)?\s*")  # what may be read as code before a line of prose is seen to be one
_MARKED = re.compile(r"[*+-][ \t]+\w|\d+[.)][ \t]+[A-Za-z]|\*\*\w|>[ \t]+\w")


def unclosed(fault: Fault) -> OrchError | None:
    """A statement begins while a bracket is open: the bracket was never closed."""
    if fault.opener is None or not fault.at_line_start or fault.word not in STATEMENTS:
        return None
    if fault.inside in ("block", "arms") and not _left(fault):
        return None
    sign = fault.source.text[fault.opener]
    what = {"block": "block", "arms": "when"}.get(fault.inside, "bracket")
    place = Span(fault.source, fault.opener, fault.opener + 1)
    if what == "bracket" and matching(fault.source.text, fault.opener) >= 0:
        return OrchError("E109", "statements stand in square brackets", place, help="[ … ]", exit=2)
    return OrchError("E103", f"this {what} is not closed", place, help=f"add the closing {PAIRS[sign]}", exit=2)


def _left(fault: Fault) -> bool:
    """Whether a word that begins a statement stands outside of the block it is read in.

    It is not indented deeper than the line which opens the block, and nothing further down closes the block.
    """
    assert fault.opener is not None
    if fault.word not in DIRECTIVES or matching(fault.source.text, fault.opener) >= 0:
        return False
    opening = fault.source.line(fault.source.place(fault.opener)[0])
    return len(fault.before) <= len(opening) - len(opening.lstrip())


def runaway(fault: Fault) -> OrchError | None:
    """A quoted text of several lines with a misfit behind it was meant to end on its first line."""
    if fault.text is None:
        return None
    sign = fault.source.text[fault.text]
    place = Span(fault.source, fault.text, fault.text + 1)
    return OrchError("E104", "this string is not closed", place, help=f"add the closing {sign}", exit=2)


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
    """A line that is clearly text in a file that holds only statements."""
    return _prose(fault, looks_like_prose)


def words(fault: Fault) -> OrchError | None:
    """A line of plain words, which is text if it is nothing else."""
    return _prose(fault, lambda line: _WORDS.match(line) is not None)


def _prose(fault: Fault, looks: Callable[[str], bool]) -> OrchError | None:
    if fault.inside != "top" or not _MARK.fullmatch(fault.before):
        return None
    line = fault.source.line(fault.span.line)
    if not looks(line.strip()):
        return None
    start = fault.start - len(fault.before) + len(line) - len(line.lstrip())
    place = Span(fault.source, start, start + len(line.strip()))
    help = "begin the line with >> to make it a comment, or name the file .mld.md to mix prose and statements"
    return OrchError("E108", "prose in a file of statements", place, help=help, exit=2)


def looks_like_prose(line: str) -> bool:
    """Whether a line reads like a sentence, a heading or a list item rather than like code."""
    first = NAME.match(line)
    if first and first.group() in STATEMENTS:
        return False
    return _MARKED.match(line) is not None or _SENTENCE.match(line) is not None
