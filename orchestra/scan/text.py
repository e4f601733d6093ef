"""Tokens of text: where a reference begins and ends inside templates, commands and paths, and what escapes mean."""

from __future__ import annotations

import re

from orchestra.errors import OrchError
from orchestra.scan import words
from orchestra.scan.native import is_load
from orchestra.scan.state import CodeFrame, State, TextFrame
from orchestra.scan.text_kinds import CLOSERS, CONTROL, KINDS, LITERAL, PREDICATE, UNTOUCHED, TextKind
from orchestra.scan.words import NAME

__all__ = ["TextRules"]


_METHOD = re.compile(r"\.[A-Za-z_][\w-]*(?=\()")
_STAGE = re.compile(r"\|@[A-Za-z_]")
_TEXT_INDEX = re.compile(
    r"""\[(?: -?\d+ | \* | "[^"\n]*" | '[^'\n]*' | [A-Za-z_][\w-]* | @[A-Za-z_][\w.-]*
        | (?:-?\d+|@[\w.]+)?\s*:\s*(?:-?\d+|@[\w.]+)? | \?[^\]\n]+ )\]""",
    re.VERBOSE,
)
_MUSTACHE = re.compile(r"\{\{\s*([A-Za-z_][\w-]*)((?:\.[\w-]+|\[\d+\])*)\s*\}\}")
_MUSTACHE_PART = re.compile(r"\.[\w-]+|\[(\d+)\]")
_FOR = re.compile(r"/for[ \t]+(?=@)")
_END = re.compile(r"/end(?![\w-])[ \t]*")
_SELECTOR = re.compile(r"[ \t]+(?=!?#|\{)")
_AS = re.compile(r"[ \t]+as[ \t]+(?=[\"'`:])")
_QUOTED_NAME = re.compile(r"""(["'])(?:\\.|(?!\1)[^\\\n])+\1\s*\??\s*(?:[,;>#{]|as\s|!\#)""")
_OPENERS = (":::", "::", "[[", "`", '"', "'")


