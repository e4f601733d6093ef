"""Tokens of brackets: blocks, arrays, indexes, calls, objects, commands and code bodies."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestra.errors import Note, OrchError
from orchestra.scan import words
from orchestra.scan.expected import Expected
from orchestra.scan.naming import WordRules
from orchestra.scan.native import is_list, matching
from orchestra.scan.state import CodeFrame, Frame, TextFrame
from orchestra.scan.text import TextRules
from orchestra.source import Span

__all__ = ["BRACKETS", "BracketRules"]

_CHAIN = re.compile(r"@[A-Za-z_][\w-]*(?:\.[\w-]+|\[[^\]\n]*\])*")


class BracketRules(WordRules, TextRules):
    """What a bracket opens, and what it means that one stays open."""

    def _open(self, kind: str, frame: str) -> None:
        self.stack.append(CodeFrame(frame, self.pos))
        self.emit(kind, self.pos, self.pos + 1)

    def _open_parenthesis(self, adjacent: bool) -> None:
        kind = "_LCALL" if adjacent and "_LCALL" in self.accepted else "_LPAR"
        if "_LHEAD" in self.accepted and re.match(r"\s*parallel\b", self.text[matching(self.text, self.pos) :]):
            kind = "_LHEAD"  # the old `for (3, 1s) parallel`
        self._open(kind, "(")

    def _open_square(self, adjacent: bool) -> None:
        accepted = self.accepted
        if adjacent and "_LINDEX" in accepted:
            self._open("_LINDEX", "[")
        elif self._is_old_template():
            self.open_template()
        elif self._is_block(accepted):
            self._open("_LBODY", "block")
        elif "_LBLOCK" in accepted and self._begins_block(calls=False):
            self._open("_LBLOCK", "block")
        else:
            self._open("_LSQB", "[")

    def _is_block(self, accepted: Expected) -> bool:
        if "_LBODY" not in accepted:
            return False
        return "_LSQB" not in accepted or self.last == "_WHEN" or self._begins_block(calls=True)

    def _is_old_template(self) -> bool:
        if not self.text.startswith("[[", self.pos) or "TPL_OPEN" not in self.accepted:
            return False
        close = self.text.find("]]", self.pos)
        return close >= 0 and "{{" in self.text[self.pos : close]

    def _begins_block(self, calls: bool) -> bool:
        """Look past a `[`: does a statement follow? With `calls`, a call that is no list element counts as one."""
        here = self.pos
        self.pos += 1
        self.skip_space()
        start, self.pos = self.pos, here
        text = self.text
        if text.startswith("]", start):
            return calls and self.last == "_ASSIGN"
        if text.startswith("=>", start):
            return True
        if words.ASKS.match(text, start):
            return calls or not is_list(text, here)
        if match := words.NAME.match(text, start):
            return match.group() in words.BEGINNINGS and (calls or not self._is_element(match, here))
        if chain := _CHAIN.match(text, start):
            if re.match(r"\s*\+=", text[chain.end() : chain.end() + 20]):
                return True
            return calls and self._is_call_statement(chain.end())
        return False

    def _is_element(self, word: re.Match[str], bracket: int) -> bool:
        """Whether a word that may begin a statement stands alone, or begins a value in an array."""
        alone = re.match(r"\s*[,\]]", self.text[word.end() : word.end() + 20])
        return alone is not None or (word.group() in words.VALUES and is_list(self.text, bracket))

    def _is_call_statement(self, end: int) -> bool:
        """Whether a reference ending at `end` is called and the call stands as a statement."""
        text = self.text
        if not text.startswith("(", end):
            return False
        while text.startswith("(", end):
            end = matching(text, end)
            if end < 0:
                return False
            while chain := re.compile(r"\.[\w-]+|\[[^\]\n]*\]").match(text, end):
                end = chain.end()
        rest = text[end : end + 200].lstrip(" \t")
        return not rest or rest[0] in "\n\r;]|@" or rest[0].isalpha() or rest.startswith((">>", "<<", "=>"))

    def _open_brace(self, adjacent: bool) -> None:
        accepted = self.accepted
        if "CODE" in accepted:
            self._code_body()
        elif "_PROSE_OPEN" in accepted:
            self.open_prose()
        elif "_CMD_OPEN" in accepted and (self.last != "_RUN" or "_LBRACE" not in accepted or self._is_command()):
            self.open_command()
        else:
            self._open("_LBRACE", "{")

    def _is_command(self) -> bool:
        """Whether the braces after `run` hold a command line rather than an object."""
        return re.match(r"\{\s*(?:[\"']?[\w-]+[\"']?\s*\??:|\.\.\.|\})", self.text[self.pos : self.pos + 80]) is None

    def _code_body(self) -> None:
        self._raw_braces("CODE", self.language)

    def _close(self, kind: str) -> None:
        frame = self.stack[-1]
        if isinstance(frame, CodeFrame) and frame.kind in _CLOSES[self.text[self.pos]]:
            self.stack.pop()
        self.emit(kind, self.pos, self.pos + 1)

    def unclosed(self, frame: Frame) -> OrchError:
        """The error for a bracket or template that is still open at the end of the text."""
        if isinstance(frame, TextFrame):
            return self.unclosed_text(frame)
        if frame.kind == "loop-head":
            return self.fault("E103", "this /for line is not finished", frame.start, frame.start + 4)
        sign = self.text[frame.start]
        closer = {"[": "]", "(": ")", "{": "}"}.get(sign, "]")
        what = "block" if frame.kind == "block" else "bracket"
        return self.fault(
            "E103", f"this {what} is not closed", frame.start, frame.start + 1, f"add the closing {closer}"
        )

    def note_open(self) -> Note | None:
        """Where the innermost open bracket stands, for messages about what follows it."""
        frame = self.stack[-1]
        if frame.start >= self.end or len(self.stack) == 1:
            return None
        return Note("opened here", Span(self.source, frame.start, frame.start + 1))


_CLOSES = {")": ("(",), "]": ("[", "block"), "}": ("{",)}
BRACKETS: dict[str, Callable[[BracketRules, bool], None]] = {
    "(": BracketRules._open_parenthesis,
    "[": BracketRules._open_square,
    "{": BracketRules._open_brace,
    ")": lambda self, adjacent: self._close("_RPAR"),
    "]": lambda self, adjacent: self._close("_RSQB"),
    "}": lambda self, adjacent: self._close("_RBRACE"),
}
