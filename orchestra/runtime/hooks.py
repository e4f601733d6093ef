"""Which hooks fire for an operation, in which order, and what becomes of their failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError, Warned
from orchestra.nodes.hooks import UNCHANGED, ActiveHook
from orchestra.nodes.op import Op
from orchestra.nodes.signals import Signal
from orchestra.source import Span
from orchestra.values.scope import Frame, Scope
from orchestra.values.tagged import joined, tag, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Hooks"]

# Operations whose hooks may change input or result.
TRANSFORMS_INPUT = frozenset({"exe", "for:iteration", "show", "log", "output", "append"})
TRANSFORMS_RESULT = frozenset({"exe", "var", "for:iteration"})


class Hooks:
    """The hooks of a run, in order of registration."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._on_error: str = run.config.hooks.onError
        self._hooks: list[ActiveHook] = []
        self._words: set[str] = set()  # operation words that some hook names
        self._calls = False  # some hook may match a call
        self._labels = False
        self._failures: dict[tuple[str, str], int] = {}

    def add(self, hook: ActiveHook, span: Span) -> None:
        if hook.name is not None and any(other.name == hook.name for other in self._hooks):
            raise OrchError("E203", f"a hook with the name @{hook.name} already exists", span)
        self._hooks.append(hook)
        self._calls = self._calls or hook.kind == "function"
        self._labels = self._labels or hook.kind == "label"
        if hook.operation is not None:
            self._words.add(hook.operation)

    def watches(self, kind: str) -> bool:
        """Whether some hook may match an operation of this kind."""
        if not self._hooks:
            return False
        return self._labels or kind in self._words or (kind == "exe" and (self._calls or bool(self._words)))

    def perform(self, op: Op, handler: Callable[[Op], Any], scope: Scope, facts: dict[str, Any]) -> Any:
        """Before-hooks, the operation, after-hooks. `facts` may be filled by the handler: `checkpoint`."""
        if scope.context.hooked or not self.watches(op.kind):
            return handler(op)
        matching = [hook for hook in self._hooks if hook.matches(op)]
        if not matching:
            return handler(op)
        errors: list[dict[str, Any]] = []
        op = self._before(op, matching, scope, errors)
        try:
            result = handler(op)
        except (OrchError, Signal) as error:
            self._always(op, matching, scope, errors, facts, error)
            raise
        return self._after(op, result, matching, scope, errors, facts)

    def fire(self, timing: str, op: Op, scope: Scope) -> None:
        """Run the hooks of one timing that match."""
        if not scope.context.hooked:
            for hook in self._hooks:
                if hook.timing == timing and hook.matches(op):
                    self._fire(hook, op, {"input": [], "output": None, "error": None}, scope, [], {})

    def _before(self, op: Op, hooks: list[ActiveHook], scope: Scope, errors: list[dict[str, Any]]) -> Op:
        for hook in hooks:
            if hook.timing != "before":
                continue
            value = self._fire(hook, op, {"input": _input(op, hook)}, scope, errors, {})
            if value is not UNCHANGED and op.kind in TRANSFORMS_INPUT:
                op = op.with_inputs(_changed_inputs(op, value))
        return op

    def _after(
        self,
        op: Op,
        result: Any,
        hooks: list[ActiveHook],
        scope: Scope,
        errors: list[dict[str, Any]],
        facts: dict[str, Any],
    ) -> Any:
        for hook in hooks:
            if hook.timing == "before":
                continue
            names = {"input": _input(op, hook), "output": result, "error": None}
            value = self._fire(hook, op, names, scope, errors, facts)
            if value is not UNCHANGED and op.kind in TRANSFORMS_RESULT:
                result = tag(value, joined((result,), deep=True))
        return result

    def _always(
        self,
        op: Op,
        hooks: list[ActiveHook],
        scope: Scope,
        errors: list[dict[str, Any]],
        facts: dict[str, Any],
        error: BaseException,
    ) -> None:
        """Hooks with the timing `always` see a failure as well; they cannot change it."""
        if not isinstance(error, OrchError):
            return
        data = {key: value for key, value in error.as_data().items() if key in ("code", "message", "line", "file")}
        for hook in hooks:
            if hook.timing == "always":
                self._fire(hook, op, {"input": _input(op, hook), "output": None, "error": data}, scope, errors, facts)

    def _fire(
        self,
        hook: ActiveHook,
        op: Op,
        names: dict[str, Any],
        scope: Scope,
        errors: list[dict[str, Any]],
        facts: dict[str, Any],
    ) -> Any:
        """Run one hook body; its own failure is noted and changes nothing."""
        more = {
            "checkpoint": {"hit": False},
            **(scope.context.more or {}),
            **facts,
            "hooks": {"errors": list(errors)},
        }
        inner = hook.scope.called(scope.within(scope.context.with_(hooked=True, more=more)), names)
        inner.frame = Frame(None, scope.frame, op.span, 1, op.inputs, op)
        try:
            return hook.run(inner)
        except OrchError as error:
            error.within(f"hook {self._shown(hook)}", hook.definition.span, "hook", hook.name or "")
            if (error.fatal and error.code != "E399") or self._on_error == "fail":
                raise
            self._note(hook, error, errors)
            return UNCHANGED

    def _note(self, hook: ActiveHook, error: OrchError, errors: list[dict[str, Any]]) -> None:
        errors.append(
            {
                "hookId": hook.name or f"<unnamed-hook-{self._hooks.index(hook) + 1}>",
                "hookName": hook.name,
                "timing": hook.timing,
                "filterKind": hook.kind,
                "message": error.message,
            }
        )
        shown = self._shown(hook)
        seen = (shown, error.message)
        self._failures[seen] = self._failures.get(seen, 0) + 1
        if self._failures[seen] == 1 and self._on_error == "warn":
            self._run.warn(Warned("W601", f"hook {shown} failed: {error.message}", error.span or hook.definition.span))

    def _shown(self, hook: ActiveHook) -> str:
        return f"@{hook.name}" if hook.name else f"number {self._hooks.index(hook) + 1}"

    def report_repeats(self) -> None:
        """Say how often each failing hook failed again."""
        for (shown, message), count in self._failures.items():
            if count > 1 and self._on_error == "warn":
                self._run.warn(Warned("W601", f"hook {shown} failed {count} times: {message}"))


def _input(op: Op, hook: ActiveHook) -> Any:
    """`@input` as the hook sees it: arguments as an array for calls, else the content."""
    if op.kind == "exe":
        return list(op.inputs)
    if len(op.inputs) == 1:
        return op.inputs[0]
    return list(op.inputs)


def _changed_inputs(op: Op, value: Any) -> list[Any]:
    """New arguments from a before-hook: an array gives as many as it has, any other value the first one."""
    data = unwrap(value)
    if op.kind != "exe":
        return [tag(value, joined(op.inputs, deep=True))]
    given = data if isinstance(data, list) else [value]
    replaced = [tag(new, joined((old,))) for new, old in zip(given, op.inputs, strict=False)]
    return [*replaced, *op.inputs[len(given) :], *given[len(op.inputs) :]]
