"""Wishes that this version cannot fulfil are refused before anything runs; none is passed over in silence."""

from __future__ import annotations

import re

from orchestra.nodes.base import walk
from orchestra.nodes.script import Script
from orchestra.nodes.unbuilt import Unbuilt

__all__ = ["refuse_constructs"]

WORDS = re.compile(r"\b(?:box|env|sign|verify|auth|profile)\b")


def refuse_constructs(script: Script) -> None:
    """E605 for a construct that nothing enforces yet."""
    if WORDS.search(script.span.source.text):
        for part in walk(script):
            refusal = part.refusal() if isinstance(part, Unbuilt) else None
            if refusal is not None:
                raise refusal
