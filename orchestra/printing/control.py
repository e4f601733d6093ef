"""How choices, loops and what may stand in them are written."""

from __future__ import annotations

from orchestra.nodes.base import Node
from orchestra.nodes.blocks import Block, Continue_, Done_, If, Retry_, Skip_
from orchestra.nodes.foreach import Foreach
from orchestra.nodes.loop import Endless, Loop, LoopHeader
from orchestra.nodes.loops import (
    Batch,
    BatchGroup,
    Binding,
    For,
    ForChoice,
    ForFilter,
)
from orchestra.nodes.parallel_for import OldParallel, Parallel, ParallelLimits
from orchestra.nodes.predicates import Choose, Option
from orchestra.nodes.reducing import Reduce
from orchestra.nodes.trying import Catch, Try
from orchestra.nodes.when import Arm, ArmAny, ArmNone, When, WhenInline, WhenMatch
from orchestra.printing.layout import Doc, edge
from orchestra.printing.pipelines import stages
from orchestra.printing.printer import Level, Printer, prints, spaced

# ── choices ──────────────────────────────────────────────────────────────────────────────────────


@prints(If)
def if_(node: If, show: Printer) -> Doc:
    otherwise = ("else ", show(node.otherwise)) if node.otherwise is not None else ""
    return spaced("if", show.closed(node.condition), show(node.then), otherwise)


@prints(Try)
def try_(node: Try, show: Printer) -> Doc:
    last = ("finally ", show(node.last)) if node.last is not None else ""
    return spaced("try", show(node.body), *map(show, node.handlers), last)


@prints(Catch)
def catch(node: Catch, show: Printer) -> Doc:
    return spaced("catch", ", ".join(node.caught), node.name or "", show(node.body))


def _subject(node: Node, show: Printer) -> Doc:
    """What stands directly after `when`, where a bracket would open the arms."""
    doc = show.closed(node)
    return ("(", doc, ")") if edge(doc, 0).startswith("[") else doc


@prints(When)
def when(node: When, show: Printer) -> Doc:
    return show.block("when [", node.entries, node.span)


@prints(WhenMatch)
def when_match(node: WhenMatch, show: Printer) -> Doc:
    return spaced("when", _subject(node.subject, show), show.block("[", node.entries, node.span))


@prints(WhenInline, level=Level.VALUE)
def when_inline(node: WhenInline, show: Printer) -> Doc:
    return spaced("when", _subject(node.condition, show), "=>", show.action(node.action))


@prints(Arm)
def arm(node: Arm, show: Printer) -> Doc:
    return spaced(show.closed(node.condition), "=>", show.action(node.action))


@prints(ArmAny)
def arm_any(node: ArmAny, show: Printer) -> Doc:
    return "* => ", show.action(node.action)


@prints(ArmNone)
def arm_none(node: ArmNone, show: Printer) -> Doc:
    return "none => ", show.action(node.action)


@prints(Choose)
def choose(node: Choose, show: Printer) -> Doc:
    return spaced("choose", show(node.question), show.block("[", node.options, node.span))


@prints(Option)
def option(node: Option, show: Printer) -> Doc:
    return spaced(show(node.label), "=>", show.action(node.action))


@prints(Done_)
def done(node: Done_, show: Printer) -> Doc:
    return spaced("done", show(node.value))


@prints(Continue_)
def continue_(node: Continue_, show: Printer) -> Doc:
    return spaced("continue", show(node.value))


@prints(Skip_)
def skip(node: Skip_, show: Printer) -> Doc:
    return "skip"


@prints(Retry_)
def retry(node: Retry_, show: Printer) -> Doc:
    return spaced("retry", show(node.hint))


# ── for ──────────────────────────────────────────────────────────────────────────────────────────


@prints(For, level=Level.VALUE)
def for_(node: For, show: Printer) -> Doc:
    head = spaced(show(node.parallel), show(node.binding), "in", show.closed(node.source))
    return spaced("for", head, _tail(node, show), show(node.batch))


def _tail(node: For, show: Printer) -> Doc:
    if isinstance(node.tail, (ForFilter, ForChoice)):
        return show(node.tail)
    return _iteration(node.tail, show, set_apart=node.batch is not None)


def _iteration(body: Node, show: Printer, set_apart: bool = False) -> Doc:
    """A body; one that would take the batch behind it for its own is set apart."""
    if isinstance(body, Block):
        return show(body)
    if set_apart and isinstance(body, (For, Foreach, Reduce)):
        return "=> (", show(body), ")"
    return "=> ", show.action(body)


@prints(Reduce, level=Level.VALUE)
def reduce(node: Reduce, show: Printer) -> Doc:
    return spaced("reduce", node.name, "=", show.closed(node.start), show(node.loop))


@prints(ForFilter)
def for_filter(node: ForFilter, show: Printer) -> Doc:
    return spaced("when", _subject(node.condition, show), _iteration(node.body, show))


@prints(ForChoice)
def for_choice(node: ForChoice, show: Printer) -> Doc:
    return show.block("when [", node.entries, node.span)


@prints(Parallel)
def parallel(node: Parallel, show: Printer) -> Doc:
    return "parallel", show(node.limits)


@prints(OldParallel)
def old_parallel(node: OldParallel, show: Printer) -> Doc:
    return spaced(show(node.limits), "parallel")


@prints(ParallelLimits)
def parallel_limits(node: ParallelLimits, show: Printer) -> Doc:
    return _limits(node.cap, node.pace, show)


def _limits(first: Node | None, pace: Node | None, show: Printer) -> Doc:
    return "(", show(first, Level.EXPRESSION), ", " if pace else "", show(pace, Level.EXPRESSION), ")"


@prints(Binding)
def binding(node: Binding, show: Printer) -> Doc:
    return (f"{node.key}, " if node.key else "") + "".join([node.variable, *node.path])


@prints(Batch)
def batch(node: Batch, show: Printer) -> Doc:
    return "=> ", stages(node.stages, show)


@prints(BatchGroup)
def batch_group(node: BatchGroup, show: Printer) -> Doc:
    return spaced("=> ||", show(node.branches), show(node.piped))


# ── loop ─────────────────────────────────────────────────────────────────────────────────────────


@prints(Loop)
def loop(node: Loop, show: Printer) -> Doc:
    until = ("until ", show.closed(node.until)) if node.until is not None else ""
    return spaced(("loop", show(node.header)), until, show(node.body))


@prints(LoopHeader)
def loop_header(node: LoopHeader, show: Printer) -> Doc:
    return _limits(node.limit, node.pace, show)


@prints(Endless)
def endless(node: Endless, show: Printer) -> Doc:
    return node.token
