"""Regular expressions of the language, whose dialect is JavaScript's, as patterns of Python's `re`.

What has no counterpart is an error that says where in the pattern it stands; the place of the pattern in a
script is added by who knows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from orchestra.errors import OrchError

__all__ = ["WHITESPACE", "Regex", "compile_js", "each_match", "expand_replacement"]

# What JavaScript trims and what `\s` matches.
WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
LAST: Final = 0x10FFFF
LINE_ENDS: Final = r"\n\r\u2028\u2029"


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression of a script, such as `/a+/g`. `everywhere` is the flag `g`."""

    source: str
    flags: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, source: str, flags: str = "") -> Regex:
        """E101 for a malformed pattern, E109 for one that cannot be run here; see `compile_js`."""
        return cls(source, flags, compile_js(source, flags))

    @property
    def everywhere(self) -> bool:
        return "g" in self.flags

    def __str__(self) -> str:
        return f"/{self.source}/{self.flags}"


def compile_js(pattern: str, flags: str = "") -> re.Pattern[str]:
    """The Python pattern that matches what the JavaScript one does, counting in code points.

    The flags i, m, s take effect, u is always on, g is for the caller. Raises E101 for a malformed pattern
    and E109 for a form without counterpart; `details` hold the pattern and the offset in it.
    """
    _check_flags(pattern, flags)
    translator = _Translator(pattern, flags)
    translated = translator.translate()
    try:
        return re.compile(translated, re.IGNORECASE if "i" in flags else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise translator.refusal(str(error)) from None


def _check_flags(pattern: str, flags: str) -> None:
    for index, flag in enumerate(flags):
        if flag not in "gimsu":
            raise _fault("E109", f"the regular expression flag {flag} is not known here", pattern, len(pattern))
        if flag in flags[:index]:
            raise _fault("E101", f"the regular expression flag {flag} stands twice", pattern, len(pattern))


def _fault(code: str, message: str, pattern: str, offset: int, help: str | None = None) -> OrchError:
    return OrchError(code, message, help=help, details={"pattern": pattern, "offset": offset})


# ── character sets ───────────────────────────────────────────────────────────────────────────────

Ranges = tuple[tuple[int, int], ...]


def _ranges(*pairs: str) -> Ranges:
    return tuple((ord(pair[0]), ord(pair[-1])) for pair in pairs)


def _complement(ranges: Ranges) -> Ranges:
    gaps, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            gaps.append((start, low - 1))
        start = high + 1
    return (*gaps, (start, LAST))


_CLASSES: dict[str, Ranges] = {
    "d": _ranges("09"),
    "w": _ranges("AZ", "az", "09", "_"),
    "s": _ranges(*WHITESPACE),
}
_CLASSES |= {name.upper(): _complement(ranges) for name, ranges in list(_CLASSES.items())}


def _literal(code: int) -> str:
    """A code point as it may stand anywhere in a Python pattern, classes included."""
    return chr(code) if chr(code).isalnum() else f"\\U{code:08x}"


def _set(ranges: Ranges) -> str:
    return "".join(_literal(low) if low == high else f"{_literal(low)}-{_literal(high)}" for low, high in ranges)


# ── translation ──────────────────────────────────────────────────────────────────────────────────

_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_HEX = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}")
_LOW_SURROGATE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_QUANTIFIER = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_GROUP = re.compile(r"\(\?(?::|=|!|<=|<!|<([^>]*)>)")
_NUMBER = re.compile(r"[1-9][0-9]*")
_NAME_REFERENCE = re.compile(r"k<([^>]*)>")


