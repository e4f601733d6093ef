"""How templates, loads and everything else that holds text with references is written."""

from __future__ import annotations

from orchestra.nodes.base import Node
from orchestra.nodes.commands import (
    Code,
    CodeArgs,
    CodeDir,
    Command,
    OldCommand,
    OldRun,
    PlainName,
    QuotedCommand,
    Using,
)
from orchestra.nodes.files import Load, LoadAs, LoadFormat, Selector
from orchestra.nodes.functions import Call
from orchestra.nodes.predicates import Predicate, PredicateOptions
from orchestra.nodes.prose import Prose, ProseFile, ProseText
from orchestra.nodes.templates import (
    Angles,
    CondensedStage,
    Fallback,
    Interpolation,
    Mustache,
    Negated,
    Omission,
    Placeholder,
    Snippet,
    Template,
    Text,
    TextBody,
    TextLoop,
)
from orchestra.printing.escapes import bounded, command_text, escaped
from orchestra.printing.layout import Doc, flat
from orchestra.printing.printer import Level, Printer, prints, spaced
from orchestra.scan.text_kinds import CLOSERS, PREDICATE

__all__ = ["parts_text"]

# ── parts of a text ──────────────────────────────────────────────────────────────────────────────


def parts_text(parts: list[Node], kind: str, show: Printer, loop: bool = False) -> str:
    """The source of the parts of a text of some kind; `loop` if they are the body of a `/for`."""
    made, tail, quote = "", "", ""
    for position, part in enumerate(parts):
        if not isinstance(part, Text):
            made += _part(part, kind, show)
            tail = _tail(part)
            continue
        if kind == "cmd":
            source, quote = command_text(part.value, quote)
        else:
            source = escaped(part.value, kind, first=loop and position == 0, last=position == len(parts) - 1)
        made += bounded(source, tail, kind) if tail else source
        tail = ""
    return made


def _part(part: Node, kind: str, show: Printer) -> str:
    if isinstance(part, TextLoop):
        key = f"{part.key}, " if part.key else ""
        head = f"/for {key}{part.variable} in {flat(show(part.source, Level.EXPRESSION))}\n"
        return head + parts_text(part.parts, kind, show, loop=True) + "/end"
    return flat(show(part))


def _tail(part: Node) -> str:
    """How a part ends, if what follows might seem to belong to it: see `bounded`."""
    if isinstance(part, Placeholder):
        return "load"
    if not isinstance(part, (Interpolation, Negated)):
        return ""
    target = part.target
    if isinstance(part, Interpolation) and part.stages:
        return "name"
    if isinstance(target, (Load, LoadAs, Placeholder)):
        return "load"
    if isinstance(target, Call):
        return "call"
    token = getattr(target, "token", "")
    return "bracket" if not token else "digits" if token[1:].isdecimal() else "name"


@prints(Predicate)
def predicate(node: Predicate, show: Printer) -> Doc:
    return spaced(f"{PREDICATE}{parts_text(node.parts, PREDICATE, show)}{PREDICATE}", show(node.options))


@prints(PredicateOptions)
def predicate_options(node: PredicateOptions, show: Printer) -> Doc:
    return "with ", show(node.object)


@prints(Text)
def text(node: Text, show: Printer) -> Doc:
    return node.value


@prints(Interpolation)
def interpolation(node: Interpolation, show: Printer) -> Doc:
    return show(node.target), *(show(stage) for stage in node.stages)


@prints(CondensedStage)
def condensed_stage(node: CondensedStage, show: Printer) -> Doc:
    return "|" + "".join([node.name, *node.fields])


@prints(Negated)
def negated(node: Negated, show: Printer) -> Doc:
    return "!", show(node.target)


@prints(Omission)
def omission(node: Omission, show: Printer) -> Doc:
    return show(node.target), "?"


@prints(Fallback)
def fallback(node: Fallback, show: Printer) -> Doc:
    return show(node.target), "??", show(node.default)


@prints(Snippet)
def snippet(node: Snippet, show: Printer) -> Doc:
    return show(node.target), "?", show(node.text)


