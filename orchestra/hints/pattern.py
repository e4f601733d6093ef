"""One row of advice: how a wrong program looks around the fault, and what is said about it.

The rows themselves are in the modules beside this one; which of them is asked first is left to `advice`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from orchestra.errors import OrchError
from orchestra.hints.fault import Fault
from orchestra.source import Span

__all__ = ["BEGIN", "EFFECT", "END", "NAME", "REST", "Pattern"]

BEGIN = r"(?:^|[\[\];])[ \t]*/?"  # what stands before the first word of a statement
END = r"[ \t]*(?:$|\Z|[;\])]|>>)"  # nothing more comes
NAME = r"[A-Za-z_][\w-]*"
REST = r"(?P<rest>[^\n;]*)"
EFFECT = r"(?P<effect>(?:show|log|output|append|run|bail|done|continue|skip|let|cmd)\b[^\n;]*|@[\w.]+\([^\n;]*)"


@dataclass(frozen=True, slots=True)
class Pattern:
    """`at` matches from the offending token on, `before` the end of the text before it on its line.

    Named groups of both may be used in `message` and `help` (str.format), as may `{found}` for the token and
    `{bind}` for the word that binds a variable there. A group `fault` in either regex is where the carets
    stand, else it is the token. `host` and `inside` name values of `Fault`, `wants` an expected terminal.
    """

    code: str
    at: str
    message: str
    help: str
    before: str = ""
    host: str = ""
    inside: str = ""
    wants: str = ""

    def error(self, fault: Fault) -> OrchError | None:
        """The located error if the fault looks like this, else None."""
        if not self._stands(fault):
            return None
        before = _compiled(f"(?:{self.before})\\Z").search(fault.before)
        at = _compiled(self.at).match(fault.source.text, fault.start)
        if before is None or at is None:
            return None
        words = {"found": fault.word, "bind": "var" if fault.inside == "top" else "let"}
        words |= {name: _tidy(text or "") for found in (before, at) for name, text in found.groupdict().items()}
        help = re.sub(r" {2,}", " ", self.help.format(**words)).strip()
        return OrchError(self.code, self.message.format(**words), _span(fault, before, at), help=help, exit=2)

    def _stands(self, fault: Fault) -> bool:
        """Whether the construct around the fault is the one that this is about."""
        return (
            (not self.host or fault.host in self.host.split())
            and (not self.inside or fault.inside in self.inside.split())
            and (not self.wants or self.wants in fault.expected)
        )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


def _tidy(text: str) -> str:
    """A captured text without the brackets and signs that belong to what surrounds it."""
    text = text.strip().rstrip(";,").rstrip()
    for opening, closing in ("[]", "()", "{}"):
        while text.endswith(closing) and text.count(opening) < text.count(closing):
            text = text[:-1].rstrip()
    if text.endswith(("[", "(", "{")):
        return f"{text} …"
    left = [closing for opening, closing in ("[]", "()", "{}") if text.count(opening) > text.count(closing)]
    return f"{text} …{left[0]}" if left else text


def _span(fault: Fault, before: re.Match[str], at: re.Match[str]) -> Span:
    """From the marked text before the token, or the token, to the marked text after it, or its own end."""
    start, end = fault.start, fault.end
    line = fault.start - len(fault.before)
    if "fault" in at.re.groupindex:
        start, end = at.span("fault")
    if "fault" in before.re.groupindex:
        start = line + before.start("fault")
        end = end if "fault" in at.re.groupindex else line + before.end("fault")
    return Span(fault.source, start, end)
