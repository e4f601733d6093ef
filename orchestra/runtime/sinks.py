"""Where a script's words go: straight to stdout, or collected into a document that is printed at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from orchestra.errors import OrchError
from orchestra.runtime.files.writer import reason
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
        self._shown = False  # whether the last thing said is a whole line that no prose has followed
        self._end = ""  # the last two characters of what was said
        self._gap = ""  # line ends that count only when something follows
        self.passed = 0  # pieces of live output
        self._midline = False  # live output stopped within a line

    def show(self, text: str) -> None:
        """A line of output; a final newline is added unless there is one."""
        begin = "\n" if self._midline and not self._gap else ""
        self._write(begin + (text if text.endswith("\n") else text + "\n"))
        self._shown = True

    def prose(self, text: str) -> None:
        """Text of a document, from the line end of the statement before it up to the next statement.

        A statement that said something has ended its line. One that did not leaves an empty line, unless there
        is one already or nothing follows.
        """
        text = text.replace("\r\n", "\n")
        if self._shown:
            text = text.removeprefix("\n")
        else:
            words = text.lstrip("\n")
            text = text[len(text) - len(words) - self._room(len(text) - len(words)) :]
        self._shown = False
        if text.strip("\n"):
            self._write(text)
        else:
            self._gap += text

    def _room(self, line_ends: int) -> int:
        """How many of these line ends fit before two of them stand in a row, which is one empty line."""
        said = self._end + self._gap
        return min(line_ends, max(0, 2 - (len(said) - len(said.rstrip("\n")))))

    def result(self, text: str) -> None:
        """The script's own value, without a newline."""
        self._write(text)

    def _write(self, text: str) -> None:
        text, self._gap = self._gap + text, ""
        if not self._begun:
            text = text.lstrip("\n")
            self._begun = bool(text)
        self._end = (self._end + text)[-2:]
        self._pieces.append(text)
        self._midline = False
        if not self._collect:
            self._print(text)

    def _print(self, text: str) -> None:
        """Raises E420 where standard output takes no more; that a reader has left is for the process to say."""
        try:
            self._stdout.write(text)
            self._stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OrchError("E420", f"cannot write to standard output: {reason(error)}", fatal=True) from None

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
        self._shown = text.endswith("\n")

    def end_line(self) -> None:
        """Live output that stopped within a line is ended, lest other live output go on in it."""
        if self._midline:
            self._write("\n")
            self._shown = True

    def document(self) -> str:
        """Everything said so far."""
        return "".join(self._pieces)

    def finish(self, form: Callable[[str], str], write: Callable[[str], None] | None = None) -> None:
        """Print the collected document in a form, and hand it to `write` as well."""
        text = form(normalise(self.document()) if self._tidy and self._collect else self.document())
        if write is not None:
            write(text)
        if self._collect:
            self._print(text)
