"""The settings of a model call as a script writes them: every key, and the check of its value.

Which of them a function takes, and in which style, is decided in `claude_arguments`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.runtime.tools.specs import ToolSet, parse_tools
from orchestra.values.tagged import MISSING

__all__ = [
    "LINE_KEYS",
    "READERS",
    "SAMPLING",
    "SESSIONS",
    "as_scalar",
    "as_text",
    "kind_of",
    "unread",
    "without_sessions",
    "wrong",
]

DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)")
UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def as_text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(f"{key} must be text, not {kind_of(value)}")
    return value


def as_scalar(key: str, value: Any) -> str:
    if isinstance(value, dict | list | None.__class__):
        raise wrong(f"{key} must be text or a number, not {kind_of(value)}")
    return str(value)


def _path(key: str, value: Any) -> Path:
    if not as_text(key, value).strip():
        raise wrong(f"{key} is empty")
    return Path(value)


def _optional_path(key: str, value: Any) -> Path | None:
    """Wrappers hand an empty path on where they have none."""
    return _path(key, value) if value != "" else None


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(f"{key} must be true or false, not {kind_of(value)}")
    return value


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise wrong(f"{key} must be a number from 0, not {kind_of(value)}")
    return float(value)


def _count(least: int) -> Callable[[str, Any], int]:
    def read(key: str, value: Any) -> int:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not float(value).is_integer() or value < least:
            raise wrong(f"{key} must be a whole number from {least}, not {kind_of(value)}")
        return int(value)

    return read


def _seconds(key: str, value: Any) -> float:
    seconds = _duration(key, value) if isinstance(value, str) else _number(key, value)
    if seconds <= 0:
        raise wrong(f"{key} must be more than 0")
    return seconds


def _duration(key: str, text: str) -> float:
    parts = DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise wrong(f'{key} must be seconds or a duration such as "20m", not "{text}"')
    return sum(float(number) * UNITS[unit] for number, unit in parts)


def _schema(key: str, value: Any) -> dict[str, Any] | str:
    if not isinstance(value, dict | str):
        raise wrong(f"{key} must be an object or the path of a file, not {kind_of(value)}")
    return value


# Of a provider that a call describes. Its key cannot be told here: it would stand in the script.
ENDPOINT: dict[str, Callable[[str, Any], Any]] = {
    "base": as_text,
    "concurrency": _count(1),
    "keyEnv": as_text,
    "price": lambda key, value: value,
    "timeout": _seconds,
}


def _provider(key: str, value: Any) -> str | dict[str, Any]:
    """A name or an address; or an object that tells the address, and how much the server there can take."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or not isinstance(value.get("base"), str):
        raise wrong(f"{key} must be a name, an address or an object with its base, not {kind_of(value)}")
    if strange := value.keys() - ENDPOINT.keys():
        raise wrong(f'{key} has the unknown key "{min(strange)}"', f"keys are {', '.join(ENDPOINT)}")
    return {name: ENDPOINT[name](f"{key}.{name}", told) for name, told in value.items() if told is not None}


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def read(key: str, value: Any) -> str:
        if value not in choices:
            raise wrong(f"{key} must be one of {', '.join(choices)}")
        return str(value)

    return read


def _tools(key: str, value: Any) -> ToolSet:
    return parse_tools(value)


# Key in the script → attribute, and how its value is checked.
READERS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "model": ("model", as_text),
    "dir": ("dir", _path),
    "tools": ("tools", _tools),
    "poll": ("poll", _optional_path),
    "timeout": ("timeout", _seconds),
    "system": ("system", as_text),
    "stream": ("stream", _flag),
    "schema": ("schema", _schema),
    "schemaRetries": ("schema_retries", _count(0)),
    "provider": ("provider", _provider),
    "maxTokens": ("max_tokens", _count(1)),
    "maxTurns": ("max_turns", _count(1)),
    "maxCost": ("max_cost", _number),
    "effort": ("effort", _one_of("low", "medium", "high", "xhigh", "max")),
    "retries": ("retries", _count(0)),
    "onFail": ("on_fail", _one_of("null", "error")),
    "cache": ("cache", _flag),
    "nudge": ("nudge", _count(0)),
    "agent": ("agent", as_text),
    "purpose": ("purpose", as_text),
    "sessionId": ("session_id", as_text),
    "resume": ("resume", as_text),
    "bare": ("bare", _flag),
}

LINE_KEYS = frozenset({"pattern", "event", "itemId"})
SAMPLING = frozenset({"temperature", "topP", "topK"})
SESSIONS = frozenset({"sessionId", "resume", "bare"})


def unread(key: str) -> str:
    if key in SAMPLING:
        return f"{key} is ignored: models no longer take it"
    close = nearest(key, {*READERS, *LINE_KEYS})
    return f'unknown setting "{key}"' + (f', did you mean "{close}"?' if close else "")


def without_sessions(key: str) -> str:
    return f"{key} is ignored: only a provider with sessions of its own knows it"


def kind_of(value: Any) -> str:
    if value is None or value is MISSING:
        return "nothing"
    kinds = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "a function")


def wrong(message: str, help: str | None = None) -> OrchError:
    return OrchError("E701", message, help=help)
