"""Where names live while a script runs, and what is true around the running line.

A `Scope` maps names to values and knows the one around it. A `Context` is what `@mx` shows: the pipeline stage, loop
and labelled call that surround the current line; a `Frame` is a call. Both follow calls, scopes follow the text.
"""

from __future__ import annotations

from typing import Any, Final

from orchestra.values.tagged import MISSING

__all__ = ["ABSENT", "Context", "ForFrame", "Frame", "LoopFrame", "Scope", "StageFrame"]

ABSENT: Final = object()  # no binding at all, as opposed to a binding whose value is MISSING


class Frame:
    """A function being called, or the operation whose hook runs (`op`), and what surrounds that.

    depth: how often the function is being called; span: where the call stands; inputs: its arguments
    """

    __slots__ = ("depth", "function", "inputs", "op", "outer", "span")

    def __init__(
        self, function: Any, outer: Frame | None, span: Any, depth: int, inputs: list[Any], op: Any = None
    ) -> None:
        self.function = function
        self.outer = outer
        self.span = span
        self.depth = depth
        self.inputs = inputs
        self.op = op


class ForFrame:
    """One `for` loop as `@mx.for` and `@v.mx.index` see it; `index` moves on in a sequential loop."""

    __slots__ = ("batch", "index", "key", "keyed", "parallel", "size", "total", "variable")

    def __init__(self, variable: str, total: int, parallel: bool, keyed: bool) -> None:
        self.variable = variable
        self.total = total
        self.parallel = parallel
        self.keyed = keyed  # goes through an object: items have no position of their own
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

    __slots__ = ("errors", "for_", "guarding", "hooked", "limits", "loop", "memo", "more", "stage")

    def __init__(
        self,
        stage: StageFrame | None = None,
        for_: ForFrame | None = None,
        loop: LoopFrame | None = None,
        memo: Any = None,
        hooked: bool = False,
        errors: list[Any] | None = None,
        more: dict[str, Any] | None = None,
        guarding: Any = None,
        limits: tuple[Any, ...] = (),
    ) -> None:
        self.stage = stage
        self.for_ = for_
        self.loop = loop
        self.memo = memo  # the enclosing labelled call, which gathers what it depends on
        self.hooked = hooked  # inside a hook body no hooks fire
        self.errors = errors if errors is not None else []  # error items of the last parallel loop
        self.guarding = guarding  # what is true for guards and policies in here, None for nothing unusual
        self.limits = limits  # what model calls here may cost, besides the budgets of run and phase
        self.more = more  # extra `@mx` fields (checkpoint, hooks, llm)

    def with_(self, **changes: Any) -> Context:
        made = Context.__new__(Context)
        for name in Context.__slots__:
            setattr(made, name, changes[name] if name in changes else getattr(self, name))
        return made


class Scope:
    """Names visible at a line. `kind` tells what a name may be shadowed by: module, call, block, loop or item.

    frame: the innermost call; None at the top level
    recent: the last result of a labelled call made in here; MISSING without any
    """

    __slots__ = ("context", "frame", "kind", "made", "module", "names", "parent", "run")

    def __init__(
        self,
        names: dict[str, Any],
        parent: Scope | None,
        context: Context,
        module: Any,
        run: Any,
        kind: str = "block",
        frame: Frame | None = None,
    ) -> None:
        self.names = names
        self.parent = parent
        self.context = context
        self.module = module
        self.run = run
        self.kind = kind
        self.frame = frame

    made: Any

    def child(self, kind: str = "block", names: dict[str, Any] | None = None) -> Scope:
        return Scope({} if names is None else names, self, self.context, self.module, self.run, kind, self.frame)

    def within(self, context: Context, kind: str = "block", names: dict[str, Any] | None = None) -> Scope:
        return Scope({} if names is None else names, self, context, self.module, self.run, kind, self.frame)

    def called(self, caller: Scope, names: dict[str, Any]) -> Scope:
        """A scope inside this one for what `caller` is doing: names follow the text, all else follows the call."""
        return Scope(names, self, caller.context, self.module, caller.run, "call", caller.frame)

    @property
    def recent(self) -> Any:
        return getattr(self, "made", MISSING)  # the slot stays empty until needed: scopes are made by the million

    def remember(self, value: Any) -> None:
        """Note the result of a labelled call, up to the function, module or parallel item that it was made in."""
        scope: Scope | None = self
        while scope is not None:
            scope.made = value
            scope = scope.parent if scope.kind not in ("call", "module", "parallel") else None

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
