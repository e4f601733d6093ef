"""How bindings, functions, hooks and output are written."""

from __future__ import annotations

from typing import Any

from orchestra.nodes.blocks import (
    Augment,
    Bail,
    Block,
    BlockSource,
    BlockValue,
    FieldsTarget,
    ItemsTarget,
    Labelled,
    Let,
    Return_,
    Var,
)
from orchestra.nodes.files import File, Files, Repository, RepositoryOption
from orchestra.nodes.functions import Exe, Param, Shadow
from orchestra.nodes.hooks import Hook, HookFunction, HookOperation
from orchestra.nodes.modules import ModuleName, TemplateFile
from orchestra.nodes.output import (
    Append,
    BarePath,
    Invocation,
    Log,
    Output,
    OutputDocument,
    OutputOld,
    Run,
    Show,
    StreamName,
)
from orchestra.nodes.questions import Question
from orchestra.nodes.script import Checkpoint, Document, Script
from orchestra.nodes.trying import Throw
from orchestra.printing.layout import LINE, Doc
from orchestra.printing.pipelines import written_as
from orchestra.printing.printer import Level, Printer, listed, prints, spaced

# ── scripts and blocks ───────────────────────────────────────────────────────────────────────────


@prints(Script)
def script(node: Script, show: Printer) -> Doc:
    return show.lines(node.statements, node.span.start, node.span.end)


@prints(Document)
def document(node: Document, show: Printer) -> Doc:
    return node.text


@prints(Block, BlockValue)
def block(node: Block | BlockValue, show: Printer) -> Doc:
    return show.block("[", node.statements, node.span)


# ── bindings ─────────────────────────────────────────────────────────────────────────────────────


def labels(words: list[str]) -> str:
    return ", ".join(words)


def _target(target: Any, show: Printer) -> Doc:
    return target if isinstance(target, str) else show(target)


@prints(FieldsTarget)
def fields_target(node: FieldsTarget, show: Printer) -> Doc:
    return listed("{", list(node.names), "}", LINE)


@prints(ItemsTarget)
def items_target(node: ItemsTarget, show: Printer) -> Doc:
    return listed("[", list(node.names), "]")


@prints(Var)
def var(node: Var, show: Printer) -> Doc:
    target = (_target(node.target, show), node.optional or "")
    if isinstance(node.value, Question):
        return spaced("input", labels(node.labels), target, show(node.value))
    return spaced("var", "tools" if node.collects else "", labels(node.labels), target, "=", show(node.value))


@prints(Let)
def let(node: Let, show: Printer) -> Doc:
    if isinstance(node.value, Question):
        return spaced("input", _target(node.target, show), show(node.value))
    return "let ", _target(node.target, show), " = ", show(node.value)


@prints(Augment)
def augment(node: Augment, show: Printer) -> Doc:
    return node.name, " += ", show(node.value)


@prints(BlockSource)
def block_source(node: BlockSource, show: Printer) -> Doc:
    return show(node.block)


@prints(Labelled)
def labelled(node: Labelled, show: Printer) -> Doc:
    return node.label, " ", show(node.value)


@prints(Return_)
def return_(node: Return_, show: Printer) -> Doc:
    return spaced("=>", show(node.value))


@prints(Throw)
def throw(node: Throw, show: Printer) -> Doc:
    return spaced("throw", show(node.value))


@prints(Bail)
def bail(node: Bail, show: Printer) -> Doc:
    return spaced("bail", show(node.message))


# ── functions ────────────────────────────────────────────────────────────────────────────────────


@prints(Exe)
def exe(node: Exe, show: Printer) -> Doc:
    head = (node.token, params(node.params, show))
    return spaced("exe", labels(node.labels), head, "=", show.action(node.body, assigned=True))


def params(nodes: list[Any] | None, show: Printer) -> Doc:
    return "" if nodes is None else listed("(", [show(param) for param in nodes], ")")


@prints(Param)
def param(node: Param, show: Printer) -> Doc:
    default = (" = ", show(node.default, Level.EXPRESSION)) if node.default is not None else ""
    return node.token, f": {node.type}" if node.type else "", default


@prints(TemplateFile)
def template_file(node: TemplateFile, show: Printer) -> Doc:
    return spaced("template", show(node.path), show(node.options))


@prints(Shadow)
def shadow(node: Shadow, show: Printer) -> Doc:
    return f"exe {node.language} = ", listed("{", list(node.names), "}", LINE)


@prints(Hook)
def hook(node: Hook, show: Printer) -> Doc:
    return spaced("hook", node.name or "", node.timing, show(node.filter), "=", show(node.body))


@prints(HookFunction)
def hook_function(node: HookFunction, show: Printer) -> Doc:
    fields = "".join(part for part in node.path if isinstance(part, str))
    prefix = node.parts[1]
    return node.name, fields, ("(", show(prefix), ")") if prefix is not None else ""


@prints(HookOperation, StreamName, BarePath, ModuleName)
def token(node: HookOperation | StreamName | BarePath | ModuleName, show: Printer) -> Doc:
    return node.token


# ── output ───────────────────────────────────────────────────────────────────────────────────────


@prints(Show)
def show_(node: Show, show: Printer) -> Doc:
    return spaced("show", labels(node.labels), show(node.value))


@prints(Log)
def log(node: Log, show: Printer) -> Doc:
    return spaced("log", show(node.value))


@prints(Output)
def output(node: Output, show: Printer) -> Doc:
    return spaced("output", *_written(node, show))


@prints(Append)
def append(node: Append, show: Printer) -> Doc:
    return spaced("append", *_written(node, show))


def _written(node: Output | Append, show: Printer) -> tuple[Doc, ...]:
    value = show.closed(node.value, Level.TAILED) if node.value is not None else ""
    return value, "to", show(node.target, Level.POSTFIX), written_as(node.format)


@prints(OutputDocument)
def output_document(node: OutputDocument, show: Printer) -> Doc:
    return "output ", show(node.target)


@prints(OutputOld)
def output_old(node: OutputOld, show: Printer) -> Doc:
    return spaced("output", show.closed(node.value, Level.TAILED), show(node.target))


@prints(File)
def file(node: File, show: Printer) -> Doc:
    return "file ", show(node.target, Level.POSTFIX), " = ", show(node.value)


@prints(Files)
def files(node: Files, show: Printer) -> Doc:
    return "files ", show(node.target, Level.POSTFIX), " = ", show(node.value)


@prints(Repository)
def repository(node: Repository, show: Printer) -> Doc:
    return "git ", show(node.url, Level.POSTFIX), *((" ", show(option)) for option in node.options)


@prints(RepositoryOption)
def repository_option(node: RepositoryOption, show: Printer) -> Doc:
    return f"{node.name}: ", show(node.value, Level.POSTFIX)


@prints(Run)
def run(node: Run, show: Printer) -> Doc:
    return spaced("run", show(node.source))


@prints(Invocation)
def invocation(node: Invocation, show: Printer) -> Doc:
    return show(node.value)


@prints(Checkpoint)
def checkpoint(node: Checkpoint, show: Printer) -> Doc:
    return spaced("checkpoint", show(node.name), show(node.options))