class _Translator:
    """One pass over a pattern. `_at` is the offset of the next character that has not been translated."""

    def __init__(self, pattern: str, flags: str) -> None:
        self._pattern = pattern
        self._multiline = "m" in flags
        self._dot = "(?s:.)" if "s" in flags else f"[^{LINE_ENDS}]"
        self._at = 0
        self._out: list[str] = []
        self._open: list[int | None] = []  # numbers of the open groups, None for those that capture nothing
        self._groups = 0
        self._names: dict[str, int] = {}
        self._lookbehind: int | None = None  # offset of the first one

    def translate(self) -> str:
        while self._at < len(self._pattern):
            step = self._STEPS.get(self._pattern[self._at])
            if step is None:
                self._emit(_literal(ord(self._pattern[self._at])), 1)
            else:
                step(self)
        if self._open:
            raise self._malformed("a group is not closed")
        return "".join(self._out)

    def refusal(self, reason: str) -> OrchError:
        """The error for a translated pattern that Python does not take."""
        if self._lookbehind is not None and "look-behind" in reason:
            return self._foreign("a lookbehind must match a fixed number of characters", self._lookbehind)
        return self._malformed(reason.split(" at position")[0], 0)

    def _malformed(self, reason: str, offset: int | None = None) -> OrchError:
        at = self._at if offset is None else offset
        return _fault("E101", f"malformed regular expression: {reason}", self._pattern, at)

    def _foreign(self, reason: str, offset: int | None = None, help: str | None = None) -> OrchError:
        return _fault("E109", reason, self._pattern, self._at if offset is None else offset, help)

    def _emit(self, text: str, taken: int) -> None:
        self._out.append(text)
        self._at += taken

    # Outside classes

    def _any(self) -> None:
        self._emit(self._dot, 1)

    def _line_start(self) -> None:
        self._emit(f"(?<![^{LINE_ENDS}])" if self._multiline else r"\A", 1)

    def _line_end(self) -> None:
        self._emit(f"(?![^{LINE_ENDS}])" if self._multiline else r"\Z", 1)

    def _alternative(self) -> None:
        self._emit("|", 1)

    def _quantify(self) -> None:
        found = _QUANTIFIER.match(self._pattern, self._at)
        if found is None:  # a brace that counts nothing stands for itself
            self._emit(r"\{", 1)
            return
        if not self._out or self._out[-1] in ("(", "(?:", "|"):
            raise self._malformed("nothing to repeat")
        self._emit(found[0], len(found[0]))
        if self._pattern.startswith("?", self._at):
            self._emit("?", 1)
        if _QUANTIFIER.match(self._pattern, self._at):
            raise self._malformed("nothing to repeat")

    def _open_group(self) -> None:
        if not self._pattern.startswith("(?", self._at):
            self._capture("(", 1)
            return
        found = _GROUP.match(self._pattern, self._at)
        if found is None:
            raise self._foreign("this kind of group is not known here")
        if found[1] is not None:
            self._open_named(found[1], len(found[0]))
            return
        if found[0].startswith("(?<") and self._lookbehind is None:
            self._lookbehind = self._at
        self._open.append(None)
        self._emit(found[0], len(found[0]))

    def _open_named(self, name: str, taken: int) -> None:
        if not name.isidentifier():
            raise self._malformed(f"{name!r} is no group name")
        if name in self._names:
            raise self._malformed(f"two groups are called {name}")
        self._names[name] = self._groups + 1
        self._capture(f"(?P<{name}>", taken)

    def _capture(self, text: str, taken: int) -> None:
        self._groups += 1
        self._open.append(self._groups)
        self._emit(text, taken)

    def _close_group(self) -> None:
        if not self._open:
            raise self._malformed("a parenthesis closes nothing")
        self._open.pop()
        self._emit(")", 1)

    def _escape(self) -> None:
        following = self._pattern[self._at + 1 : self._at + 2]
        if following in ("b", "B"):
            self._emit(f"(?a:\\{following})", 2)
        elif following in _CLASSES:
            self._emit(f"[{_set(_CLASSES[following])}]", 2)
        elif found := _NUMBER.match(self._pattern, self._at + 1):
            self._back_reference(int(found[0]), len(found[0]) + 1)
        elif found := _NAME_REFERENCE.match(self._pattern, self._at + 1):
            self._named_reference(found[1], len(found[0]) + 1)
        else:
            self._out.append(_literal(self._escaped_code()))

    def _named_reference(self, name: str, taken: int) -> None:
        if name not in self._names:
            raise self._malformed(f"there is no group {name} before this")
        self._back_reference(self._names[name], taken)

    def _back_reference(self, number: int, taken: int) -> None:
        """A group that has not matched, or not yet, is referred to as the empty text."""
        if number > self._groups:
            raise self._malformed(f"there is no group {number} before this")
        self._emit("(?:)" if number in self._open else f"(?({number})\\{number})", taken)

    # Escapes that stand for one character

    def _escaped_code(self) -> int:
        """The code point of the escape at `_at`, which is then passed."""
        rest = self._pattern[self._at + 1 : self._at + 2]
        if not rest:
            raise self._malformed("it ends in a backslash")
        if rest in ("p", "P"):
            raise self._foreign(f"\\{rest}{{…}} is not known here", help="list the characters, as in [A-Za-zÀ-ÿ]")
        if found := _HEX.match(self._pattern, self._at + 1):
            self._at += 1 + len(found[0])
            return self._code_of(int(found[1] or found[2] or found[3], 16))
        if rest == "c" and self._pattern[self._at + 2 : self._at + 3].isalpha():
            self._at += 3
            return ord(self._pattern[self._at - 1]) % 32
        self._at += 2
        return 0 if rest == "0" else _CONTROLS.get(rest, ord(rest))

    def _code_of(self, code: int) -> int:
        """Joins the two halves of a surrogate pair."""
        low = _LOW_SURROGATE.match(self._pattern, self._at)
        if 0xD800 <= code < 0xDC00 and low:
            self._at += len(low[0])
            return 0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        if code > LAST:
            raise self._malformed("there is no such character")
        return code

    # Classes

    def _class(self) -> None:
        start = self._at
        self._at += 1
        negated = self._pattern.startswith("^", self._at)
        self._at += negated
        ranges: list[tuple[int, int]] = []
        while not self._pattern.startswith("]", self._at):
            if self._at >= len(self._pattern):
                raise self._malformed("a character class is not closed", start)
            ranges += self._class_item()
        self._at += 1
        self._out.append(_class_text(tuple(ranges), negated))

    def _class_item(self) -> Ranges:
        """A set, a character, or a range of characters."""
        start = self._at
        low = self._class_atom()
        if isinstance(low, tuple):
            return low
        ahead = self._pattern[self._at : self._at + 2]
        if len(ahead) < 2 or ahead[0] != "-" or ahead[1] == "]":
            return ((low, low),)
        self._at += 1
        high = self._class_atom()
        if isinstance(high, tuple):
            return ((low, low), _ranges("-")[0], *high)
        if high < low:
            raise self._malformed("a range runs backwards", start)
        return ((low, high),)

    def _class_atom(self) -> int | Ranges:
        character = self._pattern[self._at]
        if character != "\\":
            self._at += 1
            return ord(character)
        following = self._pattern[self._at + 1 : self._at + 2]
        if following in _CLASSES:
            self._at += 2
            return _CLASSES[following]
        if following == "b":
            self._at += 2
            return 8
        return self._escaped_code()

    _STEPS: Final[dict[str, Callable[[_Translator], None]]] = {
        ".": _any,
        "^": _line_start,
        "$": _line_end,
        "|": _alternative,
        "(": _open_group,
        ")": _close_group,
        "[": _class,
        "\\": _escape,
        **dict.fromkeys("*+?{", _quantify),
    }


