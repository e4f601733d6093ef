"""Tokens of names, numbers and words: which keyword a word is, or which plain thing."""

from __future__ import annotations

import re
import unicodedata

from orchestra.errors import OrchError
from orchestra.scan import words
from orchestra.scan.native import closing_brace
from orchestra.scan.state import State

__all__ = ["WordRules"]

_WORD = re.compile(r"\w+")
_DURATION = re.compile(r"\d+(?:\.\d+)?(?:ms|s|m|h|d|w)(?![\w-])")
_KEY = re.compile(r"(?:[A-Za-z_](?:\w|-(?=\w))*|\d+)(?=\??\s*:(?!:))")
_ARG_NAME = re.compile(r"([A-Za-z_](?:\w|-(?=\w))*)\s*:(?!:)")
_AUTH_NAME = re.compile(r"auth:@?([A-Za-z_][\w-]*)")
_BLESSING = re.compile(r"([A-Za-z][\w-]*)!(?!=)")
_BARE = re.compile(r"[^,()\n\"'`\[\]{}@]+")
_RUN_VALUE = re.compile(r"\s+(?:cmd\s*[({:]|[{\"'`]|@[\w.-]+\s*\|(?!\|))")
_RUN_CODE = re.compile(r"\s+(?:sh|bash|js|javascript|node|nodejs|py|python)\s*[({:]")
# Keys behind which a name stands without quotes: `as` of a variable for a command, `resume` of a checkpoint.
_NAMING_KEY = re.compile(r"(?:(?<![\w-])as|\bcheckpoint\b[^\n]*\bwith\s*\{(?:[^{}]*,)?\s*resume)\s*:\s*\Z")
# Where a label may stand, `gate "text"` is a text with a label unless a gate's own options follow.
_GATE_WITH = re.compile(
    r"\s*(?:\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`|@[\w.-]+)\s+with\s*\{\s*(?:present|options|accept|bind|note|multi|free|schema)\b"
)
_PREFIXED = re.compile(r"@[A-Za-z_][\w-]*/[^\s;\])|]*")


