"""Advice about expressions as other languages write them: constants, operators, pipes, collections, texts.

Names that are bound are left to `bindings`.
"""

from __future__ import annotations

from typing import Final

from orchestra.hints.pattern import END, NAME, Pattern

__all__ = ["PATTERNS"]

OPERAND = r"[@\w.\"'`()\[\]-]+"


def _constant(words: str, meant: str) -> Pattern:
    return Pattern("E109", rf"(?P<fault>{words})\b", f"{{fault}} is written {meant}", meant, wants="REF")


def _operator(word: str, meant: str) -> Pattern:
    """A word between two operands that is a sign here."""
    return Pattern(
        "E109",
        rf"(?P<fault>{word})\b[ \t]+(?P<right>{OPERAND})?",
        f"the operator {{fault}} is written {meant}",
        f"{{left}} {meant} {{right}}",
        before=rf"(?P<left>{OPERAND})[ \t]+",
    )


def _to_null(word: str, meant: str) -> Pattern:
    """A comparison with what other languages call null."""
    return Pattern(
        "E109",
        rf"(?P<fault>{word})[ \t]+(?:None|nil|NULL|Null|undefined)\b",
        f"the operator {{fault}} is written {meant}",
        f"{{left}} {meant} null",
        before=rf"(?P<left>{OPERAND})[ \t]+",
    )


