"""Advice about names that are bound: variables, functions, and how they are written elsewhere."""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import BEGIN, END, NAME, REST, Pattern

__all__ = ["PATTERNS"]

# A definition up to its =: word, labels, name, parameters.
DEFINED = r"\b(?P<word>var|let|exe)[ \t]+(?:[\w:]+[ \t]+)*(?P<name>@[\w-]+(?:\([^)\n]*\))?)"

PATTERNS: Final = (
    Pattern(
        "E109",
        r"(?P<params>\([^)\n]*\))[ \t]*(?:=>?)?[ \t]*(?P<body>[^\n]*)",
        "a function is defined with exe",
        "exe {name}{params} = {body}",
        before=r"(?P<fault>\b(?:var|let))[ \t]+(?P<name>@[\w-]+)",
    ),
    Pattern(
        "E109",
        r"(?P<params>\w+(?:[ \t]*,[ \t]*\w+)*)\)[ \t]*=>[ \t]*(?P<body>[^\n]*)",
        "a function is defined with exe",
        "exe {name}({params}) = {body}",
        before=r"\b(?:var|let|exe)[ \t]+(?P<name>@?[\w-]+)[ \t]*=[ \t]*(?P<fault>\()[ \t]*",
    ),
    Pattern(
        "E101",
        rf"(?P<fault>(?P<name>{NAME}))(?P<params>\([^)\n]*\))?[ \t]*(?P<sign>=?)[ \t]*(?P<body>[^\n]*)",
        "the name of a function begins with @",
        "exe {labels}@{name}{params} = {body}",
        before=r"\bexe[ \t]+(?P<labels>(?:[\w:]+[ \t,]+)*)",
    ),
    Pattern(
        "E101",
        rf"(?P<fault>(?P<name>{NAME}))[ \t]*:?=?[ \t]*{REST}",
        "the name of a variable begins with @",
        "{word} @{name} = {rest}",
        before=r"\b(?P<word>var|let)[ \t]+",
    ),
    Pattern(
        "E101",
        r"[$%](?P<name>[A-Za-z_]\w*)",
        "the name of a variable begins with @",
        "{word} @{name} = …",
        before=r"\b(?P<word>var|let|exe)[ \t]+",
    ),
    Pattern(
        "E109",
        r"(?P<fault>:=)[ \t]*" + REST,
        "a name is bound with =",
        "{word} {name} = {rest}",
        before=r"\b(?P<word>var|let)[ \t]+(?P<name>@[\w-]+)[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>:[ \t]*\w+(?:\[\]|<[^>\n]*>)?)[ \t]*=?[ \t]*" + REST,
        "variables carry no type",
        "{word} {name} = {rest}",
        before=r"\b(?P<word>var|let)[ \t]+(?P<name>@[\w-]+)[ \t]*",
    ),
    Pattern(
        "E101",
        r"(?P<fault>==)[ \t]*" + REST,
        "== compares, = binds a name",
        "{word} {name} = {rest}",
        before=r"\b(?P<word>var|let)[ \t]+(?P<name>@[\w-]+)[ \t]*",
    ),
    Pattern(
        "E101",
        END,
        "the value of {name} is missing",
        "{word} {name} = …",
        before=rf"{DEFINED}[ \t]*=?[ \t]*",
    ),
    Pattern(
        "E101",
        r"(?P<rest>[\w\"'`@\[{(<][^\n;]*)",
        "= is missing between the name and its value",
        "{word} {name} = {rest}",
        before=rf"{DEFINED}[ \t]*",
        wants="_ASSIGN",
    ),
    # ── changing a variable ──
    Pattern(
        "E109",
        rf"\.(?P<field>{NAME})[ \t]*=(?!=)[ \t]*{REST}",
        "a field of a value cannot be set",
        "{bind} @copy = {{ ...{name}, {field}: {rest} }}",
        before=r"\b(?:var|let)[ \t]+(?P<name>@[\w-]+)",
    ),
    Pattern(
        "E109",
        rf"=(?![=>])[ \t]*{REST}",
        "a field of a value cannot be set",
        "{bind} @copy = {{ ...{name}, {field}: {rest} }}",
        before=rf"{BEGIN}(?P<name>@[\w-]+)\.(?P<field>{NAME})[ \t]*",
    ),
    Pattern(
        "E109",
        r":?=(?![=>])[ \t]*" + REST,
        "a variable is bound with {bind} and keeps its value",
        "{bind} {name} = {rest}",
        before=rf"{BEGIN}(?P<name>@[\w-]+)[ \t]*",
    ),
    Pattern(
        "E109",
        r"=(?!=)[ \t]*" + REST,
        "{sign}= is not an operator, only += changes a variable",
        "let {name} = {name} {sign} {rest}",
        before=rf"{BEGIN}(?:let[ \t]+)?(?P<name>@[\w-]+)[ \t]*(?P<fault>(?P<sign>[-*/%]))",
    ),
    Pattern(
        "E109",
        r"\+",
        "++ is not an operator",
        "{name} += 1",
        before=r"(?P<name>@[\w-]+)[ \t]*(?P<fault>\+)",
    ),
    Pattern(
        "E101",
        rf"(?P<fault>{NAME})[ \t]*:?=(?![=>~])[ \t]*{REST}",
        "a variable is bound with {bind} and begins with @",
        "{bind} @{fault} = {rest}",
        before=BEGIN,
        inside="top block",
    ),
)
