"""Source texts and places in them. Nothing here knows the language; `errors` draws what is found here."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

__all__ = ["Source", "Span"]


class Source:
    """A text that was read from somewhere: a script, a template, a `-e` argument.

    `name` is what messages show, `path` the absolute file (None for text that lies in no file).
    """

    __slots__ = ("_starts", "name", "path", "text")

    def __init__(self, name: str, text: str, path: Path | None = None) -> None:
        self.name = name
        self.text = text
        self.path = path
        self._starts: list[int] | None = None

    def __reduce__(self) -> tuple[type[Source], tuple[str, str, Path | None]]:
        return Source, (self.name, self.text, self.path)

    @property
    def directory(self) -> Path | None:
        return self.path.parent if self.path else None

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both from 1."""
        starts = self._line_starts()
        line = bisect_right(starts, offset) or 1
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1) without its end, or "" past the last line."""
        starts = self._line_starts()
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r\n")

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = [0]
            position = self.text.find("\n")
            while position >= 0:
                self._starts.append(position + 1)
                position = self.text.find("\n", position + 1)
        return self._starts


class Span:
    """A stretch of a source, `start` and `end` as character offsets. Line and column are computed when shown."""

    __slots__ = ("end", "source", "start")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.end = end

    def __reduce__(self) -> tuple[type[Span], tuple[Source, int, int]]:
        return Span, (self.source, self.start, self.end)

    def __repr__(self) -> str:
        return f"Span({self.where})"

    @property
    def line(self) -> int:
        return self.source.place(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.place(self.start)[1]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def where(self) -> str:
        line, column = self.source.place(self.start)
        return f"{self.source.name}:{line}:{column}"

    def to(self, other: Span) -> Span:
        """From the start of this one to the end of the other."""
        return Span(self.source, self.start, other.end)