class WordRules(State):
    """Names, numbers, keywords, labels, bare words."""

    def _reference(self) -> None:
        accepted = self.accepted
        if "MODULE" in accepted and (match := words.MODULE.match(self.text, self.pos)):
            self.emit("MODULE", self.pos, match.end())
            return
        if "BARE_PATH" in accepted and (match := _PREFIXED.match(self.text, self.pos)):
            self.emit("BARE_PATH", self.pos, match.end())
            return
        match = words.NAME.match(self.text, self.pos + 1)
        written = _WORD.match(self.text, self.pos + 1)
        if written and not written.group().isascii():
            raise self._foreign_name(written.group())
        if match is None:
            raise self.fault("E101", "a name is missing after @", self.pos, self.pos + 1, "@name")
        self.emit("REF", self.pos, match.end())

    def _foreign_name(self, written: str) -> OrchError:
        """The error for a name with letters that names cannot have."""
        plain = unicodedata.normalize("NFKD", written.replace("ß", "ss")).encode("ascii", "ignore").decode()
        help = f"@{plain}" if words.NAME.fullmatch(plain) else None
        message = "names are made of the letters a to z, digits, _ and -"
        return self.fault("E101", message, self.pos, self.pos + 1 + len(written), help)

    def _number(self) -> None:
        accepted = self.accepted
        if "DURATION" in accepted and (match := _DURATION.match(self.text, self.pos)):
            self.emit("DURATION", self.pos, match.end())
            return
        if "KEY" in accepted and (match := _KEY.match(self.text, self.pos)):
            self.emit("KEY", self.pos, match.end())
            return
        match = words.NUMBER.match(self.text, self.pos)
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
        if "AUTH_NAME" in accepted and (match := _AUTH_NAME.match(text, pos)):
            self.emit("AUTH_NAME", pos, match.end(), match.group(1))
            return
        if "BLESSING" in accepted and (match := _BLESSING.match(text, pos)):
            self.emit("BLESSING", pos, match.end(), match.group(1))
            return
        match = words.NAME.match(text, pos)
        if match is None:
            raise self.fault("E101", f"unexpected character {text[pos]!r}", pos, pos + 1)
        word, end = match.group(), match.end()
        kind = self._keyword(word, end)
        if kind in accepted and kind != "LABEL":
            self._say_keyword(kind, pos, end)
        elif not self._plain_word(pos, end):
            self.emit("WORD", pos, end)

    def _keyword(self, word: str, end: int) -> str:
        """The terminal that this word is here, or "" for an ordinary word."""
        kind = words.WORDS.get(word, "")
        if kind == "_FOR" and "FOR_TIMING" in self.accepted:
            return "FOR_TIMING"
        if kind == "_RUN" and self._runs_for_a_value():
            follows = _RUN_VALUE.match(self.text, end) or (self.last == "_ARROW" and _RUN_CODE.match(self.text, end))
            return "_RUN_VALUE" if follows else ""
        if (
            kind == "LANG"
            and "PACKAGE_LANG" in self.accepted
            and word in words.PACKAGE_LANGS
            and re.match(r"\s+@", self.text[end : end + 24])
        ):
            return "PACKAGE_LANG"
        if kind == "LANG" and "SHADOW_LANG" in self.accepted and word in words.SHADOW_LANGS:
            return "SHADOW_LANG"
        if kind == "_GATE" and "LABEL" in self.accepted and not _GATE_WITH.match(self.text, end):
            return ""
        if kind == "_OUTPUT" and words.DOCUMENT_TARGET.match(self.text, end):
            return "_OUTPUT_DOCUMENT"
        follow = words.FOLLOWED_BY.get(kind)
        if follow is not None and not follow.match(self.text, end):
            return ""
        return kind

    def _runs_for_a_value(self) -> bool:
        """Whether `run` stands where its result is wanted; after a return's `=>`, which may end there, too."""
        accepted = self.accepted
        return "_RUN" not in accepted or (self.last == "_ARROW" and ("_RSQB" in accepted or "_NL" in accepted))

    def _say_keyword(self, kind: str, pos: int, end: int) -> None:
        self.emit(kind, pos, end + 1 if kind == "_PROSE" else end)
        if kind in ("_NEEDS", "_PROFILES"):
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
        elif "PLAIN_NAME" in accepted and (self.last != "_COLON" or _NAMING_KEY.search(self.text, 0, pos)):
            self.emit("PLAIN_NAME", pos, end)
        elif "FORMAT" in accepted:
            self.emit("FORMAT", pos, end)
        elif "BARE_PATH" in accepted and (match := words.BARE_PATH.match(self.text, pos)):
            self.emit("BARE_PATH", pos, match.end())
        elif "BARE" in accepted:
            self._bare()
        else:
            return False
        return True

    def _label(self, pos: int) -> bool:
        match = words.LABEL.match(self.text, pos)
        if match is None or not re.match(r"\s*[,@{<]|\s+[\"'`A-Za-z]", self.text[match.end() : match.end() + 40]):
            return False
        if match.group() in words.STATEMENTS:  # `show for @x in …` has no label
            return False
        self.emit("LABEL", pos, match.end())
        return True

    def _bare(self) -> None:
        """Words without quotes as an argument, up to the next comma or parenthesis."""
        match = _BARE.match(self.text, self.pos)
        end = match.end() if match else self.pos + 1
        stripped = self.text[self.pos : end].rstrip()
        self.emit("BARE", self.pos, self.pos + len(stripped))

    def _raw_braces(self, kind: str, lang: str) -> None:
        start = self.text.find("{", self.pos)
        close = closing_brace(self.text, start + 1, lang)
        if start < 0 or close < 0:
            at = start if start >= 0 else self.pos
            raise self.fault("E103", "this { is not closed", at, at + 1, "add the closing }")
        self.emit(kind, start, close + 1, self.text[start + 1 : close])
