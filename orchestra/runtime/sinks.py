"""Where a script's words go: straight to stdout, or collected into a document that is printed at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from orchestra.values.transformers.markdown import normalise

__all__ = ["Sinks"]


class Sinks:
    """Shown text and prose in order. `collect` keeps everything until `finish`; `tidy` then normalises it."""

    def __init__(self, stdout: TextIO, stderr: TextIO, *, collect: bool, tidy: bool) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self.collects = self._collect = collect
        self._tidy = tidy
        self._pieces: list[str] = []
        self._begun = False
        self._shown = False  # since the last prose
        self.passed = 0  # pieces of live output
        self._midline = False  # live output stopped within a line

    def show(self, text: str) -> None:
        """A line of output; a final newline is added unless there is one."""
        begin = "\n" if self._midline else ""
        self._write(begin + (text if text.endswith("\n") else text + "\n"))
        self._shown = True

    def prose(self, text: str) -> None:
        """Text of a document. The line end after a directive counts only if the directive said nothing."""
        if self._shown and text.startswith("\n"):
            text = text[1:]
        elif text == "\n" and self._pieces and self._pieces[-1].endswith("\n\n"):
            text = ""
        self._shown = False
        self._write(text)

    def result(self, text: str) -> None:
        """The script's own value, without a newline."""
        self._write(text)

    def _write(self, text: str) -> None:
        if not self._begun:
            text = text.lstrip("\n")
            self._begun = bool(text)
        self._pieces.append(text)
        self._midline = False
        if not self._collect:
            self._stdout.write(text)
            self._stdout.flush()

    def error_line(self, text: str) -> None:
        self._stderr.write(text if text.endswith("\n") else text + "\n")
        self._stderr.flush()

    def pass_error(self, text: str) -> None:
        """What a command writes to stderr, as it comes."""
        self._stderr.write(text)
        self._stderr.flush()

    def pass_output(self, text: str) -> None:
        """Live output of a command, as it comes."""
        self.passed += 1
        self._write(text)
        self._midline = not text.endswith("\n")

    def document(self) -> str:
        """Everything said so far."""
        return "".join(self._pieces)

    def finish(self, write: Callable[[str], None] | None = None) -> None:
        """Print the collected document, or hand it to `write`."""
        text = normalise(self.document()) if self._tidy and self._collect else self.document()
        if write is not None:
            write(text)
        if self._collect:
            self._stdout.write(text)
            self._stdout.flush()
