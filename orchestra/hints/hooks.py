"""Advice about hooks: when they run and what they watch."""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import Pattern

__all__ = ["PATTERNS"]

WATCHING = r"\bhook\b[^\n=]*?\b(?P<timing>before|after|always)[ \t]+"

PATTERNS: Final = (
    Pattern(
        "E101",
        r"(?P<fault>,|\|\||&&|or\b|and\b)[ \t]*(?P<other>(?:@|op:)?\w[\w.:-]*)",
        "a hook watches one thing",
        "hook {timing} {filter} = [ … ], and a hook of its own for {other}",
        before=WATCHING + r"(?P<filter>(?:@|op:)?\w[\w.:-]*)[ \t]*",
    ),
    Pattern(
        "E101",
        r"\*",
        "a hook names what it watches",
        "hook {timing} op:exe = [ … ] for every call",
        before=WATCHING,
    ),
    Pattern(
        "E101",
        r"(?P<fault>[a-z]+)[ \t]+(?P<filter>(?:@|op:)?\w[^\n=]*?)[ \t]*=",
        "a hook runs before, after or always",
        "hook {name} after {filter} = [ … ]",
        before=r"\bhook[ \t]+(?P<name>@[\w-]+)?[ \t]*",
        host="_HOOK",
        wants="TIMING",
    ),
    Pattern(
        "E101",
        r"(?P<filter>[^\n=]+?)[ \t]*=",
        "a hook says whether it runs before or after",
        "hook {name} after {filter} = [ … ]",
        before=r"\bhook[ \t]+(?P<name>@[\w-]+)?[ \t]*",
        host="_HOOK",
        wants="TIMING",
    ),
    Pattern(
        "E101",
        r"[\[{:]|=>",
        "= is missing before the body of the hook",
        "{head} = [ … ]",
        before=r"(?P<head>\bhook\b[^\n=]*?)[ \t]*",
        wants="_ASSIGN",
    ),
)
