"""What is said where no pattern fits: what was found, and what the parser could have taken instead.

The last resort; anything that people write often deserves a pattern.
"""

from __future__ import annotations

from typing import Final

from orchestra.errors import OrchError, nearest
from orchestra.hints.fault import Fault
from orchestra.scan.words import STATEMENTS

__all__ = ["expectation", "misspelt"]

# Terminal, what a message calls it, and an example; the first that the parser would take counts.
MISSING: Final = (
    ("_VAR", "a statement", "show @x, var @x = …, exe @f(x) = …"),
    ("_STAR_ARROW", "an arm", "condition => action, or * => action"),
    ("_IN", "in", "for @item in @items => …"),
    ("TIMING", "before or after", "hook after @f = [ … ]"),
    ("CONSTANT", "a value", '@name, "text" or 1'),
    ("REF", "a name", "@name"),
    ("_ASSIGN", "=", "name = value"),
    ("_LBODY", "a block", "[ … ]"),
    ("_TO", "to", 'to "file.txt"'),
    ("_FROM", "from", 'from "./file.mld"'),
    ("TPL_OPEN", "a text in quotes", '"text"'),
    ("NAME", "a name", "@name"),
    ("_ARROW", "=>", "=> action"),
    ("_COLON", ":", "name: value"),
    ("_COMMA", "a comma", "put a , between them"),
)


def misspelt(fault: Fault) -> OrchError | None:
    """The first word of a statement that is nearly one of the language's words."""
    meant = nearest(fault.word, STATEMENTS) if fault.kind == "WORD" and _begins(fault) else None
    if meant is None:
        return None
    return _error("E102", f"{fault.word} is not a statement", fault, f"did you mean {meant}?")


def _begins(fault: Fault) -> bool:
    """Whether a statement may begin here; a body that begins with an unknown word is read as an array."""
    if fault.at_line_start:
        return "_LET" in fault.expected or fault.inside == "list"
    return "_LET" in fault.expected and fault.before.rstrip().endswith(("[", ";", "]"))


def expectation(fault: Fault) -> OrchError:
    """What was found and what was expected."""
    name, example = next(((name, help) for kind, name, help in MISSING if kind in fault.expected), ("", None))
    if fault.at_end:
        return _error("E101", f"{name} is missing here" if name else "this is not finished", fault, example)
    if fault.kind == "WORD":
        return _word(fault, name, example)
    if not name and "_NL" in fault.expected:
        return _leftover(fault)
    message = f"{name} is missing before {_shown(fault)}" if name else f"unexpected {_shown(fault)}"
    return _error("E101", message, fault, example)


def _word(fault: Fault, name: str, example: str | None) -> OrchError:
    """A word that is no keyword here."""
    word = fault.word
    if "_LET" in fault.expected:
        help = f"a call is written @{word}(…), output show …, a comment >> …"
        return _error("E102", f"{word} is not a statement", fault, help)
    if name == "a value":
        return _error("E101", f"unexpected word {word}", fault, f'a variable is written @{word}, a text "{word}"')
    if name == "a name":
        return _error("E101", f"unexpected word {word}", fault, f"@{word}")
    if not name and "_NL" in fault.expected:
        return _leftover(fault)
    return _error("E101", f"{name} is missing before {word}" if name else f"unexpected word {word}", fault, example)


def _leftover(fault: Fault) -> OrchError:
    message = f"{_shown(fault)} follows a statement that is already complete"
    return _error("E101", message, fault, "begin the next statement on a new line")


def _shown(fault: Fault) -> str:
    """The token; a character that cannot be seen by its number."""
    return fault.word if fault.word.isprintable() else f"U+{ord(fault.word[0]):04X}"


def _error(code: str, message: str, fault: Fault, help: str | None) -> OrchError:
    return OrchError(code, message, fault.span, help=help, exit=2)
