"""Where the output of a command goes while it runs: complaints to stderr, and words to stdout if they are wanted.

What it printed in all is collected in `commands` and `code`.
"""

from __future__ import annotations

from typing import Any

from orchestra.runtime.live import Live
from orchestra.runtime.redact import PieceByPiece, Redactor
from orchestra.runtime.sinks import Sinks
from orchestra.runtime.stream_formats import stream_format

__all__ = ["CommandOutput"]


class CommandOutput:
    """stderr passes through as it comes, without secrets; stdout only when the script streams.

    form: what of the live output is shown, see `stream_formats`; None for all of it
    Raises E206 for a form that is none.
    """

    def __init__(self, sinks: Sinks, redactor: Redactor, streams: bool, form: Any) -> None:
        self._sinks = sinks
        self._errors = PieceByPiece(redactor)
        self._live = Live(sinks)
        self._streams = streams
        self._format = stream_format(form, self._live.say) if streams and form is not None else None

    def take(self, stream: str, text: str) -> None:
        if stream == "stderr":
            self._sinks.pass_error(self._errors.feed(text))
        elif self._format is not None:
            self._format.feed(text)
        elif self._streams:
            self._live.say(text)

    def close(self) -> None:
        """No more will come."""
        if rest := self._errors.rest():
            self._sinks.pass_error(rest)
        if self._format is not None:
            self._format.close()
            self._live.end_line()
        self._live.close()
