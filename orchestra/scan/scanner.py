"""Tokens of code: statements, expressions, brackets. What stands inside templates is left to `text`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lark.lexer import Lexer, Token

from orchestra.scan import documents, words
from orchestra.scan.expected import Expected
from orchestra.scan.signs import SignRules
from orchestra.scan.state import CodeFrame, Frame, TextFrame
from orchestra.source import Source

__all__ = ["ScanInput", "Scanner", "TokenStream"]


@dataclass(frozen=True, slots=True)
class ScanInput:
    """What to scan: a whole source in one of the modes `strict`, `markdown`, `att`, `mtt`, from `start` on."""

    source: Source
    mode: str = "strict"
    start: int = 0
    marks: list[int] = field(default_factory=list)  # filled with start and end of every token


class TokenStream(Lexer):
    """The face that Lark sees."""

    __future_interface__ = 1

    def __init__(self, conf: Any) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        return Scanner(lexer_state.text, parser_state).tokens()


# What goes on with a statement of a document. A line that also ends in a bar is the row of a table.
_PIPE_LINE = re.compile(
    r"\|\s*(?:@|show\b|log\b|output\b|append\b|cmd\b|sh\b|js\b|while\b)(?!.*\|[ \t\r]*$)|\.[A-Za-z_][\w-]*\(",
    re.MULTILINE,
)


class Scanner(SignRules):
    """One pass over one source. `stack` holds what is open; its top decides which rules apply."""

    def __init__(self, request: ScanInput, parser_state: Any) -> None:
        self.source = request.source
        self.text = request.source.text
        self.pos = self.begin = request.start
        self.end = len(self.text)
        self.mode = request.mode
        self.marks = request.marks
        self.accepted = Expected(parser_state.parse_conf.states, parser_state.state_stack)
        self.last = ""
        self.last_end = -1
        self.language = "js"
        self.out: deque[Token] = deque()
        self.stack: list[Frame] = [self._base()]

    def _base(self) -> Frame:
        if self.mode in ("att", "mtt"):
            return TextFrame(self.mode, self.pos, "")
        return CodeFrame("doc" if self.mode == "markdown" else "top", self.pos)

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────

    def tokens(self) -> Iterator[Token]:
        while True:
            while self.out:
                yield self.out.popleft()
            if self.pos < self.end:
                self._step()
            elif not self._finish():
                return

    def _step(self) -> None:
        frame = self.stack[-1]
        if isinstance(frame, TextFrame):
            self.scan_text(frame)
        elif frame.kind == "doc":
            self._document()
        else:
            self._code(frame)

    def _finish(self) -> bool:
        """At the end of the text: close what may be closed; False when nothing more is to be said."""
        frame = self.stack[-1]
        if isinstance(frame, TextFrame) and frame.closer == "" and len(self.stack) == 1:
            return self.end_of_text(frame)
        if isinstance(frame, CodeFrame) and frame.kind in ("top", "line", "fence", "doc"):
            if "_NL" in self.accepted and self.last != "_NL":
                self.emit("_NL", self.end, self.end)
                return True
            return False
        raise self.unclosed(frame)

    # ── prose around directives ──────────────────────────────────────────────────────────────────

    def _document(self) -> None:
        line = documents.next_line(self.text, self.pos)
        if line.kind == "directive":
            self.pos = line.start
            self.stack.append(CodeFrame("line", line.start))
        elif line.kind == "fence":
            self.pos = line.end
            self.stack.append(CodeFrame("fence", line.start))
        elif line.kind == "dropped":
            self.emit("DOC", self.pos, line.end, "\n")
        else:
            self.emit("DOC", self.pos, line.end)

    # ── code ─────────────────────────────────────────────────────────────────────────────────────

    def _code(self, frame: CodeFrame) -> None:
        start, newline = self.pos, self.skip_space()
        if newline and self._line_end(frame, start):
            return
        if self.pos >= self.end:
            return
        char = self.text[self.pos]
        if char == "@":
            self._reference()
        elif "0" <= char <= "9":
            self._number()
        elif char.isalpha() or char == "_":
            self._word()
        elif char in "\"'`" or (self.text.startswith("::", self.pos) and "TPL_OPEN" in self.accepted):
            self.open_template()
        else:
            self._sign(char, newline)

    def _line_end(self, frame: CodeFrame, start: int) -> bool:
        """Say what a line end means here; True when a token was made of it (or the frame ended)."""
        if frame.kind in ("top", "line", "fence"):
            return self._statement_end(frame, start)
        if frame.kind == "loop-head" and "_TEXT_LINE" in self.accepted:
            self.stack.pop()
            self.begin_loop_body(frame.start, start)
            return True
        if self.last in words.OPTIONAL_OPERAND and "_SEMI" in self.accepted:
            here = self.pos
            self.emit("_SEMI", start, start)
            self.pos = here
            return True
        return False

    def _statement_end(self, frame: CodeFrame, start: int) -> bool:
        if frame.kind == "fence" and self.text.startswith("```", self.pos):
            self.stack.pop()
            silent = self.last_end <= frame.start  # a fence without statements leaves nothing
            pass_line = documents.after_line if silent else documents.line_end
            self.pos = pass_line(self.text, self.pos)
            if "_NL" in self.accepted and self.last not in ("_NL", "DOC"):
                here = self.pos
                self.emit("_NL", start, start)
                self.pos = here
            return True
        if self.last in ("_NL", "", "DOC") or "_NL" not in self.accepted:
            return self._skip_slash()
        if (_PIPE_LINE if frame.kind == "line" else words.CONTINUES).match(self.text, self.pos):
            return False
        here = self.pos
        if frame.kind == "line":  # the line end itself belongs to the prose that follows
            self.stack.pop()
            here = documents.line_end(self.text, start)
        self.emit("_NL", start, start)
        self.pos = here
        if frame.kind != "line":
            self._skip_slash()
        return True

    def _skip_slash(self) -> bool:
        """A slash before a directive is decoration."""
        if self.text.startswith("/", self.pos) and re.match(r"/[a-z@=]", self.text[self.pos : self.pos + 2]):
            self.pos += 1
        return False
