"""Recorded answers as they stand in `.jsonl` files: one case a line, tried in order.

Which call gets which case is decided here; playing the turns of a case is the business of `replay`.

    {"match": {"fn": "grade", "model": "haiku", "contains": ["essay 7"], "nth": 1},
     "turns": [{"tool": "Write", "input": {"file_path": "$POLL", "content": "…"}}, {"text": "stored"}],
     "usage": {"input": 90, "output": 12}, "times": 1, "delay": 2.5}

All keys of `match` must hold; `sha256` is that of the prompt, `item` the numbers of the parallel items around the call,
`nth` counts how often the other keys held, `times` how often the case has answered. Items of a parallel loop do not
count each other's calls, so that an answer never depends on which of them was faster: a call counts only those that
were certainly made before it.
`note` is for whoever reads the file. `reply` (text, or data that is written as JSON) stands for one turn of text,
`error` for a turn that fails.
A turn may be a list of objects where the model says or asks several things at once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.providers.protocol import STOPS, Turn, Usage

__all__ = ["Case", "Cases", "Played", "Position", "first_line", "items_of", "load_cases", "prompt_hash"]

KEYS = {"match", "turns", "reply", "error", "usage", "times", "delay", "note"}
TEXT_KEYS = ("fn", "agent", "purpose", "model", "sha256")
MATCH_KEYS = {*TEXT_KEYS, "contains", "nth", "item"}
USAGE_KEYS = {"input", "output", "cache_write", "cache_read", "cache_write_long"}
TURN_KEYS = {"text", "tool", "input", "raw", "stop", "category", "error"}

Played = list[dict[str, Any]]


def prompt_hash(prompt: str) -> str:
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


Position = tuple[int, ...]


def apart(one: Position, other: Position) -> bool:
    """Whether two positions lie in different items of one parallel loop, so that either may come first."""
    for depth, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return depth % 2 == 1
    return False


def first_line(prompt: str) -> str:
    """What a person recognises a prompt by: its first line with text, shortened."""
    line = next((line.strip() for line in prompt.splitlines() if line.strip()), "")
    return line if len(line) <= 80 else line[:79] + "…"


def items_of(position: Position) -> list[int]:
    """The numbers of the items of parallel loops around a position, the outermost first, from 0."""
    return list(position[1::2])


@dataclass(slots=True)
class Case:
    """One line. `turns` holds the blocks of each turn; `seen` and `used` are the positions of calls so far."""

    where: str
    match: dict[str, Any]
    turns: list[Played]
    usage: Usage | None
    times: int | None
    delay: float
    seen: list[Position] = field(default_factory=list)
    used: list[Position] = field(default_factory=list)

    def misses(self, turn: Turn) -> list[str]:
        """What keeps this case from answering, `nth` and `times` apart."""
        match, found = self.match, []
        for key in ("fn", "agent", "purpose"):
            if match.get(key) not in (None, getattr(turn, key)):
                found.append(f'{key} is {_quoted(getattr(turn, key))}, not "{match[key]}"')
        if match.get("model") not in (None, turn.asked, turn.model):
            found.append(f'model is "{turn.asked}", not "{match["model"]}"')
        found += [f'the prompt does not contain "{text}"' for text in self._texts() if text not in turn.prompt]
        if match.get("sha256") not in (None, prompt_hash(turn.prompt)):
            found.append("sha256 differs")
        if match.get("item") not in (None, items := items_of(turn.position)):
            found.append(f"item is {items}, not {match['item']}")
        return found

    def refusal(self, position: Position) -> str | None:
        """Why a case whose other keys hold does not answer this time."""
        nth, seen = self.match.get("nth"), _before(self.seen, position) if "nth" in self.match else 0
        if nth is not None and nth != seen:
            return f"it answers call {nth}, this is call {seen}"
        if self.times is not None and (used := _before(self.used, position)) >= self.times:
            return f"it has answered {used} times already"
        return None

    def _texts(self) -> list[str]:
        texts = self.match.get("contains", [])
        return [texts] if isinstance(texts, str) else texts


def _before(calls: list[Position], position: Position) -> int:
    """How many of the calls were not made by another item of a parallel loop around this one."""
    return sum(not apart(call, position) for call in calls)


def _quoted(value: str | None) -> str:
    return "not given" if value is None else f'"{value}"'


class Cases:
    """All cases of a run, in the order of files and lines."""

    def __init__(self, cases: list[Case]) -> None:
        self._cases = cases

    def choose(self, turn: Turn) -> Case | None:
        """The first case that answers. Every case whose keys hold counts the call, whichever answers it."""
        fitting = [case for case in self._cases if not case.misses(turn)]
        for case in fitting:
            case.seen.append(turn.position)
        for case in fitting:
            if case.refusal(turn.position) is None:
                case.used.append(turn.position)
                return case
        return None

    def closest(self, turn: Turn) -> str | None:
        """The case that nearly answered and what kept it from doing so, as one line."""
        if not self._cases:
            return None
        case = min(self._cases, key=lambda case: len(case.misses(turn)))
        why = case.misses(turn) or [case.refusal(turn.position) or "it has answered already"]
        return f"{case.where}: {', '.join(why)}"

    def models(self) -> list[str]:
        """The models that the cases name, in order."""
        return list(dict.fromkeys(case.match["model"] for case in self._cases if "model" in case.match))

    def unused(self) -> list[str]:
        """The places of cases that answered nothing."""
        return [case.where for case in self._cases if not case.used]


def load_cases(path: Path, unseen: frozenset[str] = frozenset()) -> Cases:
    """The cases of one file, or of all `*.jsonl` files of a folder by name. Raises E401 and E812.

    unseen: keys of `match` that cannot be compared where the answers are given, and are passed over
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    try:
        texts = [(file.name, file.read_text(encoding="utf-8")) for file in files]
    except OSError as error:
        raise OrchError("E401", f"recorded answers cannot be read: {path.name}: {error.strerror}") from None
    return Cases(
        [
            _read_case(line, f"{name}:{number}", unseen)
            for name, text in texts
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip()
        ]
    )


