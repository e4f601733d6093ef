"""`value with { … }`: what a tail of options means for the value before it."""

from __future__ import annotations

from typing import Any

from orchestra.nodes.base import Node, node
from orchestra.nodes.branches import Limits, StageBranches, limits_of
from orchestra.nodes.commands import Code, Command, CommandOptions, OldCommand, OldRun, QuotedCommand
from orchestra.nodes.functions import Call
from orchestra.nodes.joining import Joiner
from orchestra.nodes.literals import Array
from orchestra.nodes.pipelines import ParallelCalls, Pipeline, run_pipeline
from orchestra.nodes.tails import With
from orchestra.values.operators import truthy
from orchestra.values.presentation import presented
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, unwrap
from orchestra.values.text import template_text

__all__ = ["WithOptions"]


@node
class WithOptions(Node):
    """`value with { … }`."""

    value: Node
    options: With

    def __post_init__(self) -> None:
        if isinstance(self.value, Joiner):
            self.value.options = self.options

    def plain_options(self, scope: Scope) -> dict[str, Any]:
        data = plain(self.options.object.eval(scope))
        return data if isinstance(data, dict) else {}

    def scope(self, around: Scope) -> Scope:
        """Where the value is made: other guards and policies may be in force there."""
        if self.options.part("guards") is None and self.options.part("policy") is None:
            return around
        return around.run.narrowed(self.options, around)  # type: ignore[no-any-return]

    def eval(self, scope: Scope) -> Any:
        scope = self.scope(scope)
        stages = self.options.part("pipeline")
        if stages is None:
            return self._source(scope)
        return run_pipeline(self.value, self._source, _listed_stages(stages), scope, self.span, self._limits(scope))

    def _source(self, scope: Scope) -> Any:
        value = self._value(scope)
        form = self.options.part("format")
        return value if form is None else presented(value, unwrap(form.eval(scope)), form.span)

    def _limits(self, scope: Scope) -> Limits:
        return limits_of(self.options.part("parallel"), self.options.part("delay"), scope)

    def _value(self, scope: Scope) -> Any:
        target = self.value
        if isinstance(target, (Command, Code, OldCommand, OldRun, QuotedCommand)):
            return target.run(scope, self._command_options(scope))
        if isinstance(target, (Pipeline, ParallelCalls)):
            return target.run(scope, self._limits(scope))
        if isinstance(target, Call) and (self.options.part("sample") or self.options.part("cache")):
            sample = unwrap(self.options.value("sample", scope, 0))
            cache = truthy(unwrap(self.options.value("cache", scope, True)))
            return target.with_options(scope, int(sample or 0), cache)
        return target.whole(scope)

    def _command_options(self, scope: Scope) -> CommandOptions:
        timeout = self.options.part("timeout")
        return CommandOptions(
            stdin=self.options.value("stdin", scope, MISSING),
            ok=truthy(unwrap(self.options.value("ok", scope, False))),
            timeout=_timeout(timeout, scope) if timeout is not None else None,
            env=self._using(scope),
            stream=truthy(unwrap(self.options.value("stream", scope, False))),
        )

    def _using(self, scope: Scope) -> dict[str, str]:
        """`using: { var: @value, as: NAME }`: a value in the environment of this command only."""
        using = plain(self.options.value("using", scope))
        if not isinstance(using, dict):
            return {}
        return {str(using.get("as", "VALUE")): template_text(using.get("var"))}


def _timeout(part: Node, scope: Scope) -> float:
    from orchestra.nodes.durations import duration_of

    return duration_of(part, scope, "timeout")


def _listed_stages(stages: Node) -> list[Node]:
    """The stages of `pipeline: [@a, [@b, @c]]`; an inner list is a parallel group."""
    if not isinstance(stages, Array):
        return [stages]
    return [StageBranches(item.span, item.items) if isinstance(item, Array) else item for item in stages.items]
