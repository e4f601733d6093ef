"""How pipelines, their stages and parallel calls are written."""

from __future__ import annotations

from orchestra.nodes.base import Node
from orchestra.nodes.branches import Branches, StageBranches
from orchestra.nodes.output import AppendEffect, LogEffect, OutputEffect, ShowEffect
from orchestra.nodes.parallel_block import Branch, ParallelBlock
from orchestra.nodes.pipelines import Caps, ParallelCalls, Pipeline
from orchestra.nodes.stages import DataStage, Piped, WhileStage
from orchestra.printing.layout import Doc, joined_by
from orchestra.printing.printer import Level, Printer, prints, spaced


def stages(nodes: list[Node], show: Printer) -> Doc:
    """`| @a | @b`."""
    return joined_by(" ", [("| ", show(stage, Level.POSTFIX)) for stage in nodes])


@prints(Pipeline, level=Level.VALUE)
def pipeline(node: Pipeline, show: Printer) -> Doc:
    return spaced(show.closed(node.source), stages(node.stages, show))


@prints(ParallelCalls, level=Level.VALUE)
def parallel_calls(node: ParallelCalls, show: Printer) -> Doc:
    return spaced("||", show(node.branches), show(node.piped), show(node.caps))


@prints(Branches)
def branches(node: Branches, show: Printer) -> Doc:
    return joined_by(" || ", [show(call, Level.POSTFIX) for call in node.calls])


@prints(StageBranches)
def stage_branches(node: StageBranches, show: Printer) -> Doc:
    return joined_by(" || ", [show(stage, Level.POSTFIX) for stage in node.stages])


@prints(Piped)
def piped(node: Piped, show: Printer) -> Doc:
    return stages(node.stages, show)


@prints(Caps)
def caps(node: Caps, show: Printer) -> Doc:
    return "(", node.width, ", " if node.pace else "", show(node.pace), ")"


@prints(DataStage)
def data_stage(node: DataStage, show: Printer) -> Doc:
    return "data ", show(node.value)


@prints(WhileStage)
def while_stage(node: WhileStage, show: Printer) -> Doc:
    limits = ("while (", show(node.cap, Level.EXPRESSION), ", " if node.pace else "", show(node.pace), ")")
    return spaced(limits, show(node.processor, Level.POSTFIX))


@prints(ShowEffect)
def show_effect(node: ShowEffect, show: Printer) -> Doc:
    return spaced("show", show(node.text, Level.POSTFIX))


@prints(LogEffect)
def log_effect(node: LogEffect, show: Printer) -> Doc:
    return spaced("log", show(node.text, Level.POSTFIX))


@prints(OutputEffect)
def output_effect(node: OutputEffect, show: Printer) -> Doc:
    target = show(node.target, Level.POSTFIX)
    return spaced("output", show(node.value, Level.POSTFIX), "to", target, written_as(node.format))


@prints(AppendEffect)
def append_effect(node: AppendEffect, show: Printer) -> Doc:
    value = (show(node.value, Level.POSTFIX), " to") if node.value is not None else ""
    return spaced("append", value, show(node.target, Level.POSTFIX))


def written_as(format: str | None) -> str:
    return f"as {format}" if format else ""


@prints(ParallelBlock)
def parallel_block(node: ParallelBlock, show: Printer) -> Doc:
    return show.block("parallel [", node.branches, node.span)


@prints(Branch)
def branch(node: Branch, show: Printer) -> Doc:
    return node.token, " = ", show(node.value)
