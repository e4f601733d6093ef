"""How questions of the runtime's own reach a model: as labelled calls, looked up and stored like those of scripts.

Here is also found what a row about such a call needs: its place, the model that answered, the call itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.runtime.semantic.questions import WORDING
from orchestra.source import Span
from orchestra.values.scope import Scope
from orchestra.values.tagged import meta_of, plain

if TYPE_CHECKING:
    from orchestra.runtime.run import Run
    from orchestra.store import Decisions

__all__ = ["Asking"]

WHO = ("model", "provider")


class Asking:
    """One for each run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._times: dict[tuple[str, int, str], int] = {}

    def function(
        self, name: str, params: tuple[str, ...], purpose: str, put: Callable[[Op], tuple[str, dict[str, Any] | None]]
    ) -> Native:
        """A labelled function that asks a model. `put` makes prompt and schema of its arguments, of which the last
        holds settings."""

        def ask(op: Op, scope: Scope) -> Any:
            prompt, schema = put(op)
            given = plain(op.inputs[-1])
            settings = {"purpose": purpose, **{key: given[key] for key in WHO if key in given}}
            if schema is not None:
                settings["schema"] = schema
            return self._run.ask_model(prompt, settings, op, scope)

        function = Native(name, params, ask, ("llm",))
        function.digest = f"native:{name}:{WORDING}"
        return function

    def who(self, model: str | None, provider: str | None) -> dict[str, Any]:
        """Who is to be asked: whom the script names, else the judge of the project."""
        chosen = {"model": model or self._run.config.llm.judge, "provider": provider}
        return {key: value for key, value in chosen.items() if value is not None}

    def ask(self, function: Native, inputs: list[Any], span: Span | None, scope: Scope) -> Any:
        """The answer, stored or new. For the script around it is no result of its own."""
        op = Op("exe", function.name, inputs, function.labels, span, "", {}, function)
        return self._run.call(op, scope.within(scope.context, "call"))

    # ── for rows ─────────────────────────────────────────────────────────────────────────────────

    def place(self, span: Span | None, content: str, scope: Scope) -> tuple[str, int, int]:
        """Site, iteration of the innermost loop, and how often the same was there before in this execution."""
        site = span.where if span is not None else ""
        iteration = _iteration(scope)
        key = (site, iteration, hashlib.sha256(content.encode("utf-8", "replace")).hexdigest())
        times = self._times[key] = self._times.get(key, -1) + 1
        return site, iteration, times

    def facts(self, answer: Any) -> Mapping[str, Any]:
        """What is known about the call behind an answer."""
        known: Mapping[str, Any] = (meta_of(answer).facts or {}).get("llm", {})
        return known

    def origin(self, facts: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
        """The model that answered, and the number of the call that asked it."""
        if not facts:
            return None, None
        return f"{facts.get('provider')}/{facts.get('model')}", facts.get("call")

    def keep(self, write: Callable[[Decisions], None], kind: str, name: str, told: dict[str, Any]) -> None:
        """Write a row, and a line of the log. If the store fails, the run ends when the script has its answer."""
        if self._run.planning is not None:
            return
        try:
            write(self._run.execution.decisions)
            self._run.execution.log.tell(kind, name, told)
        except OrchError as error:
            if error.code != "E806":
                raise
            self._run.end_with(error)


def _iteration(scope: Scope) -> int:
    """From 1; 0 outside of loops."""
    context = scope.context
    if context.for_ is not None and context.for_.index is not None:
        return context.for_.index + 1
    return context.loop.iteration if context.loop is not None else 0
