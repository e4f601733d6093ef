"""Wishes that this version cannot fulfil are refused before anything runs; none is passed over in silence."""

from __future__ import annotations

from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.invocation import RunOptions

__all__ = ["refuse_unbuilt"]


def refuse_unbuilt(options: RunOptions, config: Config) -> None:
    """E605 for an option or setting that nothing enforces yet."""
    asked = {
        "--budget": options.budget,
        "--wait": options.wait,
        "--fork": options.fork,
        "[policy]": config.policy,
        "[llm] budget": config.llm.budget,
        "[checkpoint] secrets": config.checkpoint.secrets,
    }
    for name, wish in asked.items():
        if wish:
            help = f"leave {name} out; nothing was run"
            raise OrchError("E605", f"{name} is not enforced by this version", help=help, exit=2)
