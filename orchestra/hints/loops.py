"""Advice about `for`, `loop` and `while`, and about what other languages write for them."""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import BEGIN, EFFECT, END, Pattern

__all__ = ["PATTERNS"]

ITEM = r"(?P<item>@[\w.-]+(?:[ \t]*,[ \t]*@[\w-]+)?)"  # one name, or key and value

PATTERNS: Final = (
    Pattern(
        "E109",
        r"(?P<fault>parallel(?P<cap>\([^)\n]*\))?)[ \t]+in\b",
        "parallel stands before the item",
        "for parallel{cap} {item} in …",
        before=rf"\bfor[ \t]+{ITEM}[ \t]+",
    ),
    Pattern(
        "E109",
        r"\((?P<items>[^)\n]*)\)",
        "parallel stands after for",
        "for parallel {item} in {items} …",
        before=rf"\bfor[ \t]+{ITEM}[ \t]+in[ \t]+(?P<fault>parallel)[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<cap>\([^)\n]*\))?[ \t]*for\b[ \t]*(?P<item>@[^\n]*?)[ \t]+in\b",
        "parallel stands after for",
        "for parallel{cap} {item} in …",
        before=rf"{BEGIN}(?P<fault>parallel)[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>of)\b[ \t]*(?P<items>[^\n]*?)[ \t]*(?:=>|\[[ \t]*$|$)",
        "the items of a for follow in",
        "for {item} in {items}",
        before=rf"\bfor\b(?:[ \t]+parallel[^@\n]*)?[ \t]+{ITEM}[ \t]+",
        host="_FOR",
    ),
    Pattern(
        "E109",
        r"(?:=|:=)[ \t]*",
        "for goes through the items of an array",
        "for {item} in [1, 2, 3] => …",
        before=r"\bfor[ \t]+(?P<item>@[\w.-]+)[ \t]*",
        host="_FOR",
    ),
    Pattern(
        "E109",
        r"(?P<fault>as)[ \t]+(?P<one>@?\w+)\b",
        "the item comes first, then in",
        "for {one} in {item} …",
        before=rf"\bfor\b(?:[ \t]+parallel[^@\n]*)?[ \t]+{ITEM}[ \t]+",
        host="_FOR",
        wants="_IN",
    ),
    Pattern(
        "E101",
        r"(?P<items>[^\n]*?)[ \t]*(?:=>|\[[ \t]*$|$)",
        "in is missing between the item and what it is taken from",
        "for {item} in {items}",
        before=rf"\bfor\b(?:[ \t]+parallel[^@\n]*)?[ \t]+{ITEM}[ \t]*",
        host="_FOR",
        wants="_IN",
    ),
    Pattern(
        "E109",
        r"\([ \t]*(?:const|let|var|int|auto)?[ \t]*@?(?P<item>\w+)[ \t]+(?:of|in)[ \t]+@?(?P<items>[\w.]+)",
        "the head of a for has no parentheses",
        "for @{item} in @{items} [ … ]",
        before=r"\bfor[ \t]*",
    ),
    Pattern(
        "E109",
        r"\(",
        "the head of a for has no parentheses, and for goes through items",
        "loop(10) [ … ] counts rounds, for @item in @items [ … ] takes items",
        before=r"\bfor[ \t]*",
    ),
    Pattern(
        "E101",
        r"(?P<word>for|foreach)[ \t]+(?P<fault>[A-Za-z_][\w-]*)[ \t]+in\b",
        "the name of the item begins with @",
        "{word} @{fault} in …",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<fault>for[ \t]+each)[ \t]+@?(?P<item>\w+)[ \t]+in\b",
        "for each is written for",
        "for @{item} in …",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"in\b",
        "foreach calls a function for each element; a loop is written for",
        "for {item} in …",
        before=r"(?P<fault>foreach)[ \t]+(?P<item>@[\w-]+)[ \t]*",
    ),
    Pattern(
        "E101",
        EFFECT,
        "=> or [ is missing before the body of this for",
        "for {head} => {effect}",
        before=r"\bfor[ \t]+(?P<head>[^\n]*?)[ \t]+",
        host="_FOR",
    ),
    Pattern(
        "E101",
        END,
        "the body of this for is missing",
        "for {head} => … or for {head} [ … ]",
        before=r"\bfor[ \t]+(?P<head>[^\n]*?)[ \t]*",
        host="_FOR",
        wants="_LBODY",
    ),
    Pattern(
        "E109",
        r"(?P<fault>for)[ \t]+(?P<item>@?\w+)[ \t]+in[ \t]+(?P<items>[^\]\n]+)",
        "an array built by a loop begins with for",
        "for {item} in {items} => {value}",
        before=r"\[[ \t]*(?P<value>[^\[\]\n]+?)[ \t]+",
        inside="list",
    ),
    Pattern(
        "E107",
        r"(?P<fault>retry)\b",
        "retry has no pipeline to run again in a for",
        "use continue to go on with the next item",
        before=r"\bfor\b[^\n]*=>[ \t]*",
    ),
    # ── loop, while ──
    Pattern(
        "E101",
        r"(?P<fault>[A-Za-z_]\w*|[^\s)]+)",
        "this is no duration",
        "a number with a unit, such as 500ms, 1s or 5m",
        before=r"\b(?:loop|parallel)[ \t]*\([^)\n]*,[ \t]*",
    ),
    Pattern(
        "E101",
        r"(?P<fault>[A-Za-z_]\w*)",
        "the limit of a loop is a number or endless",
        "loop(10) [ … ], loop(@limit) [ … ] or loop(endless) [ … ]",
        before=r"\bloop[ \t]*\([ \t]*",
    ),
    Pattern(
        "E101",
        r"(?P<limit>\d+|@[\w.-]+)[^\n\[]*",
        "the limit of a loop stands in parentheses",
        "loop({limit}) [ … ]",
        before=r"\bloop[ \t]+",
        host="_LOOP",
    ),
    Pattern(
        "E109",
        r"while\b[ \t]*(?P<cond>[^\n\[{]*)",
        "a loop says until when, not while",
        "loop until !({cond}) [ … ]",
        before=r"\bloop(?:\([^)\n]*\))?[ \t]*",
        host="_LOOP",
    ),
    Pattern(
        "E109",
        r"(?P<fault>while)[ \t]*\((?P<cap>\d+[^)\n]*)\)[ \t]*(?P<call>@[\w.-]+)",
        "while is a stage of a pipeline",
        "@value | while({cap}) {call}",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<fault>while)\b[ \t]*\(?(?P<cond>[^\n\[{:]*?)\)?[ \t]*[\[{:\n]",
        "while is a stage of a pipeline; a loop with a condition is written loop until",
        "loop until !({cond}) [ … ]",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<fault>repeat|times|until)\b[ \t]*\(?(?P<count>\d+|@\w+)?\)?",
        "{fault} is not a statement; loops are written loop and for",
        "loop(10) [ … ], loop until @done [ … ] or for @item in @items [ … ]",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<fault>break)\b",
        "{fault} is written done",
        "done",
        before=BEGIN,
    ),
    Pattern(
        "E109",
        r"(?P<fault>next)\b",
        "{fault} is written continue",
        "continue",
        before=BEGIN,
    ),
)
