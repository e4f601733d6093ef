"""What a `needs` block asks for, and which of it is missing on this machine. It grants nothing.

How a package of another language is looked for is told by whoever can run that language.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.source import Span

__all__ = ["missing_needs", "read_braces"]

LANGUAGES = {
    **dict.fromkeys(("node", "js"), "Node"),
    **dict.fromkeys(("python", "py"), "Python"),
    **dict.fromkeys(("ruby", "rb"), "Ruby"),
    **dict.fromkeys(("go", "golang"), "Go"),
    "rust": "Rust",
}
SHELLS = ("sh", "bash")
UNCHECKED = ("network", "net", "filesystem", "fs")  # every machine has them; a policy may forbid them
TOKEN = re.compile(r"""(?:\s|(?:>>|<<)[^\n]*)*("[^"\n]*"|'[^'\n]*'|[{}\[\]:,]|[^\s{}\[\]:,"']+)""")

HasPackage = Callable[[str, str], bool]


def missing_needs(body: str, span: Span, has: HasPackage) -> list[str]:
    """What is asked for and not there, each in words. `has(language, package)` looks for a package."""
    missing: list[str] = []
    for name, wish in read_braces(body, span).items():
        if name == "cmd":
            missing += [f"command {command}" for command in _named(wish) if shutil.which(command) is None]
        elif name in LANGUAGES:
            language = LANGUAGES[name]
            missing += [f"{language} package {package}" for package in _named(wish) if not has(language, package)]
        elif wish is True and name not in UNCHECKED:
            missing += [] if shutil.which(name) else [f"command {name}"]
        elif name not in (*SHELLS, *UNCHECKED):
            meant = nearest(name, ["cmd", *LANGUAGES, *SHELLS, *UNCHECKED])
            help = f"did you mean {meant}?" if meant else "cmd: [NAME], node: [PACKAGE], python: [PACKAGE], sh, network"
            raise OrchError("E101", f"needs has no entry {name}", span, help=help, exit=2)
    return missing


def _named(wish: Any) -> list[str]:
    """The names of a list, or the keys of braces; `*` names nothing in particular."""
    names = wish if isinstance(wish, (list, dict)) else [] if wish in ("*", True, False) else [wish]
    return [str(name) for name in names if name != "*"]


def read_braces(body: str, span: Span) -> dict[str, Any]:
    """The text between braces as data: `name` is true, `name: value`, lists in brackets. E101 for anything else."""
    tokens = [match[1] for match in TOKEN.finditer(body)]
    tokens.append("}")
    found, rest = _braces(tokens, span)
    if rest:
        raise _unreadable(rest[0], span)
    return found


def _braces(tokens: list[str], span: Span) -> tuple[dict[str, Any], list[str]]:
    found: dict[str, Any] = {}
    while tokens:
        name, *tokens = tokens
        if name == "}":
            return found, tokens
        if name == ",":
            continue
        if name in "{[]:":
            raise _unreadable(name, span)
        found[_bare(name)] = True
        if tokens and tokens[0] == ":":
            found[_bare(name)], tokens = _value(tokens[1:], span)
    raise _unreadable("}", span)


def _value(tokens: list[str], span: Span) -> tuple[Any, list[str]]:
    if not tokens or tokens[0] in "}],:":
        raise _unreadable(tokens[0] if tokens else "}", span)
    first, *rest = tokens
    if first == "{":
        return _braces(rest, span)
    if first == "[":
        if "]" not in rest:
            raise _unreadable("[", span)
        end = rest.index("]")
        return [_bare(name) for name in rest[:end] if name != ","], rest[end + 1 :]
    return {"true": True, "false": False}.get(first, _bare(first)), rest


def _bare(token: str) -> str:
    return token[1:-1] if token[0] in "\"'" else token


def _unreadable(token: str, span: Span) -> OrchError:
    return OrchError("E101", f"unexpected {token} here", span, help="needs { cmd: [git], python: [yaml], sh }", exit=2)
