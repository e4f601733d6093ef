"""Tokens of code: statements, expressions, brackets. What stands inside templates is left to `text`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lark.lexer import Lexer, Token

from orchestra.errors import Note, OrchError
from orchestra.scan import documents, words
from orchestra.scan.expected import Expected
from orchestra.scan.native import closing_brace, matching
from orchestra.scan.text import TextFrame, TextRules
from orchestra.source import Source, Span

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


@dataclass(slots=True)
class CodeFrame:
    """An open bracket (or the whole script): `kind` is top, line, fence, block, loop-head or the bracket itself."""

    kind: str
    start: int


Frame = CodeFrame | TextFrame

_SPACE = re.compile(r"[ \t\r\n\f\ufeff]+")
_COMMENT = re.compile(r"(?:>>|<<)[^\n]*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DURATION = re.compile(r"\d+(?:\.\d+)?(?:ms|s|m|h|d|w)(?![\w-])")
_FIELD = re.compile(r"\.(?:[A-Za-z_](?:\w|-(?=\w))*|\d+)")
_CONTINUES = re.compile(r"\|(?!\|)|\|\||\.[A-Za-z_][\w-]*\(|&&|\?\?|[?:](?=\s)|(?:else|catch|finally)\b")
_PIPE_LINE = re.compile(
    r"\|\s*(?:@|show\b|log\b|output\b|append\b|cmd\b|sh\b|js\b|while\b)|\.[A-Za-z_][\w-]*\("
)
_REGEX = re.compile(r"/(?![/*\s])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*")
_KEY = re.compile(r"(?:[A-Za-z_](?:\w|-(?=\w))*|\d+)(?=\??\s*:(?!:))")
_ARG_NAME = re.compile(r"([A-Za-z_](?:\w|-(?=\w))*)\s*:(?!:)")
_BARE = re.compile(r"[^,()\n\"'`\[\]{}@]+")
_BARE_PATH = re.compile(r"[^\s;\])|]+")
_MODULE = re.compile(r"@[A-Za-z_][\w-]*(?:/[\w.-]+)*(?:@[^\s\])}]+)?|<[^>\n]+>")
_PREFIXED = re.compile(r"@[A-Za-z_][\w-]*/[^\s;\])|]*")
_STAR_ARROW = re.compile(r"\*\s*=>")
_BATCH = re.compile(r"=>\s*(\|\||\|)")
_CHAIN = re.compile(r"@[A-Za-z_][\w-]*(?:\.[\w-]+|\[[^\]\n]*\])*")
_OPERATORS = re.compile(
    r"=>|==|!=|!~=|~=|<=|>=|&&|\|\||\?\?|\+=|\.\.\.|=|[~<>+\-*/%!|?:,;()\[\]{}.]",
)
_SIGNS = {
    "=>": "_ARROW", "&&": "_ANDAND", "||": "_OROR", "??": "_QQ", "+=": "_PLUS_ASSIGN", "...": "_SPREAD",
    "|": "_PIPE", "!": "_BANG", ",": "_COMMA", ";": "_SEMI", ":": "_COLON",
    "==": "COMPARE", "!=": "COMPARE", "~=": "COMPARE", "!~=": "COMPARE", "<=": "COMPARE", ">=": "COMPARE",
    "<": "COMPARE", ">": "COMPARE", "~": "COMPARE", "/": "MUL", "%": "MUL", "+": "ADD",
}  # fmt: skip


class Scanner(TextRules):
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

    def emit(self, kind: str, start: int, end: int, value: str | None = None) -> None:
        text = self.text[start:end] if value is None else value
        self.out.append(Token(kind, text, start, 1, 1, 1, 1, end))
        if end > start:
            self.marks += (start, end)
        self.last, self.last_end, self.pos = kind, end, end

    def fault(self, code: str, message: str, start: int, end: int, help: str | None = None) -> OrchError:
        return OrchError(code, message, Span(self.source, start, end), help=help, exit=2)

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
        start, newline = self.pos, self._skip_space()
        if newline and self._line_end(frame, start):
            return
        if self.pos >= self.end:
            return
        char = self.text[self.pos]
        if char == "@":
            self._reference()
        elif char.isdigit():
            self._number()
        elif char.isalpha() or char == "_":
            self._word()
        elif char in "\"'`" or (self.text.startswith("::", self.pos) and "TPL_OPEN" in self.accepted):
            self.open_template()
        else:
            self._sign(char, newline)

    def _skip_space(self) -> bool:
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
            self.pos = documents.after_line(self.text, self.pos)
            if "_NL" in self.accepted and self.last not in ("_NL", "DOC"):
                here = self.pos
                self.emit("_NL", start, start)
                self.pos = here
            return True
        if self.last in ("_NL", "", "DOC") or "_NL" not in self.accepted:
            return self._skip_slash()
        if (_PIPE_LINE if frame.kind == "line" else _CONTINUES).match(self.text, self.pos):
            return False
        here = self.pos
        if frame.kind == "line":  # the line end itself belongs to the prose that follows
            self.stack.pop()
            newline = self.text.find("\n", start)
            here = newline if newline >= 0 else self.end
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

    # ── names, numbers, words ────────────────────────────────────────────────────────────────────

    def _reference(self) -> None:
        accepted = self.accepted
        if "MODULE" in accepted and (match := _MODULE.match(self.text, self.pos)):
            self.emit("MODULE", self.pos, match.end())
            return
        if "BARE_PATH" in accepted and (match := _PREFIXED.match(self.text, self.pos)):
            self.emit("BARE_PATH", self.pos, match.end())
            return
        match = words.NAME.match(self.text, self.pos + 1)
        if match is None:
            raise self.fault("E101", "a name is missing after @", self.pos, self.pos + 1)
        self.emit("REF", self.pos, match.end())

    def _number(self) -> None:
        accepted = self.accepted
        if "DURATION" in accepted and (match := _DURATION.match(self.text, self.pos)):
            self.emit("DURATION", self.pos, match.end())
            return
        if "KEY" in accepted and (match := _KEY.match(self.text, self.pos)):
            self.emit("KEY", self.pos, match.end())
            return
        match = _NUMBER.match(self.text, self.pos)
        assert match
        if "BARE" in accepted and self._is_bare(match.end()):
            self._bare()
        else:
            self.emit("NUMBER", self.pos, match.end())

    def _is_bare(self, end: int) -> bool:
        """Whether letters follow a number directly, as in the bare argument `3rd place`."""
        return end < self.end and (self.text[end].isalpha() or self.text[end] == "_")

    def _word(self) -> None:
        accepted, text, pos = self.accepted, self.text, self.pos
        if "KEY" in accepted and (match := _KEY.match(text, pos)):
            self.emit("KEY", pos, match.end())
            return
        if "ARG_NAME" in accepted and (match := _ARG_NAME.match(text, pos)):
            self.emit("ARG_NAME", pos, match.end(), match.group(1))
            return
        match = words.NAME.match(text, pos)
        if match is None:
            raise self.fault("E101", f"unexpected character {text[pos]!r}", pos, pos + 1)
        word, end = match.group(), match.end()
        kind = self._keyword(word, end)
        if kind in accepted and not (kind == "LABEL"):
            self._say_keyword(kind, pos, end)
        elif not self._plain_word(pos, end):
            self.emit("WORD", pos, end)

    def _keyword(self, word: str, end: int) -> str:
        """The terminal that this word is here, or "" for an ordinary word."""
        kind = words.WORDS.get(word, "")
        if kind == "_RUN" and "_RUN" not in self.accepted:
            return (
                "_RUN_VALUE"
                if re.match(
                    r"\s+(?:cmd|sh|bash|js|javascript|node|nodejs|py|python)\b", self.text[end : end + 24]
                )
                else ""
            )
        if (
            kind == "LANG"
            and "_NODE" in self.accepted
            and word == "node"
            and re.match(r"\s+@", self.text[end : end + 24])
        ):
            return "_NODE"
        if kind == "LANG" and "SHADOW_LANG" in self.accepted and word in words.SHADOW_LANGS:
            return "SHADOW_LANG"
        follow = words.FOLLOWED_BY.get(kind)
        if follow is not None and not follow.match(self.text, end):
            return ""
        return kind

    def _say_keyword(self, kind: str, pos: int, end: int) -> None:
        self.emit(kind, pos, end)
        if kind == "_NEEDS":
            self._raw_braces("NEEDS_BODY", "js")

    def _plain_word(self, pos: int, end: int) -> bool:
        """A word that is no keyword: label, name, operation, format, path or bare argument."""
        accepted = self.accepted
        if "LABEL" in accepted and self._label(pos):
            return True
        if "OPERATION" in accepted and (match := words.LABEL.match(self.text, pos)):
            self.emit("OPERATION", pos, match.end())
        elif "NAME" in accepted:
            self.emit("NAME", pos, end)
        elif "ENV_NAME" in accepted:
            self.emit("ENV_NAME", pos, end)
        elif "FORMAT" in accepted:
            self.emit("FORMAT", pos, end)
        elif "BARE_PATH" in accepted and (match := _BARE_PATH.match(self.text, pos)):
            self.emit("BARE_PATH", pos, match.end())
        elif "BARE" in accepted:
            self._bare()
        else:
            return False
        return True

    def _label(self, pos: int) -> bool:
        match = words.LABEL.match(self.text, pos)
        if match is None or not re.match(
            r"\s*(?:,|[@\"'`{<]|[A-Za-z])", self.text[match.end() : match.end() + 40]
        ):
            return False
        self.emit("LABEL", pos, match.end())
        return True

    def _bare(self) -> None:
        """Words without quotes as an argument, up to the next comma or parenthesis."""
        match = _BARE.match(self.text, self.pos)
        end = match.end() if match else self.pos + 1
        stripped = self.text[self.pos : end].rstrip()
        self.emit("BARE", self.pos, self.pos + len(stripped))

    # ── signs ────────────────────────────────────────────────────────────────────────────────────

    def _sign(self, char: str, newline: bool) -> None:
        adjacent = self.last_end == self.pos and self.last in words.OPERAND_ENDS
        if char in _BRACKETS:
            _BRACKETS[char](self, adjacent)
            return
        match = _OPERATORS.match(self.text, self.pos)
        if match is None:
            raise self._strange(char)
        sign = match.group()
        special = _SPECIAL.get(sign)
        if special is not None and special(self, sign, adjacent, newline):
            return
        kind = _SIGNS.get(sign, "SIGN")
        if kind not in self.accepted and "BARE" in self.accepted and sign not in (",", "=>"):
            self._bare()
            return
        self.emit(kind, self.pos, match.end())

    def _strange(self, char: str) -> OrchError:
        shown = char if char.isprintable() else f"U+{ord(char):04X}"
        return self.fault("E101", f"unexpected character {shown}", self.pos, self.pos + 1)

    def _dot(self, sign: str, adjacent: bool, newline: bool) -> bool:
        match = _FIELD.match(self.text, self.pos)
        if match is None or "FIELD" not in self.accepted:
            if "BARE_PATH" in self.accepted and (path := _BARE_PATH.match(self.text, self.pos)):
                self.emit("BARE_PATH", self.pos, path.end())
                return True
            return False
        if adjacent or _CONTINUES.match(self.text, self.pos):
            self.emit("FIELD", self.pos, match.end())
            return True
        return False

    def _less(self, sign: str, adjacent: bool, newline: bool) -> bool:
        """`<` compares after an operand and loads a file where a value is expected."""
        accepted = self.accepted
        if "MODULE" in accepted and (match := _MODULE.match(self.text, self.pos)):
            self.emit("MODULE", self.pos, match.end())
            return True
        if "COMPARE" in accepted and self.last in words.OPERAND_ENDS:
            return False
        if self.text.startswith("<>", self.pos) and "PLACEHOLDER" in accepted:
            self.emit("PLACEHOLDER", self.pos, self.pos + 2)
            return True
        if "_LOAD_OPEN" in accepted and not self.text.startswith("<!", self.pos):
            self.open_load()
            return True
        return False

    def _minus(self, sign: str, adjacent: bool, newline: bool) -> bool:
        accepted = self.accepted
        spaced = self.text[self.pos + 1 : self.pos + 2].isspace()
        if (
            "ADD" in accepted
            and self.last in words.OPERAND_ENDS
            and not (newline and not spaced and not adjacent)
        ):
            self.emit("ADD", self.pos, self.pos + 1)
            return True
        if "NUMBER" in accepted and (match := _NUMBER.match(self.text, self.pos + 1)):
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
        else:
            self.emit("_STAR", self.pos, self.pos + 1)
        return True

    def _slash(self, sign: str, adjacent: bool, newline: bool) -> bool:
        accepted = self.accepted
        if (
            "REGEX" in accepted
            and self.last not in words.OPERAND_ENDS
            and (m := _REGEX.match(self.text, self.pos))
        ):
            self.emit("REGEX", self.pos, m.end())
            return True
        if (
            "BARE_PATH" in accepted
            and self.last not in words.OPERAND_ENDS
            and (m := _BARE_PATH.match(self.text, self.pos))
        ):
            self.emit("BARE_PATH", self.pos, m.end())
            return True
        return False

    def _question(self, sign: str, adjacent: bool, newline: bool) -> bool:
        accepted, after = self.accepted, self.text[self.pos + 1 : self.pos + 2]
        if adjacent and self._is_optional_mark(after) and ("QOPT" in accepted or "_QOPT" in accepted):
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

    def _in_filter(self) -> bool:
        frame = self.stack[-1]
        return isinstance(frame, CodeFrame) and frame.kind == "[" and self.text.startswith("[?", frame.start)

    def _arrow(self, sign: str, adjacent: bool, newline: bool) -> bool:
        match = _BATCH.match(self.text, self.pos)
        if match is None or "_BATCH" not in self.accepted:
            return False
        self.emit("_BATCH_OR" if match.group(1) == "||" else "_BATCH", self.pos, match.end())
        return True

    # ── brackets ─────────────────────────────────────────────────────────────────────────────────

    def _open(self, kind: str, frame: str) -> None:
        self.stack.append(CodeFrame(frame, self.pos))
        self.emit(kind, self.pos, self.pos + 1)

    def _open_parenthesis(self, adjacent: bool) -> None:
        self._open("_LCALL" if adjacent and "_LCALL" in self.accepted else "_LPAR", "(")

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
        self._skip_space()
        start, self.pos = self.pos, here
        text = self.text
        if text.startswith("]", start):
            return calls and self.last == "_ASSIGN"
        if text.startswith("=>", start):
            return True
        if match := words.NAME.match(text, start):
            return match.group() in words.STATEMENTS and not re.match(
                r"\s*[,\]]", text[match.end() : match.end() + 20]
            )
        if chain := _CHAIN.match(text, start):
            if re.match(r"\s*\+=", text[chain.end() : chain.end() + 20]):
                return True
            return calls and self._is_call_statement(chain.end())
        return False

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
        return not rest or rest[0] in "\n\r;]|@" or rest[0].isalpha()

    def _open_brace(self, adjacent: bool) -> None:
        accepted = self.accepted
        if "CODE" in accepted:
            self._code_body()
        elif "_CMD_OPEN" in accepted and (
            self.last != "_RUN" or "_LBRACE" not in accepted or self._is_command()
        ):
            self.open_command()
        else:
            self._open("_LBRACE", "{")

    def _is_command(self) -> bool:
        """Whether the braces after `run` hold a command line rather than an object."""
        return (
            re.match(r"\{\s*(?:[\"']?[\w-]+[\"']?\s*\??:|\.\.\.|\})", self.text[self.pos : self.pos + 80])
            is None
        )

    def _code_body(self) -> None:
        lang = self._language()
        self._raw_braces("CODE", lang)

    def _language(self) -> str:
        """The language word before the braces that open here."""
        for name in re.findall(
            r"\b(js|javascript|node|nodejs|py|python|sh|bash)\b", self.text[max(0, self.pos - 200) : self.pos]
        )[::-1]:
            return str(name)
        return "js"

    def _raw_braces(self, kind: str, lang: str) -> None:
        start = self.text.find("{", self.pos)
        close = closing_brace(self.text, start + 1, lang)
        if start < 0 or close < 0:
            at = start if start >= 0 else self.pos
            raise self.fault("E103", "this { is not closed", at, at + 1, "add the closing }")
        self.emit(kind, start, close + 1, self.text[start + 1 : close])

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
_BRACKETS = {
    "(": Scanner._open_parenthesis,
    "[": Scanner._open_square,
    "{": Scanner._open_brace,
    ")": lambda self, adjacent: self._close("_RPAR"),
    "]": lambda self, adjacent: self._close("_RSQB"),
    "}": lambda self, adjacent: self._close("_RBRACE"),
}
_SPECIAL = {
    ".": Scanner._dot, "<": Scanner._less, "-": Scanner._minus, "*": Scanner._star, "/": Scanner._slash,
    "?": Scanner._question, ":": Scanner._colon, "=": Scanner._equals, "=>": Scanner._arrow,
}  # fmt: skip
