"""What the verifier has before it when it judges: the finding, the code around it, and what a search brought.

Which search a rule needs and what follows from it is left to `judges.py` and its neighbours.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from standin.dialogue import Call, Line
from standin.module import Function, Hit, Module, last_line


@dataclass(frozen=True)
class Verdict:
    """A class of the audit, the reason in a sentence, and the lines that show it."""

    verdict: str
    reason: str
    evidence: tuple[Line, ...]


@dataclass(frozen=True)
class Case:
    """One finding in its module; `matches` and `files` are what Grep and Glob returned."""

    module: Module
    hit: Hit
    matches: tuple[Line, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def node(self) -> ast.AST:
        if self.hit.node is None:
            raise ValueError(f"the finding on line {self.hit.line} is about no node")
        return self.hit.node

    @property
    def function(self) -> Function | None:
        return self.module.function(self.node)

    @property
    def folder(self) -> str:
        """The top folder of the audited package, where searches start."""
        top, slash, _ = self.module.path.partition("/")
        return top if slash else "."

    def line(self, number: int) -> Line:
        return Line(self.module.path, number, self.module.quote(number))

    def elsewhere(self) -> list[Line]:
        """Matches outside the line that is under suspicion."""
        own = (self.module.path, self.hit.line)
        return [one for one in self.matches if (one.file, one.line) != own]

    def comment(self, first: int | None = None, last: int | None = None) -> Line | None:
        """A comment on the given lines, by default from the line above the finding to its last line."""
        node = self.hit.node
        start = self.hit.line - 1 if first is None else first
        end = (last_line(node) if node else self.hit.line) if last is None else last
        found = self.module.comment_within(start, end)
        return None if found is None else self.line(found)

    def confirmed(self, reason: str, *lines: int) -> Verdict:
        return self.verdict("confirmed", reason, *lines)

    def refuted(self, reason: str, *lines: int) -> Verdict:
        return self.verdict("false-positive", reason, *lines)

    def open(self, reason: str, *lines: int) -> Verdict:
        return self.verdict("needs-human", reason, *lines)

    def verdict(self, name: str, reason: str, *lines: int) -> Verdict:
        """A verdict shown by lines of this file, by default the line of the finding."""
        return Verdict(name, reason, tuple(self.line(number) for number in lines or (self.hit.line,)))


Judge = Callable[[Case], Verdict]
Search = Callable[[Case], Sequence[Call]]


def no_search(_: Case) -> Sequence[Call]:
    """For rules that the file itself decides."""
    return ()


def plain(reason: str) -> Judge:
    """For rules that the line decides: confirmed, unless a comment beside it speaks for the line."""

    def judge(case: Case) -> Verdict:
        comment = case.comment()
        if comment is not None:
            return Verdict("needs-human", "a comment beside it may explain the line", (comment,))
        return case.confirmed(reason)

    return judge
