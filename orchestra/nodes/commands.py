"""Commands and foreign code: what is run and with which values. Running them is the run's business."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node
from orchestra.nodes.op import Op
from orchestra.nodes.shell_text import Inserted, check_interpolated, open_quote, quote_value, refused_operator
from orchestra.nodes.templates import Interpolation, Template, Text, is_defined, text_of
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import MISSING, Meta, joined, merge, meta_of, tag, unwrap, with_facts
from orchestra.values.text import auto_parse, compact_json

__all__ = [
    "SCRIPTS", "CallOptions", "Code", "Command", "CommandOptions", "OldCommand", "OldRun", "QuotedCommand", "Using",
    "call_options", "is_live", "piped_text", "runs_shell",
]  # fmt: skip


SCRIPTS: Final = ("js", "javascript", "node", "nodejs")


@dataclass(slots=True)
class CommandOptions:
    """What `with { … }` says about one command: `stdin` as a value, `ok` to accept failure, seconds of `timeout`,
    `stream_format` the name of a form of live output or an object that describes it."""

    stdin: Any = MISSING
    ok: bool = False
    timeout: float | None = None
    env: dict[str, str] = field(default_factory=dict)
    stream: bool = False
    stream_format: Any = None


@node
class CodeArgs(Node):
    """`(@a, @b)`: the variables that inline code sees."""

    names: list[str]


@node
class CodeDir(Node):
    """`:/folder` after the language: where it runs."""

    parts: list[Node]


@node
class Using(Node):
    """`using @value as NAME`: a value in the environment of this command only."""

    value: Node
    name: str

    def variables(self, scope: Scope) -> dict[str, str]:
        return {str(self.name): text_of(self.value.eval(scope))}


@node
class UsingAuth(Node):
    """`using auth:name`: a credential in the environment of this command only."""

    name: str

    def variables(self, scope: Scope) -> dict[str, str]:
        found: dict[str, str] = scope.run.credential(str(self.name), scope, self.span)
        return found


@node
class PlainName(Node):
    """A name without quotes: `as: NAME` of a variable for a command, `resume: manual` of a checkpoint."""

    name: str

    def eval(self, scope: Scope) -> str:
        return str(self.name)


def runs_shell(body: Node | None) -> bool:
    """Whether a shell runs this: it gets values as text."""
    if isinstance(body, Code):
        return str(body.language) in ("sh", "bash")
    return isinstance(body, (Command, OldCommand, OldRun, QuotedCommand))


def piped_text(value: Any) -> Any:
    """A value as a shell in a pipeline gets it: data as the text that it was read from, else as compact JSON."""
    if not isinstance(unwrap(value), (list, dict)):
        return value
    text = meta_of(value).text
    return tag(compact_json(value) if text is None else text, joined((value,), deep=True))


def is_live(scope: Scope) -> bool:
    """Whether the call around asks for output as it comes."""
    return bool((scope.context.more or {}).get("stream"))


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What `with` at a call says about the command that the function is. `function` tells it from those inside."""

    function: Executable
    command: CommandOptions

    def added_to(self, own: CommandOptions) -> CommandOptions:
        """The options of the command, with those of the call above them."""
        call = self.command
        return replace(
            own,
            ok=own.ok or call.ok,
            stdin=own.stdin if call.stdin is MISSING else call.stdin,
            timeout=own.timeout if call.timeout is None else call.timeout,
            env={**own.env, **call.env},
        )

    def answer_depends_on(self) -> dict[str, Any]:
        """What of them makes another answer of a labelled call."""
        stdin = {} if self.command.stdin is MISSING else {"stdin": self.command.stdin}
        return {**stdin, **({"using": self.command.env} if self.command.env else {})}


def call_options(function: Executable | None, scope: Scope) -> CallOptions | None:
    """What `with` said at the call of this function, if that is the call being made."""
    options = (scope.context.more or {}).get("call options")
    return options if isinstance(options, CallOptions) and options.function is function else None


