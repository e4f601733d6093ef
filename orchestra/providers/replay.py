"""A model that answers from recorded cases, so that scripts can be tried and tested offline.

The format of the cases is described in `replay_cases`; tools are run for real, by the loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from orchestra.errors import OrchError
from orchestra.providers.faults import ProviderError, fault
from orchestra.providers.protocol import (
    Block,
    Caps,
    Event,
    Reply,
    Stop,
    Surroundings,
    Turn,
    Usage,
    estimated_usage,
    once,
)
from orchestra.providers.replay_cases import Case, Cases, Played, first_line, load_cases, prompt_hash

__all__ = ["ReplayModel", "open_model"]


def open_model(name: str, settings: Mapping[str, Any], around: Surroundings) -> ReplayModel:
    """The provider `name`, from its table: `path` is a file or a folder, relative to the project root."""
    path = settings.get("path")
    if not isinstance(path, str):
        raise OrchError("E812", f'provider "{name}" needs a path', help='path = "replies.jsonl"')
    return ReplayModel(name, load_cases(around.root / path))


@dataclass(slots=True)
class _Playing:
    """How far a call has come in its case."""

    case: Case
    position: int = 0
    counted: bool = False  # whether the usage of the case has been told


class ReplayModel:
    """Plays the turns of the case that fits a call's first prompt; later turns of the call go on in it.

    After the last turn of a case the model repeats its last text: it has nothing else to say when it is asked
    again. A failed turn ends the case, so that the next attempt chooses anew.
    """

    caps = Caps()

    def __init__(self, name: str, cases: Cases) -> None:
        self.name = name
        self._cases = cases
        self._playing: dict[str, _Playing] = {}

    @asynccontextmanager
    async def turn(self, turn: Turn) -> AsyncIterator[AsyncIterator[Event]]:
        delay = self.begin(turn)
        if delay is not None:
            await trio.sleep(delay)
        yield once(self.reply(turn))

    async def models(self) -> list[str]:
        """The models that the cases name."""
        return self._cases.models()

    async def close(self) -> None:
        """There is nothing to give back."""

    def unused(self) -> list[str]:
        """The places of cases that answered nothing, such as `replies.jsonl:3`."""
        return self._cases.unused()

    def begin(self, turn: Turn) -> float | None:
        """Choose the case of a new call and give its delay in seconds; None for a call that goes on."""
        if turn.call_id in self._playing:
            return None
        case = self._cases.choose(turn)
        if case is None:
            raise _miss(turn, self._cases.closest(turn))
        self._playing[turn.call_id] = _Playing(case)
        return case.delay

    def reply(self, turn: Turn) -> Reply:
        """The next reply of a call that has begun. Raises ProviderError where the case says so."""
        playing = self._playing[turn.call_id]
        case, position = playing.case, playing.position
        playing.position += 1
        played = case.turns[position] if position < len(case.turns) else _last_words(case)
        for part in played:
            if "error" in part:
                if position + 1 >= len(case.turns):
                    del self._playing[turn.call_id]
                raise fault(part["error"], self.name)
        content = [block for number, part in enumerate(played) for block in _blocks(part, turn, position, number)]
        usage = Usage() if playing.counted else case.usage or estimated_usage(turn.messages, content)
        playing.counted = True
        return Reply(content, _stop(played), usage, turn.model, category=_category(played))


def _last_words(case: Case) -> Played:
    for played in reversed(case.turns):
        if any("text" in part for part in played):
            return [part for part in played if "text" in part]
    return []


def _blocks(part: dict[str, Any], turn: Turn, position: int, number: int) -> list[Block]:
    blocks: list[Block] = []
    if part.get("text"):
        blocks.append({"type": "text", "text": part["text"]})
    if "tool" in part:
        call_id = f"replay-{position + 1}-{number + 1}"
        given = part.get("input", {})
        arguments = given if part.get("raw") else _expand(given, turn)
        blocks.append({"type": "tool_use", "id": call_id, "name": part["tool"], "input": arguments})
    return blocks


def _stop(played: Played) -> Stop:
    for part in played:
        if "stop" in part:
            stop: Stop = part["stop"]
            return stop
    return "tool_use" if any("tool" in part for part in played) else "end_turn"


def _category(played: Played) -> str | None:
    return next((part["category"] for part in played if "category" in part), None)


def _expand(value: Any, turn: Turn) -> Any:
    """`$POLL` and `$DIR` in the texts of a tool's input."""
    if isinstance(value, str):
        return value.replace("$POLL", _shown(turn.poll)).replace("$DIR", str(turn.dir))
    if isinstance(value, list):
        return [_expand(item, turn) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item, turn) for key, item in value.items()}
    return value


def _shown(poll: Path | None) -> str:
    return "" if poll is None else str(poll)


def _miss(turn: Turn, closest: str | None) -> ProviderError:
    return ProviderError(
        "replay",
        f'no recorded answer for @{turn.fn} with model {turn.asked} and the prompt "{first_line(turn.prompt)}"',
        notes=(
            f"the closest is {closest}" if closest else "there are no recorded answers",
            f"the sha256 of the prompt is {prompt_hash(turn.prompt)}",
        ),
    )
