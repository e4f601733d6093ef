"""What a check found: one fault with its place, and the list that gathers them.

How findings are shown is decided by `report`, `sarif` and the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestra.check.rules import RULES
from orchestra.errors import NAMES, Note, OrchError, Warned
from orchestra.source import Span

__all__ = ["Finding", "Findings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault.

    code:     a code like `E203` for an error, else a word of `RULES`
    level:    `error`, `warning` or `advice`
    variable: the name concerned, where it is about a name
    """

    code: str
    level: str
    message: str
    span: Span | None
    help: str | None = None
    notes: tuple[Note, ...] = ()
    variable: str | None = None

    @classmethod
    def of_error(cls, error: OrchError) -> Finding:
        return cls(error.code, "error", error.message, error.span, error.help, tuple(error.notes))

    def as_fault(self) -> OrchError | Warned:
        """The finding as messages show it."""
        if self.level == "error":
            return OrchError(self.code, self.message, self.span, help=self.help, notes=self.notes, exit=2)
        return Warned(self.code, self.message, self.span, self.help)


class Findings:
    """The findings of one file. Codes in `silent` are passed over, errors excepted."""

    def __init__(self, silent: Iterable[str] = ()) -> None:
        self._silent = frozenset(silent)
        self._found: dict[tuple[str, int, str, str], Finding] = {}  # place, code and message → finding

    def __iter__(self) -> Iterator[Finding]:
        return (self._found[key] for key in sorted(self._found))

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        help: str | None = None,
        notes: Sequence[Note] = (),
        variable: str | None = None,
    ) -> None:
        """Note a fault. `code` is a code of the error table or a word of `RULES`."""
        level = "error" if code in NAMES else RULES[code].level
        self._keep(Finding(code, level, message, span, help, tuple(notes), variable))

    def error(self, error: OrchError) -> None:
        """Note an error that was raised while reading."""
        self._keep(Finding.of_error(error))

    def _keep(self, finding: Finding) -> None:
        """A template used by several functions is read several times; the same fault counts once."""
        if finding.level == "error" or finding.code not in self._silent:
            place = (finding.span.source.name, finding.span.start) if finding.span else ("", 0)
            self._found.setdefault((*place, finding.code, finding.message), finding)
