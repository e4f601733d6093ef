"""Advice about expressions that other languages have functions or syntax for: JSON, lengths, arrow functions, spreads.

Words that begin statements are left to `foreign`, signs between operands to `values`.
"""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import BEGIN, NAME, Pattern

__all__ = ["PATTERNS"]

ARROW = r"\(?[ \t]*@?(?P<params>\w+(?:[ \t]*,[ \t]*@?\w+)*)[ \t]*\)?[ \t]*=>"


def _call(names: str, args: str, message: str, help: str, before: str = "") -> Pattern:
    """A function of other languages, called by its name."""
    return Pattern("E109", rf"(?P<fault>{names})\([ \t]*{args}[ \t]*\)?", message, help, before=before, wants="REF")


ONE = r"@?(?P<arg>[\w.]+)"

PATTERNS: Final = (
    # ── functions without a name ──
    Pattern(
        "E109",
        ARROW.removeprefix(r"\(?[ \t]*"),
        "a function without a name cannot be passed; for makes a new array",
        "for @{params} in {items} => …",
        before=r"(?P<items>@[\w.-]+)\.(?:map|flatMap|forEach)\((?P<fault>\(?)[ \t]*",
        inside="parentheses call",
    ),
    Pattern(
        "E109",
        ARROW.removeprefix(r"\(?[ \t]*"),
        "a function without a name cannot be passed; for with when picks elements",
        "for @{params} in {items} when … => @{params}",
        before=r"(?P<items>@[\w.-]+)\.(?:filter|find|some|every)\((?P<fault>\(?)[ \t]*",
        inside="parentheses call",
    ),
    Pattern(
        "E109",
        r"=>[ \t]*(?P<body>[^\n]*)",
        "a function is defined with exe",
        "exe {name}({param}) = {body}",
        before=r"(?P<fault>\b(?:var|let))[ \t]+(?P<name>@[\w-]+)[ \t]*=[ \t]*@(?P<param>[\w-]+)[ \t]*",
    ),
    # ── functions that are no functions here ──
    _call(
        r"map",
        rf"@?(?P<f>{NAME})[ \t]*,[ \t]*@?(?P<items>[\w.]+)",
        "for makes a new array",
        "for @x in @{items} => @{f}(@x)",
    ),
    _call(
        r"filter",
        rf"@?(?P<f>{NAME})[ \t]*,[ \t]*@?(?P<items>[\w.]+)",
        "for with when picks elements",
        "for @x in @{items} when @{f}(@x) => @x",
    ),
    _call(r"range", r"[^)\n]*", "there are no ranges", "loop(3) [ … ] counts rounds, [1, 2, 3] lists numbers"),
    _call(
        r"enumerate",
        r"(?P<items>[^)\n]*)",
        "a for with two names has position and item",
        "for {item} in {items}",
        before=r"\bfor\b(?:[ \t]+parallel[^@\n]*)?[ \t]+(?P<item>@[^\n]*?)[ \t]+in[ \t]+",
    ),
    _call(r"JSON\.parse|json\.loads|parse_json|parseJson", ONE, "JSON becomes data in a pipeline", "@{arg} | @parse"),
    _call(
        r"JSON\.stringify|json\.dumps|to_json|toJson",
        ONE,
        "data in a text is JSON by itself",
        "`@{arg}`, or @{arg} | @pretty with line ends",
    ),
    _call(r"str|String|toString|repr", ONE, "a text is made by a template", "`@{arg}`"),
    _call(r"int|float|Number|parseInt|parseFloat", ONE, "a text becomes a number by calculating", "@{arg} * 1"),
    Pattern(
        "E109",
        r"(?P<fault>typeof|type)\b[ \t]*\(?[ \t]*@?(?P<arg>[A-Za-z_][\w.]*)\)?",
        "{fault} is a stage of a pipeline",
        "@{arg} | @typeof",
        wants="REF",
    ),
    Pattern(
        "E109",
        r"(?P<fault>\w*(?:Error|Exception))\([ \t]*(?P<reason>[\"'`][^\n\"'`]*[\"'`])?[ \t]*\)?",
        "an error is any value",
        "throw {reason}",
        before=r"\bthrow[ \t]+",
    ),
    # ── spreads, what was left out, patterns ──
    Pattern(
        "E109",
        r"(?P<fault>\*{1,2})[ \t]*(?P<rest>@[\w.-]+)",
        "arrays and objects are spread with three dots",
        "...{rest}",
        inside="list object call",
        wants="REF",
    ),
    Pattern(
        "E101",
        r"[\])},;]|$|\Z",
        "three dots stand for something that was left out",
        "write it out, or leave the block empty: [ ]",
        before=r"(?P<fault>\.\.\.)[ \t]*",
        wants="REF",
    ),
    Pattern(
        "E101",
        r"…",
        "three dots stand for something that was left out",
        "write it out, or leave the block empty: [ ]",
    ),
    Pattern(
        "E109",
        r"(?P<fault>(?P<pattern>/[^/\s\"'`]+/[a-z]*))",
        "a pattern stands only as an argument of a method",
        "@text.match({pattern})",
        wants="REF",
    ),
    # ── data and text without their marks ──
    Pattern(
        "E101",
        rf"(?P<fault>(?P<key>{NAME}):)(?!:)[ \t]*(?P<value>[^\n]*)",
        "an object stands in braces",
        "{{ {key}: {value}, … }}",
        before=r"^[ \t]+",
        wants="CONSTANT",
    ),
    Pattern(
        "E102",
        rf"(?P<fault>(?P<key>{NAME}):)(?!:)",
        "a name with a colon begins no statement",
        "var @{key} = …, or a field of an object: {{ {key}: … }}",
        before=BEGIN,
        inside="top block",
    ),
)
