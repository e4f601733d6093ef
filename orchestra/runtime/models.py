"""`@claude` and its relatives as functions of the language: arguments in, an answer with its facts out.

The call itself is the agent's, its row in the ledger that of `ledger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError, Warned
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.claude_arguments import FUNCTIONS, CallArguments, read_arguments
from orchestra.runtime.lanes import next_position
from orchestra.runtime.ledger import Ledgered
from orchestra.runtime.reusing import Reusing, given_again, kept_form
from orchestra.runtime.security.boxes import narrowed
from orchestra.runtime.tool_calls import DEEPEST, ToolCalls, tool_depth
from orchestra.values.scope import Scope
from orchestra.values.tagged import Meta, joined, merge, meta_of, tag, with_facts

if TYPE_CHECKING:
    from orchestra.providers.choice import ResolvedModel
    from orchestra.runtime.run import Run
    from orchestra.store import Answer

__all__ = ["model_answer", "model_functions"]


def model_functions(run: Run) -> dict[str, Native]:
    """The exports of the bundled module `@orch/llm`."""

    def ask(op: Op, scope: Scope) -> Any:
        return model_answer(run, op, scope)

    return {name: Native(name, ("prompt", "options"), ask, ("llm",)) for name in FUNCTIONS}


def model_answer(run: Run, op: Op, scope: Scope) -> Any:
    """What a model answers to a call of one of these functions."""
    return _Call(run, op, scope).answer()


class _Call:
    """One call of a model function."""

    def __init__(self, run: Run, op: Op, scope: Scope) -> None:
        self._run = run
        self._op = op
        self._scope = scope
        self._fn = _function_name(op, scope)
        self._id = run.next_call_id()
        own = Meta(("llm",), ("llm", "src:llm"))
        self._tools = ToolCalls(run, scope, op.span, self._id, merge(joined(op.inputs, deep=True), own))
        self._streams = False

    def answer(self) -> Any:
        if tool_depth(self._scope.context) > DEEPEST:
            raise OrchError("E732", f"models may ask further models {DEEPEST} deep, and no deeper")
        given = read_arguments(self._op.name, self._op.inputs, self._run.root, self._run.config.llm.maxTokens)
        if given.unknown and self._run.options.strict:
            raise OrchError("E701", given.warnings[0], self._op.span)
        request = self._request(given)
        if self._run.planning is not None:
            return self._run.planning.model(request, self._run.agent)
        resolved = self._run.agent.resolve(request.model, request.provider)
        self._warn(given.warnings if self._run.agent.is_agent(resolved) else given.warnings + given.agents_only)
        memo = self._scope.context.memo
        if memo is None:
            return self._asked(given, request, resolved, None)
        memo.asked(request.model, request.provider, f"{resolved.provider}/{resolved.id}")
        if memo.requests is None:
            memo.requests = Reusing(self._run, memo)
        name = memo.requests.name(request, resolved, self._op, self._scope) if given.cache else None
        answer = memo.requests.find(name) if name is not None else None
        return self._asked(given, request, resolved, name) if answer is None else self._again(answer, request, resolved)

    def _asked(self, given: CallArguments, request: LLMRequest, resolved: ResolvedModel, name: str | None) -> Any:
        """What a model says. name: under which its answer is kept for the labelled call around, None for not at all."""
        memo = self._scope.context.memo
        ledgered = Ledgered(self._run, self._scope, self._id, self._fn, resolved, given.max_cost)
        try:
            result = self._run.wait(self._run.agent.call, request, ledgered.meter)
        except OrchError as error:
            if ledgered.meter.attempts or error.code != "E712":  # what was never sent is no call
                ledgered.over(None, error.message)
            self._run.ended_by(error)
            if memo is not None:
                memo.fleeting = "failed"
            if given.on_fail != "null" or error.fatal or error.code == "E701":
                raise error.at(self._op.span) from None
            self._run.warn(Warned(error.code, f"@{self._fn}: {error.message}", self._op.span, error.help))
            told = {"code": error.code, "message": error.message}
            return with_facts(None, {"llm": {"provider": resolved.provider, "model": resolved.id, "error": told}})
        value = self._value(result)
        if name is not None and memo.requests.keeps(result):
            ledgered.answered(result.stop, name, kept_form(result, value))
        else:
            ledgered.over(result.stop, None)
        if memo is not None:
            memo.requests.asked += 1
            memo.fleeting = None if given.cache else "uncached"
            if result.poll is not None:
                memo.wrote(result.poll.path, "poll")
        return value

    def _again(self, answer: Answer, request: LLMRequest, resolved: ResolvedModel) -> Any:
        """The answer that an equal request of this labelled call had, and its file; it costs nothing."""
        memo = self._scope.context.memo
        result = given_again(answer, request)
        if result.poll is not None:
            self._run.wait(self._run.agent.write_poll, request, result.poll.content)
            memo.wrote(result.poll.path, "poll")
        Ledgered(self._run, self._scope, self._id, self._fn, resolved, None).reused(answer.call)
        self._run.event(
            "llm:reused", call_id=self._id, fn=self._fn, provider=resolved.provider, model=resolved.id
        )  # fmt: skip
        memo.requests.reused += 1
        memo.fleeting = None
        self._streams = False
        before = meta_of(answer.value)
        self._tools.meta = merge(self._tools.meta, before)
        self._tools.lineage = (before.facts or {}).get("tools") or []
        value = self._value(result)
        facts = meta_of(value).facts or {}
        return with_facts(value, {**facts, "llm": {**facts["llm"], "cached": True}})

    def _warn(self, warnings: list[str]) -> None:
        for warning in warnings:
            self._run.warn(Warned("E701", warning, self._op.span))

    def _request(self, given: CallArguments) -> LLMRequest:
        fields = {name: getattr(given, name) for name in CallArguments.__dataclass_fields__ if name in REQUEST_FIELDS}
        if isinstance(given.provider, dict):
            fields["provider"] = self._run.agent.endpoint(given.provider)
        if isinstance(given.schema, str):
            fields["schema"] = self._run.schema_file(given.schema, self._scope)
        if given.poll is not None and not given.poll.is_absolute():
            fields["poll"] = self._run.root / given.poll
        if not given.dir.is_absolute():
            fields["dir"] = self._run.root / given.dir
        fields["tools"] = narrowed(given.tools, self._scope.context.guarding)
        streams = bool((self._scope.context.more or {}).get("stream"))
        self._streams = (given.stream or streams) and self._run.streams_text
        return LLMRequest(
            call_id=self._id, fn=self._fn, position=next_position(), passage=self._tools, stream=self._streams,
            **fields,
        )  # fmt: skip

    def _value(self, result: LLMResult) -> Any:
        """The answer as data with its text, what arguments and tools carried, and what is known about the call."""
        facts: dict[str, Any] = {"llm": self._facts(result), "tools": self._tools.lineage}
        if self._streams and result.poll is None:
            facts["streamed"] = True  # the statement `stream` does not show once more what was shown live
        value = with_facts(result.data, facts, result.text if not isinstance(result.data, str) else None)
        return tag(value, self._tools.meta)

    def _facts(self, result: LLMResult) -> dict[str, Any]:
        usage = result.usage
        poll = result.poll
        return {
            "provider": result.provider,
            "model": result.model,
            "usage": {
                "input": usage.input,
                "output": usage.output,
                "cacheWrite": usage.cache_write,
                "cacheRead": usage.cache_read,
            },
            "cost": result.cost,
            "turns": result.turns,
            "stop": result.stop,
            "ms": result.ms,
            "attempts": result.attempts,
            "cached": False,
            "archive": result.archive,
            "call": f"{self._run.execution.id}/{self._id}",
            "error": None,
            "poll": None
            if poll is None
            else {"path": str(poll.path), "written": poll.written, "salvaged": poll.salvaged},
        }


REQUEST_FIELDS = frozenset(LLMRequest.__dataclass_fields__) - {"call_id", "fn", "stream", "position", "passage"}


def _function_name(op: Op, scope: Scope) -> str:
    """For which function of the script a model is asked: the outermost labelled one, within a tool the innermost."""
    if tool_depth(scope.context):
        frame = scope.frame
        while frame is not None:
            if frame.function is not None and "llm" in frame.function.labels:
                return str(frame.function.name)
            frame = frame.outer
    memo = scope.context.memo
    return str(memo.op.name) if memo is not None else op.name
