"""Reads what the program `claude` prints: one JSON object a line, the last of which is the result.

Lines that are none of its own are passed over here; whether the end is a fault is decided in `claude_cli`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orchestra.providers.agents import AgentEvent, Returned, ToolAnswer
from orchestra.providers.faults import Kind, ProviderError, classify_text
from orchestra.providers.protocol import TextDelta, ThinkingDelta, ToolCall, Usage

__all__ = ["ClaudeStream"]

Data = dict[str, Any]

# How the subtypes of a result that are no faults are called among us.
ENDINGS = {"error_max_turns": "turns", "error_max_budget_usd": "cost"}
CUT = ("max_tokens", "refusal")
TOO_LONG = "prompt is too long"


class ClaudeStream:
    """The state of one errand as its lines tell it.

    noise: lines that are no JSON, such as the words of a crash
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._usages: dict[str, Usage] = {}  # by message: each part of a message repeats what all of it used
        self._said = ""
        self._pieces = False  # whether texts come in pieces, before the message that repeats them
        self.session: str | None = None
        self.noise: list[str] = []
        self.returned: Returned | None = None
        self.fault: ProviderError | None = None

    def read(self, line: str) -> Iterator[AgentEvent]:
        """What a line says happened. A result is kept in `returned` or `fault`."""
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            self.noise.append(line)
            return
        session = data.get("session_id")
        self.session = session if isinstance(session, str) else self.session
        match data.get("type"):
            case "assistant" if data.get("parent_tool_use_id") is None:
                yield from self._message(_object(data.get("message")))
            case "user":
                yield from _answers(_object(data.get("message")))
            case "stream_event" if data.get("parent_tool_use_id") is None:
                yield from self._piece(_object(_object(data.get("event")).get("delta")))
            case "result":
                self._finish(data)

    def broken_off(self) -> Returned:
        """The end of an errand that was stopped when its file was there: what is known without a result."""
        usage = sum(self._usages.values(), Usage())
        return Returned(self._said, "end_turn", usage, None, len(self._usages), self.session)

    def _message(self, message: Data) -> Iterator[AgentEvent]:
        self._usages[str(message.get("id", len(self._usages)))] = _usage(message.get("usage"))
        for block in _blocks(message):
            match block.get("type"):
                case "text":
                    self._said = str(block.get("text", ""))
                    if not self._pieces:
                        yield TextDelta(self._said)
                case "thinking" if not self._pieces:
                    yield ThinkingDelta(str(block.get("thinking", "")))
                case "tool_use":
                    yield ToolCall(str(block.get("id")), str(block.get("name")), block.get("input"))

    def _piece(self, delta: Data) -> Iterator[AgentEvent]:
        if isinstance(delta.get("text"), str):
            self._pieces = True
            yield TextDelta(delta["text"])
        elif isinstance(delta.get("thinking"), str):
            self._pieces = True
            yield ThinkingDelta(delta["thinking"])

    def _finish(self, data: Data) -> None:
        text = _result_text(data)
        stop = _stop(data, text)
        if stop is None:
            told = text.strip() or "; ".join(map(str, data.get("errors", ()))) or str(data.get("subtype"))
            self.fault = ProviderError(_kind(told), f"{self._program}: {told}", help=_advice(told))
            return
        cost, turns = data.get("total_cost_usd"), data.get("num_turns")
        self.returned = Returned(
            text,
            stop,
            _usage(data.get("usage")) if "usage" in data else sum(self._usages.values(), Usage()),
            float(cost) if isinstance(cost, int | float) else None,
            turns if isinstance(turns, int) else max(1, len(self._usages)),
            self.session,
        )


def _result_text(data: Data) -> str:
    structured = data.get("structured_output")
    if structured is not None:
        return json.dumps(structured, ensure_ascii=False)
    result = data.get("result")
    return result if isinstance(result, str) else ""


def _stop(data: Data, text: str) -> Any:
    """How the errand ended, None if it failed."""
    subtype = data.get("subtype")
    if subtype in ENDINGS:
        return ENDINGS[subtype]
    if data.get("is_error") or subtype != "success":
        return "model_context_window_exceeded" if TOO_LONG in text.lower() else None
    return reason if (reason := data.get("stop_reason")) in CUT else "end_turn"


def _kind(told: str) -> Kind:
    return classify_text(told) or "broken"


def _advice(told: str) -> str | None:
    return "run claude and log in, or set ANTHROPIC_API_KEY" if _kind(told) == "auth" else None


def _answers(message: Data) -> Iterator[AgentEvent]:
    for block in _blocks(message):
        if block.get("type") == "tool_result":
            yield ToolAnswer(str(block.get("tool_use_id")), _plain(block.get("content")), bool(block.get("is_error")))


def _plain(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return content if isinstance(content, str) else ""


def _usage(data: Any) -> Usage:
    told = _object(data)
    return Usage(
        _count(told, "input_tokens"),
        _count(told, "output_tokens"),
        _count(told, "cache_creation_input_tokens"),
        _count(told, "cache_read_input_tokens"),
        _count(_object(told.get("cache_creation")), "ephemeral_1h_input_tokens"),
    )


def _count(data: Data, name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0


def _object(value: Any) -> Data:
    return value if isinstance(value, dict) else {}


def _blocks(message: Data) -> list[Data]:
    content = message.get("content")
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
