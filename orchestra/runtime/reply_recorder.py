"""Writes what models answered as recorded replies, so that a run with real models can be played again without them.

The format is that of `providers.replay_cases`. Every call becomes one case, its failed attempts included.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError
from orchestra.providers import ProviderError, Reply, Turn, Usage
from orchestra.providers.replay_cases import Position, first_line, items_of, prompt_hash
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.files import writer
from orchestra.runtime.redact import Redactor

__all__ = ["ReplyRecorder", "recording_file"]

PLACES = ("$POLL", "$DIR")


def recording_file(target: Path, script: str) -> Path:
    """The file itself if it is called so, else one in the folder `target`, named after the script."""
    if target.suffix == ".jsonl":
        return target
    name = script.removesuffix(".md").removesuffix(".mld").replace("/", "-").strip("-.") or "replies"
    return target / f"{name}.jsonl"


@dataclass(slots=True)
class _Taped:
    """What has come of a call so far."""

    turns: list[list[dict[str, Any]]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    answered: bool = False  # whether there was a reply
    failed: bool = False  # whether the last attempt failed


class ReplyRecorder:
    """Adds a line when a call ends. At the end of the run its lines are put in the order of the script.

    What was in the file before, and what other processes add meanwhile, stays in front: a run that was killed and goes
    on adds to its recording, and several runs may record into one file.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._path = path
        self._redactor = redactor
        self._taped: dict[str, _Taped] = {}
        self._cases: list[tuple[Position, dict[str, Any]]] = []
        self._written: list[str] = []
        _complete_lines(path)

    def replied(self, turn: Turn, reply: Reply) -> None:
        taped = self._of(turn.call_id)
        taped.turns.append(_played(reply, turn))
        taped.usage += reply.usage
        taped.answered, taped.failed = True, False

    def failed(self, call_id: str, error: ProviderError) -> None:
        if error.kind == "replay":
            return  # no answer of a model, but the lack of a recorded one
        taped = self._of(call_id)
        taped.turns.append([{"error": _fault(error.kind, error.message, error.retry_after, error.final)}])
        taped.failed = True

    def finished(self, request: LLMRequest, result: LLMResult | None, error: OrchError | None) -> None:
        """The call is over. What an agent program did by itself is known from its result only."""
        taped = self._taped.pop(request.call_id, _Taped())
        if result is not None and not taped.answered:
            taped.turns += _told(result)
            taped.usage = result.usage
        if error is not None and error.code == "E706" and not taped.failed:
            taped.turns.append([{"error": _fault("timeout", error.message, None, True)}])
        if not taped.turns:
            return
        case = {
            "match": _match(request),
            "turns": [parts[0] if len(parts) == 1 else parts for parts in taped.turns],
            "usage": _usage(taped.usage),
            "times": 1,
            "note": first_line(request.prompt),
        }
        case = self._redactor.clean_data(case)
        self._cases.append((request.position, case))
        self._written.append(_line(case))
        writer.append(self._path, self._written[-1])

    def close(self) -> None:
        """Lines of parallel items lie as they ended; sorted, the file does not depend on that."""
        if self._cases:
            _tell_items_apart(self._cases)
            writer.rearrange(self._path, self._arranged)

    def _arranged(self, found: str) -> str:
        """The lines of others as they are, and ours behind them."""
        ours = Counter(self._written)
        others = []
        for line in reversed(found.splitlines(keepends=True)):
            if ours[line]:
                ours[line] -= 1
            else:
                others.append(line)
        lines = [_line(case) for _, case in sorted(self._cases, key=lambda entry: entry[0])]
        return "".join([*reversed(others), *lines])

    def _of(self, call_id: str) -> _Taped:
        return self._taped.setdefault(call_id, _Taped())


def _line(case: dict[str, Any]) -> str:
    return json.dumps(case, ensure_ascii=False) + "\n"


def _tell_items_apart(cases: list[tuple[Position, dict[str, Any]]]) -> None:
    """Where items of one parallel loop asked the same, each gets its own answer again."""
    alike: dict[str, list[tuple[Position, dict[str, Any]]]] = {}
    for position, case in cases:
        alike.setdefault(json.dumps(case["match"]), []).append((position, case))
    for group in alike.values():
        if len(group) > 1 and any(items_of(position) for position, _ in group):
            for position, case in group:
                case["match"]["item"] = items_of(position)


def _complete_lines(path: Path) -> None:
    """Half a line at the end of the file, left by a power cut, is taken off. Raises E420."""
    try:
        whole = not path.exists() or path.read_bytes().endswith(b"\n")
    except OSError as error:
        raise OrchError("E420", f"cannot write {path}: {writer.reason(error)}") from None
    if not whole:
        writer.rearrange(path, lambda text: text[: text.rfind("\n") + 1])


def _match(request: LLMRequest) -> dict[str, Any]:
    named = {"fn": request.fn, "agent": request.agent, "purpose": request.purpose, "model": request.model}
    return {**{key: value for key, value in named.items() if value is not None}, "sha256": prompt_hash(request.prompt)}


def _played(reply: Reply, turn: Turn) -> list[dict[str, Any]]:
    """The parts of a reply that a recorded turn has."""
    parts: list[dict[str, Any]] = []
    for block in reply.content:
        if block.get("type") == "text" and block.get("text"):
            parts.append({"text": block["text"]})
        elif block.get("type") == "tool_use":
            parts.append({"tool": block["name"], **_input(block.get("input"), turn)})
    if reply.stop != ("tool_use" if any("tool" in part for part in parts) else "end_turn") or not parts:
        parts.append({"stop": reply.stop})
    if reply.category is not None:
        parts[-1]["category"] = reply.category
    return parts


def _input(value: Any, turn: Turn) -> dict[str, Any]:
    """The input of a tool with the places of this run replaced, unless it speaks of such names itself."""
    if any(place in json.dumps(value) for place in PLACES):
        return {"input": value, "raw": True}
    return {"input": _placed(value, turn)}


def _placed(value: Any, turn: Turn) -> Any:
    if isinstance(value, str):
        value = value.replace(str(turn.poll), "$POLL") if turn.poll is not None else value
        return value.replace(f"{turn.dir}/", "$DIR/")
    if isinstance(value, list):
        return [_placed(item, turn) for item in value]
    if isinstance(value, dict):
        return {key: _placed(item, turn) for key, item in value.items()}
    return value


def _told(result: LLMResult) -> list[list[dict[str, Any]]]:
    """The turns that lead to a result: the file, if one was written, and a last word."""
    if result.poll is None or not result.poll.written:
        return [[{"text": result.text}]]
    arguments = {"file_path": "$POLL", "content": result.text}
    if any(place in result.text for place in PLACES):
        arguments, raw = {"file_path": str(result.poll.path), "content": result.text}, {"raw": True}
    else:
        raw = {}
    return [[{"tool": "Write", "input": arguments, **raw}], [{"text": "done"}]]


def _fault(kind: str, message: str, retry_after: float | None, final: bool) -> dict[str, Any]:
    fields = {"kind": kind, "message": message, "retry_after": retry_after, "final": final or None}
    return {name: value for name, value in fields.items() if value is not None}


def _usage(usage: Usage) -> dict[str, int]:
    counts = {name: getattr(usage, name) for name in ("input", "output", "cache_write", "cache_read")}
    if usage.cache_write_long:
        counts["cache_write_long"] = usage.cache_write_long
    return {name: count for name, count in counts.items() if count or name in ("input", "output")}
