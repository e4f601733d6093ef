"""What to say about a program that does not parse: patterns of what people write, and what to write instead."""

from __future__ import annotations

import re
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.scan.words import DIRECTIVES, STATEMENTS
from orchestra.source import Source, Span

__all__ = ["next_directive", "syntax_error"]

_NEXT = re.compile(rf"^/?(?:{'|'.join(sorted(DIRECTIVES))})\b", re.MULTILINE)


def next_directive(text: str, offset: int) -> int | None:
    """Offset of the next line after `offset` that begins with a directive, or None."""
    line_end = text.find("\n", offset)
    match = _NEXT.search(text, line_end + 1) if line_end >= 0 else None
    return match.start() if match else None


def syntax_error(source: Source, error: Any) -> OrchError:
    """The located error for a token that the grammar cannot take."""
    token = error.token
    if token.type == "$END":
        return OrchError("E101", "the script ends in the middle of a statement", Span(source, len(source.text), len(source.text)), exit=2)
    span = Span(source, token.start_pos, token.end_pos)
    code, message, help = _described(source, token, set(error.expected))
    return OrchError(code, message, span, help=help, exit=2)


def _described(source: Source, token: Any, expected: set[str]) -> tuple[str, str, str | None]:
    word = source.text[token.start_pos : token.end_pos]
    if token.type == "_VAR":
        return "E105", "var cannot be used inside blocks", "bind it for the block: let @name = …"
    if token.type == "_LET":
        return "E106", "let is for blocks; at the top level a variable is bound with var", "var @name = …"
    if token.type == "_COMMA":
        return "E101", "statements in a block are not separated by commas", "use a line end, a blank or ;"
    if token.type == "_NL":
        return "E101", "the statement is not finished at the end of the line", None
    if token.type == "WORD":
        return _word(word, expected)
    return "E101", f"unexpected {word!r}" if word.strip() else "something is missing here", None


def _word(word: str, expected: set[str]) -> tuple[str, str, str | None]:
    if "_VAR" in expected or "_LET" in expected:
        meant = nearest(word, STATEMENTS)
        return "E102", f"{word} is not a statement", f"did you mean {meant}?" if meant else None
    return "E101", f"unexpected word {word}", f"a variable is written @{word}" if "REF" in expected else None