PATTERNS: Final = (
    # ── pipelines ──
    Pattern(
        "E109",
        rf"(?P<fault>(?P<name>{NAME})(?P<args>\([^)\n]*\))?)",
        "a stage of a pipeline is written with @",
        "| @{name}{args}",
        before=r"\|[ \t]*",
    ),
    Pattern(
        "E109",
        r"(?P<fault>>)[ \t]*@?(?P<stage>[\w.]*)",
        "|> is written |",
        "| @{stage}",
        before=r"(?P<fault>\|)",
    ),
    Pattern(
        "E101",
        END,
        "a parallel group has at least two calls",
        "|| {call} || @other()",
        before=r"(?:=>?|^)[ \t]*(?P<fault>\|\|)[ \t]*(?P<call>@[\w.]+(?:\([^)\n]*\))?)[ \t]*",
    ),
    # ── constants and words of other languages ──
    _constant("True|TRUE|yes|YES", "true"),
    _constant("False|FALSE|no|NO", "false"),
    _constant("None|nil|NULL|Null|undefined|nullptr|NaN", "null"),
    Pattern(
        "E109",
        r"(?P<fault>not)[ \t]+(?P<operand>[^\s\[\]]+)",
        "not is written !",
        "!{operand}",
        wants="REF",
    ),
    _operator("and", "&&"),
    _operator("or", "||"),
    _to_null(r"is[ \t]+not|!==?", "!="),
    _to_null(r"is|===?", "=="),
    _operator("is[ \\t]+not|isnt|ne", "!="),
    _operator("is|equals|eq", "=="),
    _operator("lt", "<"),
    _operator("gt", ">"),
    _operator("mod", "%"),
    _operator("div", "/"),
    Pattern(
        "E109",
        rf"(?P<fault>not[ \t]+in)\b[ \t]+(?P<right>{OPERAND})",
        "{fault} is not an operator, arrays and texts have the method includes",
        "!{right}.includes({left})",
        before=rf"(?P<left>{OPERAND})[ \t]+",
    ),
    Pattern(
        "E109",
        rf"(?P<fault>in|contains)\b[ \t]+(?P<right>{OPERAND})",
        "{fault} is not an operator, arrays and texts have the method includes",
        "{right}.includes({left})",
        before=rf"(?P<left>{OPERAND})[ \t]+",
    ),
    Pattern(
        "E109",
        r"(?P<fault>(?:len|length|size|count))\([ \t]*@?(?P<arg>[\w.]+)[ \t]*\)",
        "the length is a field of the value",
        "@{arg}.length",
        wants="REF",
    ),
    Pattern(
        "E109",
        r"(?P<fault>lambda|function|fn|func|def)\b[ \t]*(?P<name>\w*)",
        "a function is defined with exe, and named",
        "exe @name(x) = …",
        wants="REF",
    ),
    Pattern("E109", r"(?P<fault>await)[ \t]+(?P<call>[^\n;]*)", "calls wait by themselves", "{call}", wants="REF"),
    Pattern(
        "E109",
        r"(?P<fault>[fFrRbBuU])(?=[\"'])",
        "a text takes no prefix; @name in it is replaced anyway",
        "leave out the {fault}",
        wants="REF",
    ),
    Pattern(
        "E109",
        r"(?P<fault>new)[ \t]+(?P<name>[A-Z]\w*)",
        "new makes objects of imported classes",
        "new @{name}(…) after import {{ @{name} }} from node …",
        wants="REF",
    ),
    Pattern(
        "E109",
        r"(?P<fault>/)(?P<word>[a-z]+)\b",
        "a slash stands only before a statement",
        "leave out the /",
        wants="REF",
    ),
    Pattern(
        "E109",
        r"\$\{?[ \t]*@?(?P<name>[A-Za-z_][\w.]*)[ \t]*\}?",
        "a variable is written with @",
        "@{name}",
    ),
    Pattern(
        "E101",
        rf"(?P<fault>(?P<name>{NAME}))\((?P<args>[^)\n]*)\)?",
        "a call is written with @",
        "@{name}({args})",
    ),
    # ── operators ──
    Pattern(
        "E101",
        END,
        "the : of this ? is missing",
        "{cond} ? {yes} : …",
        before=r"(?P<cond>[^\n=?(]+?)[ \t]*(?P<fault>\?)(?P<yes>[^?\n:]+?)[ \t]*",
        wants="_COLON",
    ),
    Pattern("E109", r"(?P<fault>>)", "==> is written =>", "=>", before=r"(?P<fault>==)"),
    Pattern(
        "E109",
        r"(?P<fault>>)",
        "-> is written =>",
        "=>",
        before=r"(?P<fault>-)",
    ),
    Pattern(
        "E109",
        r"(?P<fault>>)",
        "<> is written !=",
        "!=",
        before=r"(?P<fault><)",
    ),
    Pattern(
        "E109",
        r"(?P<fault>=<)",
        "=< is written <=",
        "<=",
    ),
    Pattern(
        "E109",
        r"(?P<fault>\*)",
        "there is no operator **",
        "multiply: @x * @x",
        before=r"(?P<fault>\*)",
    ),
    Pattern(
        "E109",
        r"(?P<fault>\.\.)(?!\.)[ \t]*(?P<rest>@[\w.-]+)",
        "an array is spread with three dots",
        "...{rest}",
    ),
    Pattern(
        "E109",
        r"(?P<fault>\.\.)",
        "there are no ranges",
        "write the numbers out: [1, 2, 3]",
    ),
    # ── arrays and objects ──
    Pattern(
        "E109",
        r"=>?[ \t]*(?P<value>[^,}\n]*)",
        "a field of an object is written with a colon",
        "{name}: {value}",
        before=r"[{,\n][ \t]*(?P<name>[\"']?[\w-]+[\"']?)[ \t]*",
        inside="object",
    ),
    Pattern(
        "E109",
        rf"(?P<fault>(?P<name>{NAME}))[ \t]*(?P<sign>=>?)[ \t]*(?P<value>[^,}}\n]*)",
        "a field of an object is written with a colon",
        "{name}: {value}",
        inside="object",
    ),
    Pattern(
        "E109",
        rf"(?P<fault>@?(?P<name>{NAME}))[ \t]*(?=[,}}\n])",
        "a field of an object has a name and a value",
        "{name}: @{name}",
        before=r"[{,][ \t]*|^[ \t]*",
        inside="object",
    ),
    Pattern(
        "E101",
        rf"[\"']?{NAME}[\"']?[ \t]*:|[\"']",
        "a comma is missing before this field",
        "put a , after the value before it",
        inside="object",
        wants="_COMMA",
    ),
    Pattern(
        "E101",
        r"[@\"'`\w\[{(<]",
        "a comma is missing before this element",
        "put a , after the value before it",
        inside="list",
        wants="_COMMA",
    ),
    Pattern(
        "E101",
        r"[@\"'`\w\[{(<]",
        "a comma is missing before this argument",
        "put a , after the value before it",
        inside="call",
        wants="_COMMA",
    ),
    # ── texts ──
    Pattern(
        "E101",
        r"[A-Za-z]",
        "the text ends at this quote",
        "hold it in `…` or in the other kind of quotes",
        before=r"[\"'][^\n\"']*(?P<fault>[\"'])",
    ),
    Pattern(
        "E109",
        r"[\"']",
        "texts have one quote at each end",
        "`…` may hold quotes, and line ends as well",
        before=r"(?P<fault>\"\"|'')",
    ),
)