@prints(Mustache)
def mustache(node: Mustache, show: Printer) -> Doc:
    return "{{", flat(show(node.target))[1:], "}}"


@prints(Angles)
def angles(node: Angles, show: Printer) -> Doc:
    return "<<" + parts_text(node.parts, "angles", show) + ">>"


@prints(Placeholder)
def placeholder(node: Placeholder, show: Printer) -> Doc:
    return "<>"


@prints(TextLoop)
def text_loop(node: TextLoop, show: Printer) -> Doc:
    return _part(node, "`", show)


# ── whole texts ──────────────────────────────────────────────────────────────────────────────────


@prints(Template)
def template(node: Template, show: Printer) -> Doc:
    return node.opener + _content(node, show) + CLOSERS[node.opener]


def _content(node: Template, show: Printer) -> str:
    """The source between the marks. Colons swallow one line end at each side."""
    source = parts_text(node.parts, node.opener, show)
    if node.opener not in ("::", ":::"):
        return source
    if not source or source[0] in ":\r\n":
        source = "\n" + source
    return source + "\n" if node.parts and source.endswith(("\n", ":")) else source


@prints(TextBody)
def text_body(node: TextBody, show: Printer) -> Doc:
    return parts_text(node.parts, "att", show)


# ── loads ────────────────────────────────────────────────────────────────────────────────────────


@prints(Load)
def load(node: Load, show: Printer) -> Doc:
    selector = f" {flat(show(node.selector))}" if node.selector is not None else ""
    title = f" as {flat(show(node.title))}" if node.title is not None else ""
    return "<" + parts_text(node.parts, "load", show) + selector + title + ">"


@prints(Selector)
def selector(node: Selector, show: Printer) -> Doc:
    return node.sign + parts_text(node.parts, "selector", show)


@prints(LoadAs)
def load_as(node: LoadAs, show: Printer) -> Doc:
    return show(node.load), " as ", show(node.template)


@prints(LoadFormat)
def load_format(node: LoadFormat, show: Printer) -> Doc:
    return show(node.load), " as ", node.format


# ── commands and foreign code ────────────────────────────────────────────────────────────────────


@prints(CodeArgs)
def code_args(node: CodeArgs, show: Printer) -> Doc:
    return f"({', '.join(node.names)})"


@prints(CodeDir)
def code_dir(node: CodeDir, show: Printer) -> Doc:
    return ":" + parts_text(node.parts, "dir", show)


@prints(Command)
def command(node: Command, show: Printer) -> Doc:
    return (
        "cmd",
        show(node.args),
        show(node.directory),
        " {",
        parts_text(node.parts, "cmd", show),
        "}",
        _using(node, show),
    )


@prints(OldCommand)
def old_command(node: OldCommand, show: Printer) -> Doc:
    return "{", parts_text(node.parts, "cmd", show), "}", _using(node, show)


@prints(QuotedCommand)
def quoted_command(node: QuotedCommand, show: Printer) -> Doc:
    return show(node.text), _using(node, show)


@prints(OldRun)
def old_run(node: OldRun, show: Printer) -> Doc:
    return "run ", show(node.command)


@prints(Using)
def using(node: Using, show: Printer) -> Doc:
    return "using ", show(node.value, Level.POSTFIX), " as ", node.name


@prints(PlainName)
def plain_name(node: PlainName, show: Printer) -> Doc:
    return node.name


def _using(node: Command | OldCommand | QuotedCommand | Code, show: Printer) -> Doc:
    return (" ", show(node.using)) if node.using is not None else ""


@prints(Code)
def code(node: Code, show: Printer) -> Doc:
    return node.language, show(node.args), show(node.directory), " {", node.code, "}", _using(node, show)


@prints(Prose)
def prose(node: Prose, show: Printer) -> Doc:
    return "prose:", show(node.config, Level.POSTFIX), " ", show(node.program)


@prints(ProseText)
def prose_text(node: ProseText, show: Printer) -> Doc:
    return "{", parts_text(node.parts, "prose", show), "}"


@prints(ProseFile)
def prose_file(node: ProseFile, show: Printer) -> Doc:
    return show(node.path)