def _completed(options: CommandOptions, using: Using | UsingAuth | None, scope: Scope) -> CommandOptions:
    """The options with what stands at the command itself and around the call."""
    around = call_options(scope.frame.function, scope) if scope.frame is not None else None
    options = options if around is None else around.added_to(options)
    env = {**options.env, **using.variables(scope)} if using is not None else options.env
    live = is_live(scope) or (options.stream and scope.run.streams_live)
    form = options.stream_format or (scope.context.more or {}).get("stream format")
    return replace(options, env=env, stream=live, stream_format=form)


def _directory(part: CodeDir | None, scope: Scope) -> str | None:
    if part is None:
        return None
    from orchestra.nodes.files import path_text

    return path_text(part.parts, scope)[0]


@node
class Command(Node):
    """`cmd { … }`: one shell command with values filled in."""

    args: CodeArgs | None
    directory: CodeDir | None
    parts: list[Node]
    using: Using | UsingAuth | None = None

    def eval(self, scope: Scope) -> Any:
        return self.run(scope, CommandOptions())

    def piped(self, value: Any, scope: Scope) -> Any:
        return self.run(scope, CommandOptions(stdin=piped_text(value)))

    def run(self, scope: Scope, options: CommandOptions) -> Any:
        options = _completed(options, self.using, scope)
        text, meta = command_text(self.parts, self.span, scope)
        facts = {"command": text, "subtype": "cmd"}
        op = Op("run", "", [tag(text, meta)], (), self.span, facts=facts)
        directory = _directory(self.directory, scope)
        told = {"source": "cmd", "command": text, **_streamed(options)}

        def work(op: Op) -> Any:
            outcome = scope.run.command(str(unwrap(op.inputs[0])), directory, options, scope, self.span)
            return _result(outcome, meta, told, scope)

        return scope.run.perform(op, work, scope)


@node
class OldCommand(Node):
    """`run { … }`: the old spelling of `run cmd { … }`."""

    parts: list[Node]
    using: Using | UsingAuth | None = None

    def eval(self, scope: Scope) -> Any:
        return self.run(scope, CommandOptions())

    def run(self, scope: Scope, options: CommandOptions) -> Any:
        return Command(self.span, None, None, self.parts, self.using).run(scope, options)


@node
class QuotedCommand(Node):
    """`run "…"`: the oldest spelling."""

    text: Template
    using: Using | UsingAuth | None = None

    def __post_init__(self) -> None:
        check_operators(self.text.parts, self.span)

    def eval(self, scope: Scope) -> Any:
        return self.run(scope, CommandOptions())

    def run(self, scope: Scope, options: CommandOptions) -> Any:
        return Command(self.span, None, None, self.text.parts, self.using).run(scope, options)


@node
class OldRun(Node):
    """`run { … }` or `run "…"` where a value stands."""

    command: OldCommand | QuotedCommand

    def eval(self, scope: Scope) -> Any:
        return self.command.eval(scope)

    def run(self, scope: Scope, options: CommandOptions) -> Any:
        return self.command.run(scope, options)


def command_text(parts: list[Node], span: Span, scope: Scope) -> tuple[str, Meta]:
    """The command line, values quoted for the place where they stand. E502 for operators that values bring in."""
    written = ""
    meta = Meta()
    inserted: list[Inserted] = []
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if isinstance(part, Text):
            written += part.value
            continue
        name = part.span.text
        if isinstance(part, Interpolation) and (not is_defined(part.target, scope) or _calls(part, following, scope)):
            written += name
            continue
        value = part.eval(scope)
        meta = merge(meta, joined((value,), deep=True))
        quoted = open_quote(written) == '"'
        if isinstance(part, Interpolation):
            inserted.append(Inserted(name.lstrip("@"), value, quoted))
            written += quote_value(value, quoted)
        else:
            written += text_of(value)
    try:
        check_interpolated(inserted)
    except OrchError as error:
        raise error.at(span) from None
    return written.strip(), meta


