"""`value with { … }`: what a tail of options means for the value before it."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError, Warned
from orchestra.nodes.base import Node, node
from orchestra.nodes.branches import Limits, StageBranches, limits_of
from orchestra.nodes.budgets import Limit, bounded, limit, place_of
from orchestra.nodes.commands import CallOptions, Code, Command, CommandOptions, OldCommand, OldRun, QuotedCommand
from orchestra.nodes.functions import Call, Function, Native, Stream
from orchestra.nodes.joining import Joiner
from orchestra.nodes.literals import Array
from orchestra.nodes.pipelines import ParallelCalls, Pipeline, run_pipeline
from orchestra.nodes.policies import Credential
from orchestra.nodes.promises import check_answer, check_promise, declared_errors
from orchestra.nodes.retrying import retrying
from orchestra.nodes.sessions import Asking
from orchestra.nodes.tails import With, asked_of_cache
from orchestra.values.executable import Executable
from orchestra.values.operators import truthy
from orchestra.values.presentation import presented
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, unwrap
from orchestra.values.text import template_text

__all__ = ["WithOptions"]

COMMANDS = (Command, Code, OldCommand, OldRun, QuotedCommand)

# What only a command can be told.
COMMAND_OPTIONS = ("ok", "stdin", "timeout", "using", "auth")

# What to write instead at the functions that ask a model.
HELP = {
    "timeout": 'it is a setting of the call: @claude(@prompt, { timeout: "5m" })',
    "tools": 'they are a setting of the call: @claude(@prompt, { tools: ["Read"] })',
}

# What is said of checkpoints, imports, loads and loops, and means nothing at a call.
MEANT_ELSEWHERE = (
    "profile", "skipDirs", "asSection", "ttl", "resume", "complete", "canary", "separator", "template",
)  # fmt: skip


def is_command(body: Node | None) -> bool:
    """Whether the body of a function is a command or code, whatever options stand behind it."""
    while isinstance(body, (WithOptions, Stream)):
        body = body.value if isinstance(body, WithOptions) else body.target
    return isinstance(body, COMMANDS)


def is_call(value: Node) -> bool:
    """Whether it is one call: of a function, a command, code or an agent."""
    return isinstance(value, (Call, Asking, *COMMANDS)) or (isinstance(value, Stream) and is_call(value.target))


def called(value: Node) -> str:
    """What is called, as a line about its attempts names it."""
    if isinstance(value, Stream):
        value = value.target
    if isinstance(value, Call):
        return value.callee.span.text
    return "" if isinstance(value, Asking) else value.span.text.split("\n")[0]  # a session says who it is


@node
class WithOptions(Node):
    """`value with { … }`."""

    value: Node
    options: With

    def __post_init__(self) -> None:
        if isinstance(self.value, Joiner):
            self.value.options = self.options
        self.options.of_session = isinstance(self.value, Asking)

    def plain_options(self, scope: Scope) -> dict[str, Any]:
        data = plain(self.options.object.eval(scope))
        return data if isinstance(data, dict) else {}

    def scope(self, around: Scope) -> Scope:
        """Where the value is made: other guards, policies and bounds may be in force there."""
        around = bounded(around, self._limit(around))
        if not any(self.options.part(name) for name in ("guards", "policy", "tools")) or self.options.of_session:
            return around
        return around.run.narrowed(self.options, around)  # type: ignore[no-any-return]

    def _limit(self, scope: Scope) -> Limit | None:
        """What model calls in the value may cost. Behind the body of a function it bounds all calls of that."""
        if isinstance(self.value, Joiner):  # a loop bounds each of its items
            return None
        function = self._function(scope)
        if function is not None:
            return limit(self.options, scope, f"@{function.name}", f"the budget of @{function.name}")
        return limit(self.options, scope, place_of(self), f"the budget in line {self.span.line}")

    def eval(self, scope: Scope) -> Any:
        scope = self.scope(scope)
        stages = self.options.part("pipeline")
        if stages is None:
            return self._source(scope)
        value = run_pipeline(self.value, self._source, _listed_stages(stages), scope, self.span, self._limits(scope))
        check_promise(self.options, value, scope)
        return value

    def _source(self, scope: Scope) -> Any:
        value = self._value(scope)
        form = self.options.part("format")
        return value if form is None else presented(value, unwrap(form.eval(scope)), form.span)

    def _limits(self, scope: Scope) -> Limits:
        return limits_of(self.options.part("parallel"), self.options.part("delay"), scope)

    def _value(self, scope: Scope) -> Any:
        self._check_options(scope)
        again = retrying(self.options, scope)
        if again is None:
            return self._accepted(self._attempt(1, scope), scope)
        if not is_call(self.value):
            part = self.options.part("retry")
            assert part is not None
            raise OrchError(
                "E207", "retry of with is for one call, and this is none", part.span,
                help="write it behind the call: @f(…) with { retry: 3 }",
            )  # fmt: skip
        refused = 0

        def work(number: int) -> Any:
            nonlocal refused
            value = self._attempt(number, _after_refusals(refused, scope))
            refused += 1  # counts only if the next line raises
            return self._accepted(value, scope)

        return again.tried(work, scope, called(self.value))

    def _accepted(self, value: Any, scope: Scope) -> Any:
        """The value, unless it reports an error that is declared for it, or is not as it is to be."""
        check_answer(value, declared_errors(self.options, scope), self.value)
        if self.options.part("pipeline") is None:  # else what comes out of that is meant
            check_promise(self.options, value, scope)
        return value

    def _function(self, scope: Scope) -> Function | None:
        """The function whose body this is."""
        function = scope.frame.function if scope.frame is not None else None
        return function if isinstance(function, Function) and function.body is self else None

    def _attempt(self, number: int, scope: Scope) -> Any:
        """The value itself; a call may be told to try again, so it may be made several times."""
        target = self.value
        if isinstance(target, Asking):
            return target.ask(self.options, number, self._around(scope))
        if isinstance(target, COMMANDS):
            return target.run(scope, self._command_options(scope))
        if isinstance(target, (Pipeline, ParallelCalls)):
            return target.run(scope, self._limits(scope))
        if isinstance(target, Call):
            return self._called(target, scope)
        if isinstance(target, Stream) and isinstance(target.target, Call):
            return self._called(target.target, target.live(scope))
        self._refuse(self._for_commands(), scope)
        return target.whole(scope)

    def _called(self, call: Call, scope: Scope) -> Any:
        """The call with what `with` says of it, and of the command that its function is."""
        live = self._around(scope)
        given = self._for_commands()
        if given:
            function = call.function(scope)
            if not is_command(getattr(function, "body", None)):
                self._refuse(given, scope, function)
            more = {"call options": CallOptions(function, self._command_options(scope))}
            live = live.within(live.context.with_(more={**(live.context.more or {}), **more}), live.kind)
        if self.options.part("sample") or self.options.part("cache"):
            return call.with_options(live, **asked_of_cache(self.options, scope))
        return call.whole(live)

    def _around(self, scope: Scope) -> Scope:
        """The scope in which live output is as `stream` and `streamFormat` want it."""
        wanted: dict[str, Any] = {}
        if self.options.part("stream"):
            wanted["stream"] = truthy(unwrap(self.options.value("stream", scope))) and scope.run.streams_live
        if self.options.part("streamFormat"):
            wanted["stream format"] = plain(self.options.value("streamFormat", scope))
        more = {**(scope.context.more or {}), **wanted}
        return scope.within(scope.context.with_(more=more), scope.kind) if wanted else scope

    def _check_options(self, scope: Scope) -> None:
        """Say which options do nothing here. E207 for tools that a model function is to be told otherwise."""
        call = self.value.target if isinstance(self.value, Stream) else self.value
        if self.options.part("tools") and not self.options.of_session:
            function = call.function(scope) if isinstance(call, Call) else None
            if isinstance(function, Native) and "llm" in function.labels:
                what = f"tools of with is for functions of the script, and @{function.name} is none"
                raise OrchError("E207", what, self.span, help=HELP["tools"])
            if not isinstance(call, (Call, Pipeline, ParallelCalls)):
                self._ignored("tools", scope)
        for name in MEANT_ELSEWHERE if is_call(self.value) else ("profile",):
            self._ignored(name, scope)

    def _ignored(self, name: str, scope: Scope) -> None:
        part = self.options.part(name)
        if part is not None:
            scope.run.warn_once(Warned("E207", f"{name} of with means nothing here and is ignored", part.span))

    def _for_commands(self) -> list[str]:
        """The options given that only a command can take."""
        return [name for name in COMMAND_OPTIONS if self.options.part(name)]

    def _refuse(self, given: list[str], scope: Scope, function: Any = None) -> None:
        """E207 for options that would be ignored."""
        if not given:
            return
        name, part = given[0], self.options.part(given[0])
        whose = f"@{function.name} is none" if isinstance(function, Executable) else "this is none"
        help = HELP.get(name) if isinstance(function, Native) and "llm" in function.labels else None
        raise OrchError(
            "E207", f"{name} of with is for commands, and {whose}", part.span if part else self.span,
            help=help or "write it behind the command: cmd { … } with { … }",
        )  # fmt: skip

    def _command_options(self, scope: Scope) -> CommandOptions:
        timeout = self.options.part("timeout")
        return CommandOptions(
            stdin=self.options.value("stdin", scope, MISSING),
            ok=truthy(unwrap(self.options.value("ok", scope, False))),
            timeout=_timeout(timeout, scope) if timeout is not None else None,
            env={**self._auth(scope), **self._using(scope)},
            stream=truthy(unwrap(self.options.value("stream", scope, False))),
            stream_format=plain(self.options.value("streamFormat", scope)),
        )

    def _auth(self, scope: Scope) -> dict[str, str]:
        """`auth: "name"`: like `using auth:name`."""
        part = self.options.part("auth")
        if part is None:
            return {}
        found = unwrap(part.eval(scope))
        name = found.name if isinstance(found, Credential) else str(found)
        credential: dict[str, str] = scope.run.credential(name.removeprefix("auth:"), scope, part.span)
        return credential

    def _using(self, scope: Scope) -> dict[str, str]:
        """`using: { var: @value, as: NAME }`: a value in the environment of this command only."""
        using = plain(self.options.value("using", scope))
        if not isinstance(using, dict):
            return {}
        return {str(using.get("as", "VALUE")): template_text(using.get("var"))}


def _after_refusals(count: int, scope: Scope) -> Scope:
    """Where another answer is wanted than those that were stored and then refused."""
    if not count:
        return scope
    more = {**(scope.context.more or {}), "refused answers": count}
    return scope.within(scope.context.with_(more=more), scope.kind)


def _timeout(part: Node, scope: Scope) -> float:
    from orchestra.nodes.durations import duration_of

    return duration_of(part, scope, "timeout")


def _listed_stages(stages: Node) -> list[Node]:
    """The stages of `pipeline: [@a, [@b, @c]]`; an inner list is a parallel group."""
    if not isinstance(stages, Array):
        return [stages]
    return [StageBranches(item.span, item.items) if isinstance(item, Array) else item for item in stages.items]
