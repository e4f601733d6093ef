"""Where the parser stopped: the token it cannot take, and what is open around it.

Knows Lark's parser state and nothing of advice, which `pattern` and its tables give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orchestra.scan.expected import Expected
from orchestra.scan.words import DIRECTIVES
from orchestra.source import Source, Span

__all__ = ["Fault", "fault_of"]

# Opening token → what one is inside of; a body that belongs to `when` holds arms instead of statements.
OPENERS: Final = {
    "_LBODY": "block",
    "_LBLOCK": "block",
    "_LSQB": "list",
    "_LINDEX": "index",
    "_LBRACE": "object",
    "_LPAR": "parentheses",
    "_LCALL": "call",
}
CLOSERS: Final = frozenset({"_RSQB", "_RBRACE", "_RPAR"})
# Keywords that say which construct is being read; the nearest one is the host of the fault.
HOSTS: Final = frozenset({
    "_VAR", "_LET", "_EXE", "_SHOW", "_LOG", "_OUTPUT", "_APPEND", "_RUN", "_FILE", "_BAIL", "_THROW",
    "_IMPORT", "_EXPORT", "_IF", "_WHEN", "_TRY", "_FOR", "_FOREACH", "_LOOP", "_DONE", "_CONTINUE", "_ARROW",
    "_HOOK", "_CHECKPOINT",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One token that does not fit.

    kind:     its terminal; `$END` at the end of the script, `_NL` at the end of a statement
    before:   the text of its line up to it
    inside:   `top`, `block`, `arms`, `list`, `index`, `object`, `parentheses` or `call`
    opener:   offset of the innermost open bracket, None at the top level
    text:     offset of the quote that opens a text of several lines which ends right before the token
    host:     the terminal of the nearest keyword on this side of that bracket, or ""
    expected: asks for a terminal whether it would have been taken
    """

    source: Source
    kind: str
    start: int
    end: int
    before: str
    inside: str
    opener: int | None
    text: int | None
    host: str
    expected: Expected

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    @property
    def word(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def at_end(self) -> bool:
        """Whether the fault is that nothing more comes, on this line or at all."""
        return self.kind in ("$END", "_NL")

    @property
    def at_line_start(self) -> bool:
        return not self.before.strip().removeprefix("/")


def fault_of(source: Source, error: Any) -> Fault:
    """The fault behind Lark's `UnexpectedToken`."""
    token, state = error.token, error.state
    expected = Expected(state.parse_conf.states, state.state_stack)
    tokens = [(str(part.type), part.start_pos) for part in state.value_stack if hasattr(part, "type")]
    depth = _innermost(tokens)
    inside, opener = _opened(tokens, depth)
    host = next((kind for kind, _ in reversed(tokens[depth + 1 :]) if kind in HOSTS), "")
    kind = "_NL" if opener is None and _breaks_off(source, token, expected) else str(token.type)
    start, end = _place(source, token, kind)
    before = source.text[source.text.rfind("\n", 0, start) + 1 : start]
    text = _long_text(source, tokens, start)
    return Fault(source, kind, start, end, before, inside, opener, text, host, expected)


def _breaks_off(source: Source, token: Any, expected: Expected) -> bool:
    """Whether the next line begins a statement while this one is not complete."""
    line = source.text.rfind("\n", 0, token.start_pos) + 1
    alone = line > 0 and not source.text[line : token.start_pos].strip()
    return alone and str(token) in DIRECTIVES and "_VAR" not in expected


def _place(source: Source, token: Any, kind: str) -> tuple[int, int]:
    """Offsets of the token; what is missing at an end is missing right after the last text."""
    if kind in ("$END", "_NL"):
        limit = len(source.text) if kind == "$END" else token.start_pos
        end = len(source.text[:limit].rstrip())
        return end, end
    return token.start_pos, token.end_pos


def _innermost(tokens: list[tuple[str, int]]) -> int:
    """Index of the last bracket that is still open, or -1; closed pairs may not have been reduced yet."""
    closed = 0
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at][0] in CLOSERS:
            closed += 1
        elif tokens[at][0] in OPENERS:
            if not closed:
                return at
            closed -= 1
    return -1


def _long_text(source: Source, tokens: list[tuple[str, int]], start: int) -> int | None:
    """Where a quoted text opens that the parser has just read, if it goes over several lines."""
    if not tokens or tokens[-1][0] != "_TPL_CLOSE":
        return None
    opened = next(at for kind, at in reversed(tokens) if kind == "TPL_OPEN")
    closed = tokens[-1][1]
    runs_on = "\n" in source.text[opened:closed] and "\n" not in source.text[closed:start]
    return opened if runs_on and source.text[opened] in "\"'" else None


def _opened(tokens: list[tuple[str, int]], depth: int) -> tuple[str, int | None]:
    """What the bracket at `depth` opens, and its offset."""
    if depth < 0:
        return "top", None
    kind, start = tokens[depth]
    host = next((kind for kind, _ in reversed(tokens[:depth]) if kind in HOSTS or kind in OPENERS), "")
    return ("arms" if kind == "_LBODY" and host == "_WHEN" else OPENERS[kind]), start