def _calls(part: Interpolation, following: Node | None, scope: Scope) -> bool:
    """Whether this reads as a call, which command lines do not expand."""
    if not isinstance(following, Text) or not following.value.startswith("("):
        return False
    return isinstance(unwrap(part.target.peek(scope)), Executable)


def check_operators(parts: list[Node], span: Span) -> None:
    """E502 for shell operators written outside quotes; found before anything runs."""
    text = "".join(part.value if isinstance(part, Text) else "@" * len(part.span.text) for part in parts)
    found = refused_operator(text)
    if found is not None:
        offset, operator = found
        start = span.source.text.find(text[offset : offset + len(operator)], span.start + offset)
        place = Span(span.source, start, start + len(operator)) if start >= 0 else span
        raise OrchError("E502", f"{operator} is not allowed in cmd", place, help="use sh { … }", exit=2)


@node
class Code(Node):
    """`js { … }`, `node`, `py`, `sh`, `bash`: foreign code, untouched."""

    language: str
    args: CodeArgs | None
    directory: CodeDir | None
    code: str
    using: Using | UsingAuth | None = None

    @property
    def is_script(self) -> bool:
        """Whether it is JavaScript."""
        return str(self.language) in SCRIPTS

    def eval(self, scope: Scope) -> Any:
        return self.run(scope, CommandOptions())

    def piped(self, value: Any, scope: Scope) -> Any:
        if self.is_script:
            return self._run(scope, CommandOptions(), {**self._params(scope), **self._piped_params(scope)})
        return self.run(scope, CommandOptions(stdin=piped_text(value)))

    def run(self, scope: Scope, options: CommandOptions) -> Any:
        return self._run(scope, options, self._params(scope) or self._piped_params(scope))

    def _run(self, scope: Scope, options: CommandOptions, params: dict[str, Any]) -> Any:
        options = _completed(options, self.using, scope)
        lang = str(self.language)
        meta = joined(params.values(), deep=True)
        code = tag(str(self.code), meta)
        op = Op("run", "", [code], (), self.span, facts={"subtype": lang, "command": str(self.code)})
        directory = _directory(self.directory, scope)
        told = {"source": lang, "command": str(self.code).strip(), **_streamed(options)}

        def work(op: Op) -> Any:
            outcome = scope.run.code(lang, str(unwrap(op.inputs[0])), params, directory, options, scope, self.span)
            return _result(outcome, meta, told, scope)

        return scope.run.perform(op, work, scope)

    def _params(self, scope: Scope) -> dict[str, Any]:
        """The values the code sees: those listed, or the parameters of the function around it."""
        if self.args is not None:
            return {str(name)[1:]: self._listed(str(name)[1:], scope) for name in self.args.names}
        current: Scope | None = scope
        while current is not None and current.kind not in ("call", "module"):
            current = current.parent
        return dict(current.names) if current is not None and current.kind == "call" else {}

    def _piped_params(self, scope: Scope) -> dict[str, Any]:
        """What flows through the pipeline, as `input`: for JavaScript, which has no standard input."""
        stage = scope.context.stage
        return {"input": stage.input} if self.is_script and stage is not None and stage.stage else {}

    def _listed(self, name: str, scope: Scope) -> Any:
        value = scope.find(name)
        if value is ABSENT:
            raise OrchError("E201", f"variable @{name} is not defined", self.span)
        return value


def _streamed(options: CommandOptions) -> dict[str, Any]:
    return {"streamed": True} if options.stream else {}


def _result(result: Any, meta: Meta, facts: dict[str, Any], scope: Scope) -> Any:
    """What a command gives: text that is JSON becomes data; the exit code and stderr are facts about it."""
    value = result.value
    if isinstance(value, str) and scope.run.reads_json:
        value = auto_parse(value)
    value = with_facts(value, {**facts, **result.facts}, None)
    value = scope.run.kept_secret(value, result.text or str(result.value))
    return tag(value, merge(Meta(taint=(f"src:{facts['source']}",)), meta))
