"""What models say, on its way from the agent: to the bus, and live to standard output where the script streams.

Secrets have been taken out before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestra.runtime.live import Live
from orchestra.runtime.sinks import Sinks

__all__ = ["ModelTalk"]

LINE_ENDS = ("llm:tool_call", "llm:retry", "llm:end")  # after which the model begins anew


class ModelTalk:
    """Takes the events of all calls of a run. Each call speaks for itself, also when several do at a time."""

    def __init__(self, sinks: Sinks, event: Callable[..., None], shows: Callable[[], bool]) -> None:
        self._sinks = sinks
        self._event = event
        self._shows = shows
        self._speaking: dict[str, Live] = {}

    def __call__(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "llm:text" and self._shows():
            self._voice(data["call_id"]).say(data["text"])
        elif kind in LINE_ENDS and (live := self._speaking.pop(data["call_id"], None)):
            live.end_line()
        elif kind == "llm:step":
            self._sinks.error_line(f"{data['call_id']} @{data['fn']}: {data['text']}")
        elif kind == "llm:note":
            self._sinks.error_line(data["text"])
        self._event(kind, **data)

    def _voice(self, call_id: str) -> Live:
        if call_id not in self._speaking:
            self._speaking[call_id] = Live(self._sinks)
        return self._speaking[call_id]
