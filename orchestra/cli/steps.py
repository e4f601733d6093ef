"""`--trace plain`: a line for each step of a run as it happens, to be read by people or kept in a file.

What a step is, the bus of the run knows; the times of sessions afterwards are shown by `asked`.
"""

from __future__ import annotations

from typing import Any, Final, TextIO

from orchestra.cli.tally import clock
from orchestra.events import Event

__all__ = ["Steps"]

ENDED: Final = {"ok": "answered", "failed": "failed", "stopped": "stopped"}


class Steps:
    """Phases, calls, decisions, changes of a text, files and gates."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        line = step(event.kind, event.data)
        if line is not None:
            self._stream.write(line + "\n")


def step(kind: str, data: dict[str, Any]) -> str | None:
    """An event as a line; None if it is no step."""
    match kind:
        case "phase":
            return f"phase {data['name']}"
        case "call:end":
            return f"@{data['fn']} → {ENDED[data['status']]}, {clock(data['ms'] / 1000)}"
        case "call:hit":
            return f"@{data['fn']} → from the store"
        case "predicate":
            return decision(data)
        case "transform":
            return f"{data['how']} at {data['site']}: {data['before']} → {data['after']} tokens"
        case "write":
            return f"wrote {data['path']}"
        case "gate":
            return f"gate {data['name']} waits"
    return None


def decision(data: dict[str, Any]) -> str:
    """What was asked in words, and what came of it."""
    asked = f"{data['role']} **{data['text']}**".lstrip()
    return f"{asked} → {data['value']} ({data['evidence']})"
