"""What every part of the scanner works on: the text, the place in it, what is open, and what the parser expects."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from lark.lexer import Token

from orchestra.errors import OrchError
from orchestra.scan.expected import Expected
from orchestra.source import Source, Span

__all__ = ["CodeFrame", "Frame", "State", "TextFrame"]


@dataclass(slots=True)
class CodeFrame:
    """An open bracket (or the whole script): `kind` is top, line, fence, block, loop-head or the bracket itself."""

    kind: str
    start: int


@dataclass(slots=True)
class TextFrame:
    """An open text. `tail` says what the last token was, when more of a reference may follow directly."""

    kind: str
    start: int
    closer: str
    tail: str = ""
    depth: int = 0
    quote: str = ""
    loop: bool = False


Frame = CodeFrame | TextFrame

_SPACE = re.compile(r"[ \t\r\n\f\ufeff]+")
_COMMENT = re.compile(r"(?:>>|<<)[^\n]*")


class State:
    """One pass over one source. The top of `stack` decides which rules apply at `pos`."""

    source: Source
    text: str
    pos: int
    end: int
    begin: int  # where this pass began
    last: str  # kind of the last token
    last_end: int
    stack: list[Frame]
    out: deque[Token]
    marks: list[int]
    accepted: Expected
    language: str  # the last word that named one

    def emit(self, kind: str, start: int, end: int, value: str | None = None) -> None:
        """Say a token and move behind it."""
        text = self.text[start:end] if value is None else value
        self.out.append(Token(kind, text, start, 1, 1, 1, 1, end))
        if end > start:
            self.marks += (start, end)
        if kind == "LANG":
            self.language = text
        self.last, self.last_end, self.pos = kind, end, end

    def fault(self, code: str, message: str, start: int, end: int, help: str | None = None) -> OrchError:
        return OrchError(code, message, Span(self.source, start, end), help=help, exit=2)

    def skip_space(self) -> bool:
        """Pass blanks and comments; whether a line end was among them."""
        newline = self.pos == self.begin
        while True:
            if match := _SPACE.match(self.text, self.pos):
                newline = newline or "\n" in match.group()
                self.pos = match.end()
            before = self.text[self.pos - 1] if self.pos else "\n"
            if before not in " \t\n\r" or not (match := _COMMENT.match(self.text, self.pos)):
                return newline
            self.pos = match.end()
