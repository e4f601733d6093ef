"""Tells the bus what happens in one call, without secrets: also without those that arrive in pieces.

What a secret looks like is known by `redact`; who listens is for the run to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestra.runtime.redact import PieceByPiece, Redactor

__all__ = ["Teller"]

PIECES = ("llm:text", "llm:thinking")


class Teller:
    """The way from a call to the bus. A piece of text is held back while a secret may begin at its end.

    steps: single steps are told too, for those who look for a fault
    """

    def __init__(
        self, call_id: str, fn: str, redactor: Redactor, told: Callable[[str, dict[str, Any]], None], *, steps: bool
    ) -> None:
        self._whose = {"call_id": call_id, "fn": fn}
        self._redactor = redactor
        self._told = told
        self._steps = steps
        self._held = {kind: PieceByPiece(redactor) for kind in PIECES}

    def __call__(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "llm:step" and not self._steps:
            return
        for other, held in self._held.items():
            if other != kind:
                self._pass_on(other, held.rest())
        if kind in PIECES:
            self._pass_on(kind, self._held[kind].feed(data["text"]))
        else:
            self._told(kind, self._redactor.clean_data({**self._whose, **data}))

    def _pass_on(self, kind: str, text: str) -> None:
        if text:
            self._told(kind, {**self._whose, "text": text})
