"""Tokens of operators and other signs, most of which mean several things."""

from __future__ import annotations

import re

from orchestra.scan import words
from orchestra.scan.brackets import BRACKETS, BracketRules
from orchestra.scan.state import CodeFrame

__all__ = ["SignRules"]

# A whole argument: what goes on behind the flags is a path.
_REGEX = re.compile(r"/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*(?=\s*(?:[,)]|>>|<<))")
_STAR_ARROW = re.compile(r"\*\s*=>")
_PREDICATE = re.compile(r"\*\*(?=[^\s*])(?:\\.|[^\\\n])*?\*\*")
_BATCH = re.compile(r"=>\s*(\|\||\|)")
_OPERATORS = re.compile(
    r"=>|==|!=|!~=|~=|<=|>=|&&|\|\||\?\?|\+=|\.\.\.|=|[~<>+\-*/%!|?:,;()\[\]{}.]",
)
_SIGNS = {
    "=>": "_ARROW", "&&": "_ANDAND", "||": "_OROR", "??": "_QQ", "+=": "_PLUS_ASSIGN", "...": "_SPREAD",
    "|": "_PIPE", "!": "_BANG", ",": "_COMMA", ";": "_SEMI", ":": "_COLON",
    "==": "COMPARE", "!=": "COMPARE", "~=": "COMPARE", "!~=": "COMPARE", "<=": "COMPARE", ">=": "COMPARE",
    "<": "COMPARE", ">": "COMPARE", "~": "COMPARE", "/": "MUL", "%": "MUL", "+": "ADD",
}  # fmt: skip


