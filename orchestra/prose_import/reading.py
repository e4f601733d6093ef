"""From the text of a `.prose` program to its nodes, by way of Lark and its indenter.

Syntax errors say what was expected. What the nodes become is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from typing import Final, NoReturn

from lark import Lark, Token
from lark.exceptions import LarkError, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, VisitError
from lark.indenter import DedentError, Indenter

from orchestra.errors import OrchError
from orchestra.prose_import import syntax as s
from orchestra.prose_import.building import Misplaced, Nodes
from orchestra.source import Source, Span

__all__ = ["read_program"]

_COMMENT: Final = re.compile(r"#[ \t]?([^\n]*)")
_SAID: Final = {
    "_NL": "the end of the line", "_INDENT": "indented lines", "_DEDENT": "the end of the block", "COLON": ":",
    "EQUAL": "=", "NAME": "a name", "STRING": "text in quotes", "TRIPLE": "text in quotes", "COMMA": ",",
    "DISCRETION": "**a condition**", "NUMBER": "a number", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]",
    "LBRACE": "{", "RBRACE": "}", "DOT": ".", "VBAR": "|", "__ANON_0": "->", "$END": "the end of the file",
    "WAY": "until or while", "STAGE": "map, filter or pmap", "MINUSGREATERTHAN": "->",
}  # fmt: skip


def read_program(source: Source) -> s.Program:
    """The nodes of a program. Raises the first syntax error (E101)."""
    comments: dict[int, str] = {}
    text = source.text if source.text.endswith("\n") else source.text + "\n"
    indentation = _Indentation(comments)
    parser = Lark(
        files(__package__).joinpath("prose.lark").read_text("utf-8"), start="program", parser="lalr",
        postlex=indentation, propagate_positions=True, maybe_placeholders=True,
        lexer_callbacks={"COMMENT": partial(_keep, comments)},
    )  # fmt: skip
    try:
        statements = Nodes().transform(parser.parse(text))
    except VisitError as error:
        if not isinstance(error.orig_exc, Misplaced):
            raise error.orig_exc from None
        raise OrchError("E101", str(error.orig_exc), _whole(source, error.orig_exc.line), exit=2) from None
    except DedentError:
        message = "this line is indented like none above it"
        raise OrchError("E101", message, _whole(source, indentation.line), exit=2) from None
    except LarkError as error:
        _refuse(source, error)
    return s.Program(statements, comments)


def _keep(comments: dict[int, str], token: Token) -> Token:
    """Note the comments in a token, which may span several lines."""
    for offset, line in enumerate(token.split("\n")):
        if found := _COMMENT.search(line):
            comments[(token.line or 0) + offset] = found[1].rstrip()
    return token


class _Indentation(Indenter):
    """Lark's indenter; comments between the lines are kept."""

    NL_type = "_NL"
    OPEN_PAREN_types: Final = ["LPAR", "LSQB", "LBRACE"]
    CLOSE_PAREN_types: Final = ["RPAR", "RSQB", "RBRACE"]
    INDENT_type = "_INDENT"
    DEDENT_type = "_DEDENT"
    tab_len = 4

    def __init__(self, comments: dict[int, str]) -> None:
        super().__init__()
        self._comments = comments
        self.line = 1  # that was last looked at

    def handle_NL(self, token: Token) -> Iterator[Token]:
        _keep(self._comments, token)
        self.line = (token.line or 0) + token.count("\n")
        last = token.rsplit("\n", 1)[-1]
        if "#" in last:  # the file ends with a comment, which is not the indentation of anything
            token = Token.new_borrow_pos(token.type, token[: token.rindex("#")], token)
        return super().handle_NL(token)


def _whole(source: Source, number: int) -> Span:
    """A line without the blanks around it."""
    start = sum(len(line) for line in source.text.splitlines(keepends=True)[: number - 1])
    text = source.line(number)
    return Span(source, start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def _refuse(source: Source, error: LarkError) -> NoReturn:
    if isinstance(error, UnexpectedToken):
        at, shown = error.token.start_pos or 0, _shown(error.token)
        expected = sorted({_SAID.get(name, name.lower()) for name in error.accepts or error.expected})
    elif isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        shown = repr(source.text[at : at + 1])
        expected = sorted({_SAID.get(name, name.lower()) for name in error.allowed or ()} - {"comment", "blanks"})
    else:
        assert isinstance(error, UnexpectedEOF), error
        at, shown, expected = max(len(source.text) - 1, 0), "the end of the file", []
    width = max(1, len(error.token)) if isinstance(error, UnexpectedToken) and error.token.strip() else 1
    help = f"expected: {', '.join(expected)}" if 0 < len(expected) <= 8 else None
    raise OrchError("E101", f"{shown} cannot stand here", Span(source, at, at + width), help=help, exit=2) from None


def _shown(token: Token) -> str:
    return _SAID.get(token.type, str(token)) if token.type.startswith(("_", "$")) else str(token)
