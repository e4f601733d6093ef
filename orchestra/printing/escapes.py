"""Literal text in each kind of template: what is escaped, and where a reference is kept apart from what follows.

The opposite of what the scanner does with escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from orchestra.scan.native import is_load
from orchestra.scan.text_kinds import CONTROL, KINDS, LITERAL, PREDICATE, UNTOUCHED

__all__ = ["bounded", "command_text", "escaped"]

_CONTROLS: Final = {value: f"\\{letter}" for letter, value in CONTROL.items()}
# Signs that get a backslash, beside the backslash itself, by kind of text.
_SIGNS: Final = {"`": "`", '"': '"\n', "'": "'", "[[": "]"}
_AT: Final = re.compile(r"@(?=[A-Za-z_@]|\Z)")
_AT_BEFORE_NAME: Final = re.compile(r"@(?=[A-Za-z_@])")
_LOOP_LINE: Final = re.compile(r"\n(?=/for[ \t]|/end)")
_ANGLES: Final = re.compile(r"<([^>\n]*)>")
_WINDOWS_END: Final = "\r\n"


def escaped(text: str, kind: str, first: bool = False, last: bool = False) -> str:
    """The source of a literal text.

    `first`: it begins the body of a loop, where blanks are skipped; `last`: no reference follows.
    """
    style = KINDS[kind].escapes
    if kind == "att":
        return _around(UNTOUCHED, text, lambda part: _AT.sub(r"\\@", part))
    if style in ("path", "cmd"):
        text = re.sub(r"(?<=[ \t])(!?)#", r"\1\\#", text) if kind == "load" else text
        return (_AT_BEFORE_NAME if last else _AT).sub(r"\\@", text)
    made = _characters(text, kind, style)
    if style == "full":
        made = _LOOP_LINE.sub(r"\\n", made)
        made = re.sub(r"\A\n+", lambda match: r"\n" * len(match.group()), made) if first else made
    return made


def _characters(text: str, kind: str, style: str) -> str:
    """Escapes character by character; a backslash is doubled where it would take the next one along."""
    made = ""
    loads = KINDS[kind].loads and style == "full"
    dotted = {match.start() + at for match in _loads(text) for at in _dots(match.group())} if loads else set()
    for position, char in enumerate(text):
        after = text[position + 1 : position + 2]
        if char == "\\":
            made += "\\\\" if _is_taken(after, kind, style) else char
        elif char == "@":
            made += "\\@" if _needs_at(text, position, kind) else char
        elif char == "*" and kind == PREDICATE and (position == 0 or after in ("*", "")):
            made += "\\*"
        elif char in _SIGNS.get(kind, "") or (char == "{" and after == "{" and KINDS[kind].references == "{{"):
            made += _CONTROLS.get(char, f"\\{char}")
        elif style == "full" and char in _CONTROLS and char != "\n" and not text.startswith(_WINDOWS_END, position):
            made += _CONTROLS[char]
        else:
            made += "\\." if position in dotted else char
    return made


def _is_taken(after: str, kind: str, style: str) -> bool:
    """Whether a backslash before this character would be an escape."""
    if style == "colon":  # a pair of backslashes stays a pair
        return False
    if not after or after in LITERAL[style] or after in _SIGNS.get(kind, ""):
        return True
    return style == "full" and (after in CONTROL or (after in _CONTROLS and after != "\n"))


def _needs_at(text: str, position: int, kind: str) -> bool:
    after = text[position + 1 : position + 2]
    if KINDS[kind].references != "@":
        return after in ("@", "")
    return _AT.match(text, position) is not None or "<" in text[text.rfind("\n", 0, position) + 1 : position]


def _loads(text: str) -> list[re.Match[str]]:
    """Literal `<…>` that would load a file."""
    return [match for match in _ANGLES.finditer(text) if is_load(match.group(1))]


def _dots(text: str) -> list[int]:
    return [position for position, char in enumerate(text) if char == "."]


def _around(untouched: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """Change what lies between the matches."""
    made, start = "", 0
    for match in untouched.finditer(text):
        made += change(text[start : match.start()]) + match.group()
        start = match.end()
    return made + change(text[start:])


def command_text(text: str, quote: str) -> tuple[str, str]:
    """The source of literal text in a command, and which quote is open behind it."""
    made, position = "", 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            made += text[position : position + 2]
            position += 2
            continue
        if char in "\"'" and quote in ("", char):
            quote = "" if quote else char
        made += "\\@" if char == "@" and quote != "'" and _AT.match(text, position) else char
        position += 1
    return made, quote


def bounded(source: str, tail: str, kind: str) -> str:
    """The source of a text directly behind a reference, which it must not seem to go on with.

    `tail` is how the reference ends: `name`, `digits` (as in `@x.1`), `bracket` (an index), `call` or `load`.
    """
    rules, style = KINDS[kind], KINDS[kind].escapes
    char, after = source[:1], source[1:2]
    if char == "\\":
        return source if after and (after in CONTROL or after in LITERAL[style]) else "\\" + source
    goes_on = (
        (char == "." and (after.isalnum() or after == "_"))
        or (char == "(" and rules.calls and tail != "call")
        or (char == "[" and tail != "call")
        or (char == "?" and style != "path" and tail != "load")
        or (tail == "name" and re.match(r"\w|-\w", source) is not None)
        or (tail == "digits" and char.isdecimal())
    )
    return "\\" + source if goes_on else source
