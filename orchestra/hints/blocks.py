"""Advice about blocks: what does not belong into them, what separates statements, bodies in foreign brackets.

Conditions and loops, which also have blocks, have tables of their own.
"""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import BEGIN, REST, Pattern

__all__ = ["PATTERNS"]

PATTERNS: Final = (
    Pattern(
        "E105",
        r"(?P<fault>var)\b[ \t]*(?P<name>[^\n=;]*)(?:=[ \t]*(?P<rest>[^\n;]*))?",
        "var cannot be used inside a block",
        "bind it for the block: let {name} = {rest}",
        before=BEGIN,
        inside="block arms",
    ),
    Pattern(
        "E106",
        rf"(?:=[ \t]*{REST}|$|\Z)",
        "let is for blocks; at the top level a variable is bound with var",
        "var {name} = {rest}",
        before=r"^[ \t]*/?(?P<fault>let)[ \t]+(?P<name>@[\w-]+)[ \t]*",
        host="_LET",
        inside="top",
    ),
    Pattern(
        "E106",
        r"@?(?P<name>[A-Za-z_][\w-]*)[ \t]*=?[ \t]*" + REST,
        "let is for blocks; at the top level a variable is bound with var",
        "var @{name} = {rest}",
        before=r"^[ \t]*/?(?P<fault>let)[ \t]+",
        inside="top",
    ),
    Pattern(
        "E805",
        r"(?P<fault>checkpoint)\b[ \t]*(?P<name>[\"'`][^\n\"'`]*[\"'`])?",
        "a checkpoint stands at the top level, or directly after => in a when there",
        "checkpoint {name} on a line of its own, or when @condition => checkpoint {name}",
        before=rf"(?:{BEGIN}|=>[ \t]*)",
        inside="top block arms",
    ),
    Pattern(
        "E107",
        r"(?P<fault>exe|import|export|hook|guard|needs|policy)\b",
        "{fault} stands at the top level only, not in a block",
        "move the {fault} out of the block",
        before=BEGIN,
        inside="block arms",
    ),
    Pattern(
        "E101",
        r",",
        "arms of when are not separated by commas",
        "use a line end or ;",
        inside="arms",
    ),
    Pattern(
        "E101",
        r",",
        "statements in a block are not separated by commas",
        "use a line end, a blank or ;",
        inside="block",
    ),
    Pattern(
        "E101",
        r",",
        "a statement does not end with a comma",
        "leave out the ,",
        inside="top",
    ),
    Pattern(
        "E101",
        r",",
        "parentheses hold one value",
        "[ … ] makes an array of several",
        inside="parentheses",
    ),
    Pattern(
        "E101",
        r";[ \t]*(?:$|>>)",
        "a statement needs no ; at the end of its line",
        "leave out the ;",
        inside="top",
    ),
    Pattern(
        "E101",
        r";",
        "statements at the top level are not separated by ;",
        "begin a new line; only in blocks ; separates statements",
        inside="top",
    ),
    Pattern(
        "E107",
        r"(?P<fault>retry)\b(?P<hint>[ \t]+[^\n;\]]+)?",
        "retry is a result, not a statement",
        "=> retry {hint} in a pipeline stage; in loops use continue",
        before=BEGIN,
    ),
    Pattern(
        "E107",
        r"(?P<fault>done|continue|skip)\b",
        "{fault} has no loop around it",
        "put it inside loop [ … ] or for @item in @items [ … ]",
        before=BEGIN,
        inside="top",
    ),
    Pattern(
        "E101",
        r"\([ \t]*(?P<names>[\w, \t-]+?)[ \t]*\)[ \t]*(?P<name>@\w+)",
        "the names of errors stand without parentheses",
        "catch {names} {name} [ … ]",
        before=r"\bcatch[ \t]*",
    ),
    Pattern(
        "E101",
        r"\([ \t]*@?(?P<name>\w+)[ \t]*\)",
        "the name of the error stands without parentheses",
        "catch @{name} [ … ]",
        before=r"\bcatch[ \t]*",
    ),
    Pattern(
        "E101",
        r"[\"'`](?P<names>[\w-]+)[\"'`]",
        "the name of an error stands without quotes",
        "catch {names} @error [ … ]",
        before=r"\bcatch[ \t]+",
    ),
    Pattern(
        "E101",
        r"(?P<fault>(?:as|is|when|if|:|of)?[ \t]*(?P<names>[\w-]+))[ \t]*\[",
        "the name of the variable stands behind those of the errors",
        "catch {names} {name} [ … ]",
        before=r"\bcatch[ \t]+(?P<name>@[\w-]+)[ \t]*",
    ),
    Pattern(
        "E101",
        r"as[ \t]+@?(?P<name>\w+)",
        "the name of the variable stands directly behind those of the errors",
        "catch {names} @{name} [ … ]",
        before=r"\bcatch[ \t]+(?P<names>[\w, \t-]+?)[ \t]+",
    ),
    Pattern(
        "E101",
        r"(?P<fault>\|\|?|or\b|/)?[ \t]*(?P<more>[\w-]+)",
        "names of errors are separated by commas",
        "catch {names}, {more}",
        before=r"\bcatch[ \t]+(?P<names>[\w-]+(?:,[ \t]*[\w-]+)*)[ \t]+",
    ),
    # ── bodies in foreign brackets ──
    Pattern(
        "E109",
        r"\{",
        "the body of a function is a value, or a block in [ ]",
        "exe {name} = [ … ]",
        before=r"\bexe\b[^@\n]*(?P<name>@[\w-]+(?:\([^)\n]*\))?)[ \t]*",
    ),
    Pattern(
        "E101",
        r"\[",
        "= is missing before the body",
        "exe {name} = [ … ]",
        before=r"\bexe\b[^@\n]*(?P<name>@[\w-]+(?:\([^)\n]*\))?)[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>(?:->|:)[ \t]*\w+(?:\[\])?)[ \t]*=[ \t]*(?P<body>[^\n]*)",
        "a function does not say of which type its result is",
        "exe {name} = {body}",
        before=r"\bexe\b[^@\n]*(?P<name>@[\w-]+(?:\([^)\n]*\))?)[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?:=>|->|→|⇒|:=?|-)[ \t]*(?P<body>[^\n]*)",
        "the body of a function follows a =",
        "exe {name} = {body}",
        before=r"\bexe\b[^@\n]*(?P<name>@[\w-]+(?:\([^)\n]*\))?)[ \t]*",
    ),
    Pattern(
        "E109",
        r"return\b[ \t]*(?P<rest>[^\n}]*)",
        "a body in braces is an object",
        "[ => {rest} ], or name the language: js {{ return {rest} }}",
        before=r"=[ \t]*(?P<fault>\{)[ \t]*",
    ),
    Pattern(
        "E109",
        r"\{",
        "a block is written in square brackets",
        "[ … ]",
        wants="_LBODY",
    ),
    Pattern(
        "E109",
        r":",
        "a block is written in square brackets, not after a colon",
        "[ … ]",
        wants="_LBODY",
    ),
    Pattern(
        "E109",
        r"(?P<fault>then|do|begin)\b",
        "a block needs no word before it, it is written in square brackets",
        "[ … ]",
        wants="_LBODY",
    ),
    Pattern(
        "E109",
        r"(?P<fault>end|endif|end if|fi|esac|od|endfor|endwhile)\b",
        "a block ends with its bracket, not with a word",
        "]",
        before=BEGIN,
    ),
)
