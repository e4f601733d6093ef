"""What is said where no pattern fits: what was found, and what the parser could have taken instead.

The last resort; anything that people write often deserves a pattern.
"""

from __future__ import annotations

from orchestra.errors import OrchError, nearest
from orchestra.hints.fault import Fault
from orchestra.scan.words import STATEMENTS

__all__ = ["expectation", "misspelt"]

# Terminal → how a message names what is missing, and an example; the first that the parser would take counts.
MISSING = (
    ("_VAR", "a statement", "show @x, var @x = …, exe @f(x) = …"),
    ("_STAR_ARROW", "an arm", "condition => action, or * => action"),
    ("_IN", "in", "for @item in @items => …"),
    ("TIMING", "before or after", "hook after @f = [ … ]"),
    ("REF", "a value", "@name, \"text\" or 1"),
    ("_ASSIGN", "=", "name = value"),
    ("_LBODY", "a block", "[ … ]"),
    ("_TO", "to", "to \"file.txt\""),
    ("_FROM", "from", "from \"./file.mld\""),
    ("_UNTIL", "a block", "[ … ]"),
    ("TPL_OPEN", "a text in quotes", "\"text\""),
    ("NAME", "a name", "@name"),
    ("_ARROW", "=>", "=> action"),
    ("_COLON", ":", "name: value"),
    ("_COMMA", "a comma", ","),
)  # fmt: skip


def misspelt(fault: Fault) -> OrchError | None:
    """The first word of a statement that is nearly one of the language's words."""
    begins = "_LET" in fault.expected and (
        fault.at_line_start or fault.before.rstrip()[-1:] in ("[", ";", "]")
    )
    if fault.kind not in ("WORD", "LABEL") or not begins:
        return None
    meant = nearest(fault.word, STATEMENTS)
    if meant is None:
        return None
    return OrchError(
        "E102", f"{fault.word} is not a statement", fault.span, help=f"did you mean {meant}?", exit=2
    )


def expectation(fault: Fault) -> OrchError:
    """What was found and what was expected."""
    name, example = _missing(fault)
    if "_LET" in fault.expected and fault.kind == "WORD":
        return OrchError(
            "E102", f"{fault.word} is not a statement", fault.span, help=_statement(fault), exit=2
        )
    if fault.at_end:
        message = f"{name} is missing here" if name else "the statement is not finished"
        return OrchError("E101", message, fault.span, help=example, exit=2)
    if name in ("a value", "a name") and fault.kind == "WORD":
        help = f'a variable is written @{fault.word}, a text "{fault.word}"'
        return OrchError("E101", f"unexpected word {fault.word}", fault.span, help=help, exit=2)
    if not name and "_NL" in fault.expected:
        message = f"{fault.word} follows a statement that is already complete"
        return OrchError("E101", message, fault.span, help="begin the next statement on a new line", exit=2)
    message = f"unexpected {fault.word}" + (f", {name} is missing before it" if name else "")
    return OrchError("E101", message, fault.span, help=example, exit=2)


def _statement(fault: Fault) -> str:
    return f"a call is written @{fault.word}(…), output show …, a comment >> …"


def _missing(fault: Fault) -> tuple[str, str | None]:
    return next(((name, help) for kind, name, help in MISSING if kind in fault.expected), ("", None))
