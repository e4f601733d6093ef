"""`@mx.llm`: what a hand-written wrapper around an agent program is to tell it of the tools of its call."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.runtime.security.boxes import narrowed
from orchestra.runtime.tools.specs import ToolSet, parse_tools
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain

__all__ = ["llm_context"]


def llm_context(scope: Scope) -> Any:
    """The tools of the innermost labelled call that got settings with `tools`, as text; MISSING outside of one.

    Raises E701, E704 for tools that are none, and for functions, which no program can be given by name.
    """
    frame = scope.frame
    while frame is not None:
        if frame.function is not None and "llm" in frame.function.labels:
            settings = next((data for value in frame.inputs if "tools" in (data := _object(value))), None)
            if settings is not None:
                return _told(narrowed(parse_tools(settings["tools"]), scope.context.guarding), scope)
        frame = frame.outer
    return MISSING


def _object(value: Any) -> dict[str, Any]:
    data = plain(value)
    return data if isinstance(data, dict) else {}


def _told(tools: ToolSet, scope: Scope) -> dict[str, Any]:
    if tools.functions:
        name = tools.functions[0].function.name
        raise OrchError("E704", f"@{name} cannot be told to a program as a tool", help="use @claude of @orch/llm")
    granted = (rule for rule in tools.grants if rule.tool in tools.names)
    allowed = ",".join(map(str, (*granted, *tools.foreign)))
    boxed = scope.context.guarding is not None and bool(scope.context.guarding.boxes)
    return {"config": "", "allowed": allowed, "native": allowed, "inBox": boxed, "hasTools": bool(allowed)}
