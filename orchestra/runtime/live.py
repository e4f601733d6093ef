"""Live output: what commands and models say, shown as they say it, so that it stays readable when several speak.

Whether anything is shown live is decided by whoever starts the command or call.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestra.runtime.lanes import parallel_items
from orchestra.runtime.sinks import Sinks

__all__ = ["Live"]


class Live:
    """What one source says. In a parallel item whole lines are shown, each after the number of the item."""

    def __init__(self, sinks: Sinks) -> None:
        self._sinks = sinks
        items = ".".join(map(str, parallel_items()))
        self._prefix = f"[{items}] " if items else ""
        self._begun = ""  # a line that is not complete yet

    def say(self, text: str) -> None:
        if not self._prefix:
            self._sinks.pass_output(text)
            return
        *lines, self._begun = (self._begun + text).split("\n")
        self._show(lines)

    def close(self) -> None:
        """Shows what is left of a line that waited for its end."""
        if self._begun:
            self._show([self._begun])
            self._begun = ""

    def end_line(self) -> None:
        """What comes next begins a line, whoever says it."""
        self.close()
        self._sinks.end_line()

    def _show(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._sinks.pass_output(f"{self._prefix}{line}\n")
