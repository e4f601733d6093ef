"""Wishes that this version cannot fulfil are refused before anything runs; none is passed over in silence."""

from __future__ import annotations

import re

from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.invocation import RunOptions
from orchestra.nodes.base import walk
from orchestra.nodes.script import Script
from orchestra.nodes.unbuilt import Unbuilt

__all__ = ["refuse_constructs", "refuse_unbuilt"]

WORDS = re.compile(r"\b(?:box|env|sign|verify|auth|profile)\b")


def refuse_unbuilt(options: RunOptions, config: Config) -> None:
    """E605 for an option or setting that nothing enforces yet."""
    asked = {
        "--fork": options.fork,
        "[checkpoint] secrets": config.checkpoint.secrets,
    }
    for name, wish in asked.items():
        if wish:
            help = f"leave {name} out; nothing was run"
            raise OrchError("E605", f"{name} is not enforced by this version", help=help, exit=2)


def refuse_constructs(script: Script) -> None:
    """E605 for a construct that nothing enforces yet."""
    if WORDS.search(script.span.source.text):
        for part in walk(script):
            refusal = part.refusal() if isinstance(part, Unbuilt) else None
            if refusal is not None:
                raise refusal