def _read_case(line: str, where: str, unseen: frozenset[str]) -> Case:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise _wrong(where, f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise _wrong(where, "a case is an object")
    _check_keys(data, KEYS, where)
    match = data.get("match", {})
    if not isinstance(match, dict):
        raise _wrong(where, '"match" must be an object')
    _check_match(match, where)
    return Case(
        where,
        {key: value for key, value in match.items() if key not in unseen},
        _turns(data, where),
        _usage(data.get("usage"), where),
        _count(data.get("times"), where, "times"),
        _seconds(data.get("delay", 0), where),
    )


def _check_match(match: dict[str, Any], where: str) -> None:
    _check_keys(match, MATCH_KEYS, where)
    for key in TEXT_KEYS:
        if not isinstance(match.get(key, ""), str):
            raise _wrong(where, f'"{key}" must be text')
    _count(match.get("nth"), where, "nth")
    items = match.get("item", [])
    if not (isinstance(items, list) and all(type(number) is int for number in items)):
        raise _wrong(where, '"item" must be a list of whole numbers')
    texts = match.get("contains", [])
    if not isinstance(texts, str) and not (isinstance(texts, list) and all(isinstance(t, str) for t in texts)):
        raise _wrong(where, '"contains" must be text or a list of texts')


def _turns(data: dict[str, Any], where: str) -> list[Played]:
    given = [key for key in ("turns", "reply", "error") if key in data]
    if len(given) != 1:
        raise _wrong(where, 'exactly one of "turns", "reply" and "error" is needed')
    if given == ["reply"]:
        reply = data["reply"]
        return [[{"text": reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)}]]
    if given == ["error"]:
        return [[{"error": data["error"]}]]
    if not isinstance(data["turns"], list) or not data["turns"]:
        raise _wrong(where, '"turns" must be a list with at least one turn')
    return [_turn(turn, where) for turn in data["turns"]]


def _turn(turn: object, where: str) -> Played:
    parts: list[Any] = turn if isinstance(turn, list) else [turn]
    for part in parts:
        if not isinstance(part, dict) or not part:
            raise _wrong(where, "a turn is an object or a list of objects")
        _check_keys(part, TURN_KEYS, where)
        if not all(isinstance(part.get(key, ""), str) for key in ("text", "tool", "stop", "category")):
            raise _wrong(where, '"text", "tool" and "stop" must be text')
        if part.get("stop", "end_turn") not in STOPS:
            raise _wrong(where, f'unknown stop "{part["stop"]}"')
    return parts


def _check_keys(data: dict[str, Any], known: set[str], where: str) -> None:
    for key in data:
        if key not in known:
            close = nearest(key, known)
            raise _wrong(where, f'unknown key "{key}"', f'write "{close}"' if close else None)


def _usage(usage: object, where: str) -> Usage | None:
    if usage is None:
        return None
    if not isinstance(usage, dict) or not USAGE_KEYS.issuperset(usage):
        raise _wrong(where, '"usage" holds input, output, cache_write and cache_read')
    if not all(type(count) is int and count >= 0 for count in usage.values()):
        raise _wrong(where, '"usage" must hold whole numbers')
    return Usage(**usage)


def _count(value: object, where: str, key: str) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise _wrong(where, f'"{key}" must be a whole number from 1')
    return value


def _seconds(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _wrong(where, '"delay" must be a number of seconds')
    return float(value)


def _wrong(where: str, what: str, help: str | None = None) -> OrchError:
    return OrchError("E812", f"{where}: {what}", help=help, exit=2)