def _class_text(ranges: Ranges, negated: bool) -> str:
    if not ranges:
        return "(?s:.)" if negated else "(?!)"
    return f"[{'^' if negated else ''}{_set(ranges)}]"


# ── matches and replacement ──────────────────────────────────────────────────────────────────────


def each_match(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches from left to right. After an empty one the search skips a character, unlike Python's."""
    at = 0
    while at <= len(text) and (found := pattern.search(text, at)):
        yield found
        at = found.end() + (found.end() == found.start())


_DOLLAR = re.compile(r"\$(?:\$|&|`|'|[0-9]{1,2}|<([^>]*)>)")


def expand_replacement(template: str, match: re.Match[str]) -> str:
    """`template` with `$1`, `$<n>`, `$&`, `` $` ``, `$'` and `$$` filled in; unmatched groups are empty."""
    if "$" not in template:
        return template
    return _DOLLAR.sub(lambda found: _expansion(found, match), template)


def _expansion(found: re.Match[str], match: re.Match[str]) -> str:
    sign = found[0][1]
    if sign in _AROUND:
        return _AROUND[sign](match)
    if sign != "<":
        return _numbered(found[0], match)
    if not match.re.groupindex:
        return found[0]
    return (match[found[1]] or "") if found[1] in match.re.groupindex else ""


_AROUND: dict[str, Callable[[re.Match[str]], str]] = {
    "$": lambda match: "$",
    "&": lambda match: match[0],
    "`": lambda match: match.string[: match.start()],
    "'": lambda match: match.string[match.end() :],
}


def _numbered(text: str, match: re.Match[str]) -> str:
    """`$12` is group 12 if there is one, else group 1 and the digit 2. No such group: stays as written."""
    for end in range(len(text), 1, -1):
        number = int(text[1:end])
        if 0 < number <= match.re.groups:
            return (match[number] or "") + text[end:]
    return text
