"""An operation as hooks, guards and checkpoints see it. Nodes make them, the run performs them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from orchestra.source import Span

__all__ = ["Op"]


@dataclass(slots=True, eq=False)
class Op:
    """kind: `exe`, `show`, `run` …; name: of the function or variable; alias: the name used in the call;
    inputs: arguments or content; labels: of the operation; facts: further fields of `@mx.op`;
    function: what is called; sample: which of several distinct answers is asked for."""

    kind: str
    name: str = ""
    inputs: list[Any] = field(default_factory=list)
    labels: tuple[str, ...] = ()
    span: Span | None = None
    alias: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    function: Any = None
    sample: int = 0
    cache: bool = True

    def with_inputs(self, inputs: list[Any]) -> Op:
        return replace(self, inputs=inputs)
