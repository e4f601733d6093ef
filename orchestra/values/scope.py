"""Where names live while a script runs, and what is true around the running line.

A `Scope` maps names to values and knows the one around it. A `Context` is what `@mx` shows: the operation, pipeline
stage, loop and labelled call that surround the current line. It follows calls, scopes follow the text.
"""

from __future__ import annotations

from typing import Any, Final

from orchestra.values.tagged import MISSING

__all__ = ["ABSENT", "Context", "ForFrame", "LoopFrame", "Scope", "StageFrame"]

ABSENT: Final = object()  # no binding at all, as opposed to a binding whose value is MISSING


class ForFrame:
    """One `for` loop as `@mx.for` and `@v.mx.index` see it; `index` moves on in a sequential loop."""

    __slots__ = ("batch", "index", "key", "parallel", "size", "total", "variable")

    def __init__(self, variable: str, total: int, parallel: bool) -> None:
        self.variable = variable
        self.total = total
        self.parallel = parallel
        self.index: int | None = None
        self.key: str | None = None
        self.batch: int | None = None
        self.size: int | None = None


class LoopFrame:
    """One `loop` or `while` as `@mx.loop` and `@mx.while` see it."""

    __slots__ = ("iteration", "kind", "limit")

    def __init__(self, kind: str, limit: int | None) -> None:
        self.kind = kind
        self.limit = limit
        self.iteration = 0


class StageFrame:
    """A pipeline stage as `@mx.stage`, `@mx.try`, `@mx.hint`, `@mx.input` and `@p` see it."""

    __slots__ = ("attempt", "hint", "history", "input", "outer", "stage", "tries")

    def __init__(
        self,
        stage: int,
        input: Any,
        attempt: int,
        hint: Any,
        tries: list[Any],
        history: Any,
        outer: StageFrame | None,
    ) -> None:
        self.stage = stage
        self.input = input
        self.attempt = attempt
        self.hint = hint
        self.tries = tries
        self.history = history  # the running pipeline: outputs and finished retry contexts
        self.outer = outer


class Context:
    """Immutable; `with_` makes the next one. Tasks of a parallel loop share their parent's."""

    __slots__ = ("calls", "errors", "for_", "hooked", "loop", "memo", "more", "op", "stage")

    def __init__(
        self,
        op: Any = None,
        stage: StageFrame | None = None,
        for_: ForFrame | None = None,
        loop: LoopFrame | None = None,
        memo: Any = None,
        calls: Any = None,
        hooked: bool = False,
        errors: list[Any] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.op = op
        self.stage = stage
        self.for_ = for_
        self.loop = loop
        self.memo = memo  # the enclosing labelled call, which gathers what it depends on
        self.calls = calls  # functions being called, for recursion checks
        self.hooked = hooked  # inside a hook body no hooks fire
        self.errors = errors if errors is not None else []  # error items of the last parallel loop
        self.more = more  # extra `@mx` fields (checkpoint, hooks, llm)

    def with_(self, **changes: Any) -> Context:
        made = Context.__new__(Context)
        for name in Context.__slots__:
            setattr(made, name, changes[name] if name in changes else getattr(self, name))
        return made

    def calling(self, op: Any, calls: Any) -> Context:
        """The context inside a called function."""
        made = Context.__new__(Context)
        made.op = op
        made.stage = self.stage
        made.for_ = self.for_
        made.loop = self.loop
        made.memo = self.memo
        made.calls = calls
        made.hooked = self.hooked
        made.errors = self.errors
        made.more = self.more
        return made


class Scope:
    """Names visible at a line. `kind` tells what a name may be shadowed by: module, call, block, loop or item."""

    __slots__ = ("context", "kind", "module", "names", "parent", "run")

    def __init__(
        self,
        names: dict[str, Any],
        parent: Scope | None,
        context: Context,
        module: Any,
        run: Any,
        kind: str = "block",
    ) -> None:
        self.names = names
        self.parent = parent
        self.context = context
        self.module = module
        self.run = run
        self.kind = kind

    def child(self, kind: str = "block", names: dict[str, Any] | None = None) -> Scope:
        return Scope({} if names is None else names, self, self.context, self.module, self.run, kind)

    def within(self, context: Context, kind: str = "block", names: dict[str, Any] | None = None) -> Scope:
        return Scope({} if names is None else names, self, context, self.module, self.run, kind)

    def find(self, name: str) -> Any:
        """The value bound to `name`, or ABSENT. Built-in names are not found here."""
        scope: Scope | None = self
        while scope is not None:
            value = scope.names.get(name, ABSENT)
            if value is not ABSENT:
                return value
            scope = scope.parent
        return ABSENT

    def owner(self, name: str) -> Scope | None:
        """The innermost scope that binds `name`."""
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.parent
        return scope

    def visible(self) -> set[str]:
        """Every name that can be seen from here, for suggestions."""
        names: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            names.update(scope.names)
            scope = scope.parent
        return names

    def bind(self, name: str, value: Any) -> None:
        self.names[name] = None if value is MISSING else value