class SignRules(BracketRules):
    """One method for each sign whose meaning depends on its place."""

    def _sign(self, char: str, newline: bool) -> None:
        adjacent = self.last_end == self.pos and self.last in words.OPERAND_ENDS
        if char in BRACKETS:
            BRACKETS[char](self, adjacent)
            return
        match = _OPERATORS.match(self.text, self.pos)
        if match is None:
            self.emit("SIGN", self.pos, self.pos + 1)
            return
        sign = match.group()
        special = _SPECIAL.get(sign)
        if special is not None and special(self, sign, adjacent, newline):
            return
        kind = _SIGNS.get(sign, "SIGN")
        comment = self.text.startswith((">>", "<<"), self.pos)
        if kind not in self.accepted and "BARE" in self.accepted and sign not in (",", "=>") and not comment:
            self._bare()
            return
        self.emit(kind, self.pos, match.end())

    def _dot(self, sign: str, adjacent: bool, newline: bool) -> bool:
        match = words.FIELD.match(self.text, self.pos)
        if match is None or "FIELD" not in self.accepted:
            if "BARE_PATH" in self.accepted and (path := words.BARE_PATH.match(self.text, self.pos)):
                self.emit("BARE_PATH", self.pos, path.end())
                return True
            return False
        if adjacent or words.CONTINUES.match(self.text, self.pos):
            self.emit("FIELD", self.pos, match.end())
            return True
        return False

    def _less(self, sign: str, adjacent: bool, newline: bool) -> bool:
        """`<` compares after an operand and loads a file where a value is expected."""
        accepted = self.accepted
        if "MODULE" in accepted and (match := words.MODULE.match(self.text, self.pos)):
            self.emit("MODULE", self.pos, match.end())
            return True
        if "COMPARE" in accepted and self.last in words.OPERAND_ENDS:
            return False
        if self.text.startswith("<>", self.pos) and "PLACEHOLDER" in accepted:
            self.emit("PLACEHOLDER", self.pos, self.pos + 2)
            return True
        if "_LOAD_OPEN" in accepted and not self.text.startswith(("<!", "<<"), self.pos):
            self.open_load()
            return True
        return False

    def _minus(self, sign: str, adjacent: bool, newline: bool) -> bool:
        accepted = self.accepted
        spaced = self.text[self.pos + 1 : self.pos + 2].isspace()
        if "ADD" in accepted and self.last in words.OPERAND_ENDS and not (newline and not spaced and not adjacent):
            self.emit("ADD", self.pos, self.pos + 1)
            return True
        if "NUMBER" in accepted and (match := words.NUMBER.match(self.text, self.pos + 1)):
            self.emit("NUMBER", self.pos, match.end())
            return True
        if "_MINUS" in accepted:
            self.emit("_MINUS", self.pos, self.pos + 1)
            return True
        return False

    def _star(self, sign: str, adjacent: bool, newline: bool) -> bool:
        accepted = self.accepted
        if "_STAR_ARROW" in accepted and (match := _STAR_ARROW.match(self.text, self.pos)):
            self.emit("_STAR_ARROW", self.pos, match.end())
        elif "MUL" in accepted and self.last in words.OPERAND_ENDS:
            self.emit("MUL", self.pos, self.pos + 1)
        elif self._begins_predicate():
            self.open_predicate()
        else:
            self.emit("_STAR", self.pos, self.pos + 1)
        return True

    def _begins_predicate(self) -> bool:
        """Whether `**` opens a predicate: closed on its line, and no statement that stands alone."""
        accepted = self.accepted
        alone = "_SHOW" in accepted and self.last != "_ARROW"
        return "_PREDICATE_OPEN" in accepted and not alone and _PREDICATE.match(self.text, self.pos) is not None

    def _slash(self, sign: str, adjacent: bool, newline: bool) -> bool:
        accepted = self.accepted
        if "REGEX" in accepted and self.last not in words.OPERAND_ENDS and (m := _REGEX.match(self.text, self.pos)):
            self.emit("REGEX", self.pos, m.end())
            return True
        if (
            "BARE_PATH" in accepted
            and self.last not in words.OPERAND_ENDS
            and (m := words.BARE_PATH.match(self.text, self.pos))
        ):
            self.emit("BARE_PATH", self.pos, m.end())
            return True
        return False

    def _question(self, sign: str, adjacent: bool, newline: bool) -> bool:
        accepted, after = self.accepted, self.text[self.pos + 1 : self.pos + 2]
        if (
            adjacent
            and (self.last == "_LOAD_CLOSE" or self._is_optional_mark(after))
            and ("QOPT" in accepted or "_QOPT" in accepted)
        ):
            self.emit("QOPT" if "QOPT" in accepted else "_QOPT", self.pos, self.pos + 1)
        else:
            self.emit("_QUESTION", self.pos, self.pos + 1)
        return True

    def _is_optional_mark(self, after: str) -> bool:
        """Whether a `?` that touches its operand marks it as optional rather than beginning a choice."""
        if after in ("", ",", "]", ")", "}", ".", "[", "|", "\n", "\r", ";", "?", "=", ":"):
            return True
        rest = self.text[self.pos + 1 : self.pos + 80]
        return re.match(r"[ \t]*(?:\r?\n|$|[\]),}|;=]|\?\?|&&|[!=]=|>>|as\b|with\b|=>)", rest) is not None

    def _colon(self, sign: str, adjacent: bool, newline: bool) -> bool:
        if "_DIR" not in self.accepted:
            return False
        self.open_directory()
        return True

    def _equals(self, sign: str, adjacent: bool, newline: bool) -> bool:
        """A single `=` assigns; inside `[?field = value]` it compares."""
        if "_ASSIGN" in self.accepted:
            self.emit("_ASSIGN", self.pos, self.pos + 1)
        elif "COMPARE" in self.accepted and self._in_filter():
            self.emit("COMPARE", self.pos, self.pos + 1)
        else:
            return False
        return True

    def _tilde(self, sign: str, adjacent: bool, newline: bool) -> bool:
        """`~` is an operator only inside a filter."""
        if not self._in_filter():
            self.emit("SIGN", self.pos, self.pos + 1)
            return True
        return False

    def _in_filter(self) -> bool:
        frame = self.stack[-1]
        return isinstance(frame, CodeFrame) and frame.kind == "[" and self.text.startswith("[?", frame.start)

    def _arrow(self, sign: str, adjacent: bool, newline: bool) -> bool:
        match = _BATCH.match(self.text, self.pos)
        if match is None or "_BATCH" not in self.accepted:
            return False
        self.emit("_BATCH_OR" if match.group(1) == "||" else "_BATCH", self.pos, match.end())
        return True


_SPECIAL = {
    ".": SignRules._dot, "<": SignRules._less, "-": SignRules._minus, "*": SignRules._star, "/": SignRules._slash,
    "?": SignRules._question, ":": SignRules._colon, "=": SignRules._equals, "=>": SignRules._arrow,
    "~": SignRules._tilde,
}  # fmt: skip
