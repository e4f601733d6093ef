"""The comments of a source, found between its tokens, and which of them are still to be printed.

A comment belongs before a statement, at the end of its line, or at the end of a block; where it stands
elsewhere, the printer keeps the statement as it was written.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

__all__ = ["Comment", "Comments"]

_COMMENT = re.compile(r"(?:>>|<<)[^\n]*")
_EMPTY_LINE = re.compile(r"\n[ \t]*\r?\n[ \t/]*\Z")


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: where it begins, and its text without blanks at the end."""

    start: int
    text: str


@dataclass(slots=True)
class Comments:
    """The comments of `text` that were not printed yet, in order. Without a text there are none."""

    text: str = ""
    left: list[Comment] = field(default_factory=list)

    @classmethod
    def between(cls, text: str, marks: list[int], start: int) -> Comments:
        """Those outside the tokens whose starts and ends are `marks`, from `start` on."""
        found: list[Comment] = []
        tokens = sorted(zip(marks[::2], marks[1::2], strict=True))
        for token_start, token_end in [*tokens, (len(text), len(text))]:
            for match in _COMMENT.finditer(text, start, max(start, token_start)):
                found.append(Comment(match.start(), match.group().rstrip()))
            start = max(start, token_end)
        return cls(text, found)

    def take(self, start: int, end: int) -> list[Comment]:
        """Those in a stretch of the text; they are not given twice."""
        first, last = self._place(start), self._place(end)
        taken = self.left[first:last]
        del self.left[first:last]
        return taken

    def behind(self, offset: int) -> list[Comment]:
        """The comment that follows on the same line, with nothing but blanks and semicolons between."""
        first = self._place(offset)
        start = self.left[first].start if first < len(self.left) else -1
        if start < 0 or self.text[offset:start].strip(" \t;"):
            return []
        return self.take(offset, start + 1)

    def gap(self, offset: int) -> bool:
        """Whether an empty line stands directly before an offset."""
        return _EMPTY_LINE.search(self.text, max(0, offset - 400), offset) is not None

    def _place(self, offset: int) -> int:
        return bisect_left(self.left, offset, key=lambda comment: comment.start)
