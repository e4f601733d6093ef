"""The tools of one model call as its run sees them: what they carry, which functions they run, and the record of them.

What a tool may be used on is decided before, in `tools.toolbox`; who reads the record subscribes to `tool:done`.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import greenback

from orchestra.errors import OrchError
from orchestra.nodes.denial import Denial
from orchestra.nodes.op import Op
from orchestra.nodes.tool_collection import CollectedTool
from orchestra.runtime.tools.passage import Outcome, ToolUse, Work
from orchestra.runtime.tools.workspace import Refusal
from orchestra.source import Span
from orchestra.values.executable import Executable
from orchestra.values.scope import Context, Scope
from orchestra.values.tagged import MISSING, Meta, joined, merge, plain, tag
from orchestra.values.text import compact_json, template_text

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["DEEPEST", "ToolCalls", "tool_depth"]

DEEPEST: Final = 4  # models that are asked by functions that are tools of a model
LONGEST_ARGUMENT: Final = 2048  # characters of one argument in the record
FORBIDDEN: Final = "E602"  # by a policy; a model may do something else then
WRITING: Final = frozenset({"Write", "Edit"})
SEARCHES: Final = frozenset({"Glob", "Grep"})  # they leave out what must not be read


class ToolCalls:
    """The passage of one model call.

    meta:    what the conversation carries so far: prompt and settings, then whatever the tools brought
    lineage: the tool calls that succeeded, as `.mx.tools` of the answer shows them
    """

    def __init__(self, run: Run, scope: Scope, span: Span | None, call_id: str, meta: Meta) -> None:
        self._run = run
        self._scope = scope
        self._span = span
        self._call_id = call_id
        self.meta = meta
        self.lineage: list[dict[str, Any]] = []
        self._count = 0

    async def perform(self, use: ToolUse, work: Work) -> Outcome:
        outcome = await self._performed(use, work)
        if use.path is not None and use.name in WRITING and not outcome.is_error:
            self._run.labelled_files.wrote(Path(use.path), self.meta, use.name, added=use.name == "Edit")
        return outcome

    async def _performed(self, use: ToolUse, work: Work) -> Outcome:
        if not self._run.watches("tool"):
            return await work(use.input)
        await greenback.ensure_portal()
        done: list[Outcome] = []

        def body(op: Op, scope: Scope) -> Any:
            outcome = self._run.wait(work, plain(op.inputs[0]))
            done.append(outcome)
            return tag(outcome.text, outcome.meta)

        facts = {"command": use.input.get("command"), "target": use.path}
        op = Op("tool", use.name, [tag(use.input, self.meta)], (), self._span, "", facts)
        try:
            if use.path is not None and use.name not in SEARCHES:
                self._run.seam.policies.check_file("w" if use.name in WRITING else "r", Path(use.path))
            value = self._run.seam.perform(op, body, self._scope, {})
        except OrchError as error:
            if isinstance(error, Denial) or error.code == FORBIDDEN:
                raise Refusal(error.message) from None
            raise
        return replace(done[-1], text=template_text(value), meta=joined((value,), deep=True))

    async def call(self, function: Executable, arguments: list[Any]) -> Outcome:
        await greenback.ensure_portal()
        inputs = [argument if argument is MISSING else tag(argument, self.meta) for argument in arguments]
        context = self._scope.context
        more = {**(context.more or {}), "tool": {"name": function.name, "depth": tool_depth(context) + 1}}
        inner = self._scope.within(context.with_(stage=None, for_=None, loop=None, more=more), self._scope.kind)
        try:
            value = self._invoke(function, inputs, inner)
        except OrchError as error:
            if error.fatal or error.exit not in (1, 2):
                raise
            return Outcome(f"{function.name} failed: {error.message}", True, joined(inputs, deep=True))
        return Outcome(template_text(value), False, joined((value,), deep=True))

    def _invoke(self, function: Executable, inputs: list[Any], scope: Scope) -> Any:
        if isinstance(function, CollectedTool):
            return function.invoke(inputs, scope, self._span)
        op = Op("exe", function.name, inputs, function.labels, self._span, "", {}, function)
        return self._run.call(op, scope)

    def shows(self, path: Path) -> bool:
        try:
            self._run.seam.policies.check_file("r", path)
        except OrchError:
            return False
        return True

    def clean(self, text: str) -> str:
        return self._run.agent.redactor.clean(text)

    def passed(self, name: str, input: Any, outcome: Outcome, ms: int) -> None:
        self.meta = merge(self.meta, outcome.meta)
        self._count += 1
        place = f"orch:{self._run.execution.id}/{self._call_id}/{self._count}"
        id = str(uuid.uuid5(uuid.NAMESPACE_URL, place))
        arguments = input if isinstance(input, dict) else {}
        if not outcome.is_error:
            self.lineage.append({"name": name, "args": list(arguments), "auditRef": id})
        self._run.tools_called.append(name)
        if outcome.is_error:
            self._run.tools_denied.append(name)
        meta = self.meta
        facts: dict[str, Any] = {
            "tool": name, "caller": self._call_id, "ok": not outcome.is_error, "ms": ms,
            "args": {key: self._told(value) for key, value in arguments.items()}, "resultLength": len(outcome.text),
            "labels": list(meta.labels), "taint": list(meta.taint), "sources": list(meta.sources),
        }  # fmt: skip
        self._run.audit("toolCall", id, **facts)
        self._run.event("tool:done", id=id, **facts)

    def _told(self, value: Any) -> str:
        text = self.clean(value if isinstance(value, str) else compact_json(value))
        return text if len(text) <= LONGEST_ARGUMENT else text[:LONGEST_ARGUMENT] + "…"


def tool_depth(context: Context) -> int:
    """In how many functions that models called the running line stands."""
    tool = (context.more or {}).get("tool")
    return int(tool["depth"]) if tool is not None else 0
