"""What a script says and writes: `show`, `log`, `output`, `append`, `run`, bare calls, and their forms in pipelines."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, node
from orchestra.nodes.blocks import begins_effect, emits
from orchestra.nodes.commands import Code, Command, CommandOptions, QuotedCommand
from orchestra.nodes.files import Load
from orchestra.nodes.foreach import Foreach
from orchestra.nodes.functions import Call, Stream
from orchestra.nodes.gates import Gate
from orchestra.nodes.joining import Joiner
from orchestra.nodes.loop import Loop
from orchestra.nodes.loops import For
from orchestra.nodes.names import Reference
from orchestra.nodes.op import Op
from orchestra.nodes.options import WithOptions
from orchestra.nodes.parallel_block import ParallelBlock
from orchestra.nodes.pipeline_run import Effect
from orchestra.nodes.pipelines import ParallelCalls, Pipeline
from orchestra.nodes.sessions import Resume, Session
from orchestra.nodes.signals import Return
from orchestra.nodes.templates import Template, text_of
from orchestra.nodes.when import Chooser
from orchestra.source import Span
from orchestra.values.scope import Scope
from orchestra.values.tagged import add_labels, meta_of

__all__ = ["Append", "Invocation", "Log", "Output", "Run", "Show", "destination_text"]


@node
class Show(Statement):
    """`show value`."""

    labels: list[str]
    value: Node

    def exec(self, scope: Scope) -> None:
        if begins_effect(scope):
            self.outcome(scope)

    def outcome(self, scope: Scope) -> Any:
        """Show, and give the text: what `show` is worth as an arm of `when`."""
        if isinstance(self.value, WithOptions):
            scope = self.value.scope(scope)
        before = scope.run.streamed
        value = self._foreach(scope) or add_labels(self.value.whole(scope), map(str, self.labels))
        return value if was_live(value, before, scope) else scope.run.show(value, scope, self.span)

    def _foreach(self, scope: Scope) -> Any:
        given = self.value if isinstance(self.value, WithOptions) else None
        part = given.value if given is not None else self.value
        if not isinstance(part, Foreach):
            return None
        return part.shown(scope, given.plain_options(scope) if given is not None else {})


def was_live(value: Any, before: int, scope: Scope) -> bool:
    """Whether a value is the output of a command that was shown as it came, since `before` was counted."""
    facts = meta_of(value).facts
    return bool(facts and facts.get("streamed")) and scope.run.streamed > before


@node
class Log(Statement):
    """`log value`: to stderr; alone, the document so far."""

    value: Node | None

    def exec(self, scope: Scope) -> None:
        if not begins_effect(scope):
            return
        value = self.value.whole(scope) if self.value is not None else scope.run.document_text()
        scope.run.log(value, scope, self.span)


@node
class StreamName(Node):
    """`stdout` or `stderr` as a target."""

    token: str


@node
class BarePath(Node):
    """A target without quotes."""

    token: str


def destination_text(target: Node, scope: Scope) -> str:
    """A target as text: a path, or `stdout`, `stderr`, `env:NAME`."""
    if isinstance(target, (StreamName, BarePath)):
        return _bare(str(target.token), target)
    if isinstance(target, Load):
        return str(target.path(scope)[0])
    if isinstance(target, Reference) and target.name in ("root", "base"):
        raise OrchError(
            "E420",
            f"an unquoted @{target.name} is no path",
            target.span,
            help=f'quote it: "@{target.name}/…"',
        )
    return text_of(target.eval(scope))


def _bare(text: str, target: Node) -> str:
    """A target without quotes, where `@root` would be taken for a resolver."""
    if text.startswith(("@root/", "@base/")):
        raise OrchError("E420", f"an unquoted {text[:5]} is no path", target.span, help=f'quote it: "{text}"')
    return text


@node
class Output(Statement):
    """`output value to target as format`."""

    value: Node | None
    target: Node
    format: str | None

    def exec(self, scope: Scope) -> None:
        if not begins_effect(scope):
            return
        value = self.value.whole(scope) if self.value is not None else scope.run.document_text()
        write_output(value, self.value, self.target, self.format, scope, self.span)


@node
class OutputDocument(Statement):
    """`output target`: the document so far."""

    target: Node

    def exec(self, scope: Scope) -> None:
        if begins_effect(scope):
            write_output(scope.run.document_text(), None, self.target, None, scope, self.span)


@node
class OutputOld(Statement):
    """`output value "path"`."""

    value: Node
    target: Template

    def exec(self, scope: Scope) -> None:
        if begins_effect(scope):
            write_output(self.value.whole(scope), self.value, self.target, None, scope, self.span)


def write_output(value: Any, source: Node | None, target: Node, format: str | None, scope: Scope, span: Any) -> None:
    where = destination_text(target, scope)
    if where == "env":
        where = f"env:MLLD_{_source_name(source).upper().replace('-', '_')}"
    op = Op("output", "", [value], (), span, facts={"target": where})
    scope.run.perform(op, lambda op: scope.run.output(op.inputs[0], where, format and str(format), scope, span), scope)


def _source_name(source: Node | None) -> str:
    """The name by which a value without one of its own is known in the environment: that of its variable."""
    while source is not None and not isinstance(source, Reference):
        source = getattr(source, "base", None) or getattr(source, "callee", None)
    return source.name if source is not None else "output"


@node
class Append(Statement):
    """`append value to path`."""

    value: Node
    target: Node
    format: str | None

    def exec(self, scope: Scope) -> None:
        if begins_effect(scope):
            append_record(self.value.whole(scope), self.target, self.format, scope, self.span)


def append_record(value: Any, target: Node, format: str | None, scope: Scope, span: Any) -> None:
    where = destination_text(target, scope)
    if isinstance(target, StreamName):
        raise OrchError("E421", f"append writes to files, not to {where}", target.span, help=f"output … to {where}")
    op = Op("append", "", [value], (), span, facts={"target": where})
    scope.run.perform(op, lambda op: scope.run.append(op.inputs[0], where, format and str(format), scope, span), scope)


@node
class Run(Statement):
    """`run source`: executes and prints the result."""

    source: Node

    def __post_init__(self) -> None:
        self.source = _as_command(self.source)

    def exec(self, scope: Scope) -> None:
        if begins_effect(scope):
            before = scope.run.streamed
            value = self.outcome(scope)
            if not was_live(value, before, scope):
                scope.run.print_result(value, scope, self.span)

    def outcome(self, scope: Scope) -> Any:
        source = self.source
        if isinstance(source, Reference):
            return Call(source.span, source, []).eval(scope)
        if isinstance(source, Pipeline) and isinstance(source.stages[0], Command):
            first, *others = source.stages
            return Pipeline(source.span, source.source, [_Fed(first.span, first), *others]).eval(scope)
        return source.eval(scope)


def _as_command(source: Node) -> Node:
    """A text after `run` is a command, unless it is the input of one."""
    if isinstance(source, Template):
        return QuotedCommand(source.span, source)
    if isinstance(source, WithOptions):
        return WithOptions(source.span, _as_command(source.value), source.options)
    if isinstance(source, Pipeline) and not isinstance(source.stages[0], (Command, Code)):
        return Pipeline(source.span, _as_command(source.source), source.stages)
    return source


class _Fed(Node):
    """A command that gets an array line by line, as after `with { stdin: … }`."""

    __slots__ = ("command",)

    def __init__(self, span: Span, command: Any) -> None:
        self.span = span
        self.command = command

    def piped(self, value: Any, scope: Scope) -> Any:
        return self.command.run(scope, CommandOptions(stdin=value))


RUNS = (Call, Chooser, For, Foreach, Loop, Pipeline, ParallelBlock, ParallelCalls, Resume, Session, Stream, WithOptions)


@node
class Invocation(Statement):
    """A call that stands alone; at the top level its value is shown."""

    value: Node

    def __post_init__(self) -> None:
        kind = type(self.value).__name__
        if not isinstance(self.value, RUNS) and kind not in ("Command", "Code", "New", "BlockValue", "Box", "Gate"):
            raise OrchError(
                "E102",
                "this is a value, not a statement",
                self.span,
                help=f"show {_first_line(self.span.text)}",
                exit=2,
            )

    def exec(self, scope: Scope) -> Return | None:
        value = self.value
        acts = value.value if isinstance(value, WithOptions) and isinstance(value.value, Joiner) else value
        statement = getattr(acts, "exec_statement", None)
        if statement is not None and (not isinstance(acts, Gate) or begins_effect(scope)):
            return statement(scope)  # type: ignore[no-any-return]
        if statement is None and begins_effect(scope):
            self._shown(scope)
        return None

    def _shown(self, scope: Scope) -> None:
        before = scope.run.streamed
        value = self._value(scope)
        if was_live(value, before, scope):
            return
        if type(self.value).__name__ in ("Command", "Code"):
            scope.run.print_result(value, scope, self.span)
        elif emits(scope):
            scope.run.emit(value, scope)

    def _value(self, scope: Scope) -> Any:
        if isinstance(self.value, Stream):
            return scope.run.around("stream", self, scope, self.value.eval)
        return self.value.eval(scope)


def _first_line(text: str) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= 40 else line[:39] + "…"


# ── in pipelines ─────────────────────────────────────────────────────────────────────────────────


def _shown(part: Node | None, value: Any, scope: Scope) -> Any:
    """The value flowing past, or the text given with the effect."""
    if part is None:
        return value
    return part.whole(scope.child("stage", {"input": value}))


@node
class ShowEffect(Effect):
    text: Node | None

    def act(self, value: Any, scope: Scope) -> None:
        scope.run.show(_shown(self.text, value, scope), scope, self.span)


@node
class LogEffect(Effect):
    text: Node | None

    def act(self, value: Any, scope: Scope) -> None:
        scope.run.log(_shown(self.text, value, scope), scope, self.span)


@node
class OutputEffect(Effect):
    value: Node | None
    target: Node
    format: str | None

    def act(self, value: Any, scope: Scope) -> None:
        shown = _shown(self.value, value, scope)
        write_output(shown, self.value, self.target, self.format, scope.child("stage", {"input": value}), self.span)


@node
class AppendEffect(Effect):
    value: Node | None
    target: Node

    def act(self, value: Any, scope: Scope) -> None:
        shown = _shown(self.value, value, scope)
        append_record(shown, self.target, None, scope.child("stage", {"input": value}), self.span)
