"""Takes a shell command apart into its simple commands, or says what in it cannot be seen through.

Covers the part of the shell language whose effect can be read off the text; whether a command is allowed is
decided in `shell_check`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Opaque", "SimpleCommand", "expanded", "rendered", "split_command"]


class Opaque(Exception):
    """What the text contains that hides its effect, as a noun phrase."""


@dataclass(slots=True)
class SimpleCommand:
    """The words of one command without their quotes and as written, and its redirections as (operator, target)."""

    words: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    redirects: list[tuple[str, str]] = field(default_factory=list)


TOKEN = re.compile(
    r"""
      (?P<space> [ \t]+ | \\\n )
    | (?P<comment> \#[^\n]* )
    | (?P<heredoc> \d* << )
    | (?P<process> [<>]\( )
    | (?P<redirect> &>>? | \d*(?: >> | >\| | >& | <> | <& | > | < ) )
    | (?P<end> && | \|\| | \|& | \| | ;;? | & | \n )
    | (?P<word> (?: '[^']*' | "(?:[^"\\]|\\.)*" | \\. | \{\} | [^\s'"\\`;&|<>(){}] )+ )
    """,
    re.VERBOSE | re.DOTALL,
)
PIECE = re.compile(r"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)"|\\(?P<escaped>.)|(?P<plain>.)""", re.DOTALL)
IN_DOUBLE = re.compile(r'\\([$`"\\\n])')

VARIABLE = re.compile(r"\$[\w@*#?$!-]")
GLOB = re.compile(r"[*?\[]")

# Words that begin a compound command when they stand first and without quotes.
RESERVED = frozenset("if then elif else fi for while until do done case esac select function coproc [[ ]]".split())

# What stands where no token begins.
STRANGERS = {
    "'": "an unclosed quote",
    '"': "an unclosed quote",
    "`": "a command in backticks",
    "(": "a subshell",
    ")": "a subshell",
    "{": "braces",
    "}": "braces",
    "\\": "a backslash at the end",
}


def split_command(text: str) -> list[SimpleCommand]:
    """The simple commands of a list of pipelines, in order. Raises Opaque."""
    commands = [SimpleCommand()]
    pending: str | None = None
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise Opaque(STRANGERS.get(text[position], "an unknown sign"))
        position = match.end()
        kind = match.lastgroup
        if kind in ("heredoc", "process"):
            raise Opaque("a here-document" if kind == "heredoc" else "a process substitution")
        if pending is not None and kind in ("comment", "redirect", "end"):
            raise Opaque("a redirection without a target")
        if kind == "word":
            word = _unquoted(match[0])
            if pending is None:
                _check_word(commands[-1], match[0])
                commands[-1].words.append(word)
                commands[-1].written.append(match[0])
            else:
                commands[-1].redirects.append((pending, word))
                pending = None
        elif kind == "redirect":
            pending = match[0]
        elif kind == "end":
            commands.append(SimpleCommand())
    if pending is not None:
        raise Opaque("a redirection without a target")
    return [command for command in commands if command.words or command.redirects]


def _check_word(command: SimpleCommand, written: str) -> None:
    """A compound command is seen by its first word, which may stand behind `!` and `time`."""
    if written in RESERVED and all(word in ("!", "time") for word in command.written):
        raise Opaque(f"the compound command {written}")


def expanded(written: str) -> tuple[bool, bool]:
    """Whether the shell would fill in variables in a word, and whether it would look for files of that name."""
    rest = re.sub(r"'[^']*'|\\.", "", written, flags=re.DOTALL)
    bare = re.sub(r'"[^"]*"', "", rest, flags=re.DOTALL)
    return VARIABLE.search(rest) is not None, bare.startswith("~") or GLOB.search(bare) is not None


def rendered(words: Sequence[str]) -> str:
    """A command as patterns see it: words with blanks are in quotes, so that they are not taken for several."""
    return " ".join(f'"{word}"' if not word or re.search(r"\s", word) else word for word in words)


def _unquoted(word: str) -> str:
    parts = []
    previous = ""
    if "$[" in re.sub(r"'[^']*'|\\.", "", word, flags=re.DOTALL):
        raise Opaque("an arithmetic expansion")
    for piece in PIECE.finditer(word):
        if previous == "$" and piece.lastgroup in ("single", "double"):
            raise Opaque("a string with $ before its quotes")
        parts.append(_piece(piece))
        previous = piece["plain"] or ""
    return "".join(parts)


def _piece(piece: re.Match[str]) -> str:
    if piece["single"] is not None:
        return piece["single"]
    if piece["double"] is not None:
        text = re.sub(r"\\.", "", piece["double"], flags=re.DOTALL)
        if "`" in text or "$(" in text or "${" in text or "$[" in text:
            raise Opaque("a substitution in quotes")
        return IN_DOUBLE.sub(lambda match: match[1].strip("\n"), piece["double"])
    if piece["escaped"] is not None:
        return piece["escaped"].strip("\n")
    return piece["plain"]
