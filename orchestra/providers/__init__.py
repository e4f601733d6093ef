"""Models that answer turns, behind one interface, and agents that are handed whole errands, behind another.

Modules are imported on first use, so that a run that needs no model pays for none. Choosing among them is
left to `providers.choice`, driving them to `runtime.agent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.providers.agents import AgentModel
from orchestra.providers.faults import ProviderError
from orchestra.providers.protocol import (
    Caps,
    Event,
    Reply,
    Surroundings,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    Turn,
    TurnModel,
    Usage,
)

__all__ = [
    "TYPES",
    "AgentModel",
    "Caps",
    "Event",
    "ProviderError",
    "Reply",
    "Surroundings",
    "TextDelta",
    "ThinkingDelta",
    "ToolCall",
    "Turn",
    "TurnModel",
    "Usage",
    "open_provider",
]

# Type in the configuration → module with a function `open_model(name, settings, surroundings)`.
TYPES = {
    "anthropic": "orchestra.providers.anthropic",
    "claude-cli": "orchestra.providers.claude_cli",
    "command": "orchestra.providers.command",
    "openai": "orchestra.providers.openai",
    "replay": "orchestra.providers.replay",
}

# What tables may hold besides, by type. All of them may have the keys of SHARED.
SHARED = frozenset({"type", "concurrency", "models", "price"})
KEYS = {
    "anthropic": frozenset({"base", "key", "keyEnv", "timeout"}),
    "claude-cli": frozenset({"command"}),
    "command": frozenset({"command", "timeout"}),
    "openai": frozenset({"base", "key", "keyEnv", "timeout"}),
    "replay": frozenset({"path"}),
}


def open_provider(name: str, settings: Mapping[str, Any], around: Surroundings) -> TurnModel | AgentModel:
    """The provider called `name`; `settings` is its table, whose `type` defaults to the name. Raises E812."""
    kind = settings.get("type", name)
    if kind not in TYPES:
        close = nearest(str(kind), set(TYPES))
        raise OrchError(
            "E812",
            f'provider "{name}" has the unknown type "{kind}"',
            help=f'type = "{close}"' if close else f"types are {', '.join(sorted(TYPES))}",
        )
    _check_keys(name, settings, str(kind))
    model: TurnModel | AgentModel = import_module(TYPES[kind]).open_model(name, settings, around)
    return model


def _check_keys(name: str, settings: Mapping[str, Any], kind: str) -> None:
    """A key that nobody reads would be a setting that nobody keeps to."""
    known = SHARED | KEYS[kind]
    for key in settings:
        if key not in known:
            close = nearest(key, set(known))
            help = f'did you mean "{close}"?' if close else f"keys are {', '.join(sorted(known))}"
            raise OrchError("E812", f'provider "{name}" has the unknown key "{key}"', help=help)