class TextRules(State):
    """Templates, commands, paths: text with references."""

    # ── opening ──────────────────────────────────────────────────────────────────────────────────

    def open_template(self) -> None:
        opener = next(sign for sign in _OPENERS if self.text.startswith(sign, self.pos))
        start = self.pos
        self.emit("TPL_OPEN", start, start + len(opener))
        self.stack.append(TextFrame(opener, start, CLOSERS[opener]))
        if opener in ("::", ":::") and (match := re.compile(r"\r?\n").match(self.text, self.pos)):
            self.pos = match.end()

    def open_load(self) -> None:
        start = self.pos
        self.emit("_LOAD_OPEN", start, start + 1)
        self.stack.append(TextFrame("load", start, ">"))

    def open_command(self) -> None:
        start = self.pos
        self.emit("_CMD_OPEN", start, start + 1)
        self.stack.append(TextFrame("cmd", start, "}"))

    def open_prose(self) -> None:
        start = self.pos
        self.emit("_PROSE_OPEN", start, start + 1)
        self.stack.append(TextFrame("prose", start, "}"))

    def open_predicate(self) -> None:
        start = self.pos
        self.emit("_PREDICATE_OPEN", start, start + len(PREDICATE))
        self.stack.append(TextFrame(PREDICATE, start, PREDICATE))

    def open_directory(self) -> None:
        start = self.pos
        self.emit("_DIR", start, start + 1)
        self.stack.append(TextFrame("dir", start, ""))

    def begin_loop_body(self, head: int, newline: int) -> None:
        """After the line of a `/for`: its body begins at the first character that is no blank."""
        parent = self.stack[-1]
        self.emit("_TEXT_LINE", newline, newline + 1)
        while self.pos < self.end and self.text[self.pos] in " \t\r\n":
            self.pos += 1
        self.stack.append(TextFrame(parent.kind, head, "/end", loop=True))

    # ── scanning ─────────────────────────────────────────────────────────────────────────────────

    def scan_text(self, frame: TextFrame) -> None:
        """Say the next piece: what continues a reference, or text up to the next special thing."""
        if frame.tail and self._tail(frame, KINDS[frame.kind]):
            return
        frame.tail = ""
        kind = KINDS[frame.kind]
        start, pieces = self.pos, list[str]()
        if self._line_start(frame, start, pieces):
            return
        while self.pos < self.end:
            match = kind.special.search(self.text, self.pos)
            stop = match.start() if match else self.end
            pieces.append(self.text[self.pos : stop])
            self.pos = stop
            if match is not None and self._special(frame, kind, start, pieces):
                return
        if frame.closer:
            raise self.unclosed_text(frame)
        self._flush(start, pieces)

    def _line_start(self, frame: TextFrame, start: int, pieces: list[str]) -> bool:
        """What counts only at the start of a line, where that is also the start of this piece of text."""
        if not self._at_line_start(start) or not (frame.loop or frame.kind == "att"):
            return False
        if frame.loop and self._loop_end(start, pieces):
            return True
        if match := _FOR.match(self.text, start):
            self._loop_head(match.end())
            return True
        if frame.kind == "att" and (match := UNTOUCHED.match(self.text, start)):
            self._take(pieces, match.end() - start)
        return False

    def _flush(self, start: int, pieces: list[str], trim: bool = False) -> None:
        """Say the text gathered so far."""
        value = "".join(pieces)
        pieces.clear()
        if trim:
            value = value[:-2] if value.endswith("\r\n") else value.removesuffix("\n")
        if value:
            self.emit("TEXT", start, self.pos, value)

    def _special(self, frame: TextFrame, kind: TextKind, start: int, pieces: list[str]) -> bool:
        """Deal with the special character at `pos`; True when a token was said and scanning must pause."""
        char = self.text[self.pos]
        if frame.kind in ("cmd", "load", "selector", "dir", "prose") and (
            done := self._path_or_command(frame, char, start, pieces)
        ):
            return done > 0
        if self._closes(frame):
            self._close_text(frame, start, pieces)
            return True
        if char == "\\":
            self._take(pieces) if self._is_last(frame) else pieces.append(self._escape(kind.escapes))
        elif char == "@":
            return self._at_sign(frame, kind, start, pieces)
        elif char == "<" and kind.loads and frame.kind not in ("cmd",) and self._angle(frame, start, pieces):
            return True
        elif char == "!" and re.match(r"!@[A-Za-z_]", self.text[self.pos : self.pos + 3]):
            self._flush(start, pieces)
            self.emit("_TEXT_BANG", self.pos, self.pos + 1)
            return True
        elif char == "{" and (match := _MUSTACHE.match(self.text, self.pos)):
            self._flush(start, pieces)
            self._mustache(match)
            return True
        elif char == "\n":
            return self._newline(frame, kind, start, pieces)
        else:
            self._take(pieces)
        return False

    def _take(self, pieces: list[str], length: int = 1) -> None:
        pieces.append(self.text[self.pos : self.pos + length])
        self.pos += length

    def _closes(self, frame: TextFrame) -> bool:
        if frame.loop:
            return False
        return (
            bool(frame.closer) and frame.kind not in ("cmd", "prose") and self.text.startswith(frame.closer, self.pos)
        )

    def _close_text(self, frame: TextFrame, start: int, pieces: list[str]) -> None:
        self._flush(start, pieces, trim=frame.kind in ("::", ":::"))
        kind = {
            "load": "_LOAD_CLOSE",
            "selector": "_LOAD_CLOSE",
            "angles": "_ANGLES_CLOSE",
            "cmd": "_CMD_CLOSE",
            "prose": "_PROSE_CLOSE",
            PREDICATE: "_PREDICATE_CLOSE",
        }
        self.stack.pop()
        self.emit(kind.get(frame.kind, "_TPL_CLOSE"), self.pos, self.pos + len(frame.closer))
        parent = self.stack[-1]
        if isinstance(parent, TextFrame) and frame.kind in ("load", "selector"):
            parent.tail = "load"

    def _escape(self, style: str) -> str:
        """The text of the backslash sequence at `pos`."""
        char = self.text[self.pos + 1 : self.pos + 2]
        self.pos += 1 + len(char)
        if style == "full" and char in CONTROL and char:
            return CONTROL[char]
        return char if char and char in LITERAL[style] else "\\" + char

    def _at_sign(self, frame: TextFrame, kind: TextKind, start: int, pieces: list[str]) -> bool:
        if self.text.startswith("@@", self.pos):
            pieces.append("@")
            self.pos += 2
            return False
        match = NAME.match(self.text, self.pos + 1)
        if match is None or kind.references != "@":
            self._take(pieces)
            return False
        self._flush(start, pieces)
        self.emit("REF", self.pos, match.end())
        frame.tail = "ref"
        return True

    def _angle(self, frame: TextFrame, start: int, pieces: list[str]) -> bool:
        """`<` in text: a literal `<…>`, a file, the placeholder of an `as` template, or just a character."""
        line_end = self.text.find("\n", self.pos)
        line = self.text[self.pos : line_end if line_end >= 0 else self.end]
        if line.startswith("<<") and ">>" in line and not self._closes_in(frame, line[: line.index(">>")]):
            self._flush(start, pieces)
            self.emit("_ANGLES_OPEN", self.pos, self.pos + 2)
            self.stack.append(TextFrame("angles", self.pos, ">>"))
            return True
        if line.startswith("<>"):
            self._flush(start, pieces)
            self.emit("PLACEHOLDER", self.pos, self.pos + 2)
            frame.tail = "load"
            return True
        first = frame.kind != '"' or (self.pos == frame.start + 1)
        if (
            first
            and ">" in line
            and is_load(content := line[1 : line.index(">")])
            and not self._closes_in(frame, content)
        ):
            self._flush(start, pieces)
            self.open_load()
            return True
        return False

    def _is_last(self, frame: TextFrame) -> bool:
        """Whether the backslash at `pos` ends a text whose closing mark cannot be escaped."""
        return frame.kind == "::" and self.text.startswith("::", self.pos + 1)

    def _closes_in(self, frame: TextFrame, content: str) -> bool:
        """Whether the text around would end inside what looks like a path."""
        return frame.closer in CLOSERS.values() and frame.closer in content

    def _newline(self, frame: TextFrame, kind: TextKind, start: int, pieces: list[str]) -> bool:
        if frame.kind in ('"', PREDICATE):
            raise self.unclosed_text(frame)
        self._take(pieces)
        if not kind.loops:
            return False
        if frame.kind == "att" and (match := UNTOUCHED.match(self.text, self.pos)):
            self._take(pieces, match.end() - self.pos)
            return False
        if frame.loop and _END.match(self.text, self.pos):
            return self._loop_end(start, pieces)
        if match := _FOR.match(self.text, self.pos):
            self._flush(start, pieces)
            self._loop_head(match.end())
            return True
        return False

    def _loop_head(self, end: int) -> None:
        head = self.pos
        self.emit("_TEXT_FOR", head, end)
        self.stack.append(CodeFrame("loop-head", head))

    def _loop_end(self, start: int, pieces: list[str]) -> bool:
        match = _END.match(self.text, self.pos)
        if match is None:
            return False
        self._flush(start, pieces)
        self.stack.pop()
        self.emit("_TEXT_END", self.pos, match.end())
        return True

    def _at_line_start(self, pos: int) -> bool:
        return pos == 0 or self.text[pos - 1] == "\n"

    def _mustache(self, match: re.Match[str]) -> None:
        start = match.start()
        self.emit("_MUSTACHE_OPEN", start, start + 2)
        self.emit("REF", match.start(1), match.end(1), "@" + match.group(1))
        for part in _MUSTACHE_PART.finditer(self.text, match.start(2), match.end(2)):
            value = part.group() if part.group(1) is None else "." + part.group(1)
            self.emit("FIELD", part.start(), part.end(), value)
        self.emit("_MUSTACHE_CLOSE", match.end() - 2, match.end())

    # ── commands and paths ───────────────────────────────────────────────────────────────────────

    def _path_or_command(self, frame: TextFrame, char: str, start: int, pieces: list[str]) -> int:
        """1: a token was said; -1: the character is dealt with; 0: the general rules apply."""
        if frame.kind == "cmd":
            return self._command_char(frame, char, start, pieces)
        if frame.kind == "prose":
            return self._prose_char(frame, char, start, pieces)
        if frame.kind == "dir":
            if char not in "{ \t\n":
                return 0
            self._flush(start, pieces)
            self.stack.pop()
            return 1
        if char == "\n":
            raise self.unclosed_text(frame)
        return self._load_char(frame, char, start, pieces)

    def _load_char(self, frame: TextFrame, char: str, start: int, pieces: list[str]) -> int:
        text = self.text
        if char in "\"'" and self._quotes_name(frame, char):
            frame.quote = "" if frame.quote else char
        if frame.quote and char not in "\\@":
            self._take(pieces)
            return -1
        if char in " \t" and (match := _AS.match(text, self.pos)):
            self._flush(start, pieces)
            self.emit("_AS", match.start(), match.end())
            self.open_template()
            return 1
        if char in " \t" and frame.kind == "load" and (match := _SELECTOR.match(text, self.pos)):
            self._flush(start, pieces)
            length = 2 if text.startswith("!#", match.end()) else 1
            self.emit("SELECTOR", match.end(), match.end() + length)
            frame.kind = "selector"
            return 1
        if char in " \t#{\"'":
            self._take(pieces)
            return -1
        return 0

    def _quotes_name(self, frame: TextFrame, quote: str) -> bool:
        """Whether the quote at `pos` opens or closes a quoted path or name, in which `>` and `#` are plain signs."""
        if frame.quote:
            return frame.quote == quote
        before = self.text[frame.start + 1 : self.pos].rstrip()
        begins = before[-1:] in "#,;" if frame.kind == "selector" else not before
        return begins and _QUOTED_NAME.match(self.text, self.pos) is not None

    def _prose_char(self, frame: TextFrame, char: str, start: int, pieces: list[str]) -> int:
        """Braces nest; everything else follows the general rules."""
        if char not in "{}":
            return 0
        if char == "}" and frame.depth == 0:
            self._close_text(frame, start, pieces)
            return 1
        frame.depth += 1 if char == "{" else -1
        self._take(pieces)
        return -1

    def _command_char(self, frame: TextFrame, char: str, start: int, pieces: list[str]) -> int:
        if char == "\\":
            self._take(pieces, 2) if self.text[self.pos + 1 : self.pos + 2] != "@" else pieces.append(
                self._escape("cmd")
            )
            return -1
        if char in "\"'" and frame.quote in ("", char):
            frame.quote = "" if frame.quote else char
        elif frame.quote == "'":
            pass
        elif char == "@":
            return 0
        elif char == "<" and frame.quote == '"' and self._angle(frame, start, pieces):
            return 1
        elif char == "{" and not frame.quote:
            frame.depth += 1
        elif char == "}" and not frame.quote:
            if frame.depth == 0:
                self._close_text(frame, start, pieces)
                return 1
            frame.depth -= 1
        self._take(pieces)
        return -1

    # ── what may follow a reference ──────────────────────────────────────────────────────────────

    def _tail(self, frame: TextFrame, kind: TextKind) -> bool:
        """Say the next piece of the reference that ends at `pos`; False when the reference is over."""
        text, pos, tail = self.text, self.pos, frame.tail
        if pos >= self.end:
            return False
        char = text[pos]
        if char == ".":
            return self._tail_field(frame, kind)
        if char == "(" and kind.calls and tail in ("ref", "method"):
            return self._tail_bracket(frame, "_LCALL", "(", "call")
        if char == "[" and tail in ("ref", "load") and _TEXT_INDEX.match(text, pos):
            return self._tail_bracket(frame, "_LINDEX", "[", tail)
        if char == "|" and kind.stages and "_CONDENSED" in self.accepted and _STAGE.match(text, pos):
            return self._tail_stage(frame)
        if char == "?" and "_OMIT" in self.accepted and kind.escapes != "path" and tail in ("ref", "call"):
            return self._tail_question(frame, kind)
        if char == "\\":
            return self._tail_boundary(frame, kind)
        return False

    def _tail_field(self, frame: TextFrame, kind: TextKind) -> bool:
        pattern = _METHOD if frame.tail == "call" else words.FIELD
        match = pattern.match(self.text, self.pos)
        if match is None:
            return False
        self.emit("FIELD", self.pos, match.end())
        frame.tail = "method" if frame.tail == "call" else frame.tail
        return True

    def _tail_bracket(self, frame: TextFrame, token: str, bracket: str, tail: str) -> bool:
        start = self.pos
        frame.tail = tail
        self.emit(token, start, start + 1)
        self.stack.append(CodeFrame(bracket, start))
        return True

    def _tail_stage(self, frame: TextFrame) -> bool:
        start = self.pos
        match = NAME.match(self.text, start + 2)
        assert match
        self.emit("_CONDENSED", start, start + 1)
        self.emit("REF", start + 1, match.end())
        frame.tail = "stage"
        return True

    def _tail_question(self, frame: TextFrame, kind: TextKind) -> bool:
        start, frame.tail = self.pos, ""
        after, quote = self.text[start + 1 : start + 2], self.text[start + 2 : start + 3]
        if after == "?" and quote and quote in "\"'`" and (quote != frame.closer or self._snippet_closes(start + 2)):
            self.emit("_FALLBACK", start, start + 2)
            self.open_template()
        elif after and after == kind.snippet and self._snippet_closes(start + 1):
            self.emit("_SNIPPET", start, start + 1)
            self.open_template()
        else:
            self.emit("_OMIT", start, start + 1)
        return True

    def _snippet_closes(self, quote: int) -> bool:
        """Whether the quote at `quote` opens a snippet: it is closed again on its line."""
        line_end = self.text.find("\n", quote)
        rest = self.text[quote + 1 : line_end if line_end >= 0 else self.end]
        return self.text[quote] in rest

    def _tail_boundary(self, frame: TextFrame, kind: TextKind) -> bool:
        """A backslash right after a reference ends it; only a true escape keeps its meaning."""
        char = self.text[self.pos + 1 : self.pos + 2]
        if char and char not in CONTROL and char not in LITERAL[kind.escapes]:
            self.pos += 1
        return False

    # ── errors ───────────────────────────────────────────────────────────────────────────────────

    def end_of_text(self, frame: TextFrame) -> bool:
        return False

    def unclosed_text(self, frame: TextFrame) -> OrchError:
        start = frame.start
        error: OrchError
        if frame.loop:
            error = self.fault("E103", "this /for has no /end", start, start + 4, "add a line /end")
        elif frame.kind in ("load", "selector"):
            error = self.fault("E103", "this < is not closed", start, start + 1, "add the closing >")
        elif frame.kind == "cmd":
            error = self.fault("E103", "this command is not closed", start, start + 1, "add the closing }")
        else:
            what = {'"': "string", "'": "string", PREDICATE: "predicate"}.get(frame.kind, "template")
            error = self.fault(
                "E104",
                f"this {what} is not closed",
                start,
                start + len(frame.kind),
                f"add the closing {frame.closer}",
            )
        return error
