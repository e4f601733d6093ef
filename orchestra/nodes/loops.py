"""`for`: what an item is and what becomes of it. How many items run at once is the run's business."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import field
from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, Statement, execute, node, walk
from orchestra.nodes.blocks import Block, Return_, emits
from orchestra.nodes.branches import Branches, StageBranches
from orchestra.nodes.budgets import Limit, bounded, limit, place_of
from orchestra.nodes.items import DROPPED, PASSED_OVER, Items, Stopped, as_data, items_of
from orchestra.nodes.joining import Joiner, Joining, joining
from orchestra.nodes.loop import Loop
from orchestra.nodes.options import WithOptions
from orchestra.nodes.parallel_for import Parallel, Windows
from orchestra.nodes.pipelines import run_stages
from orchestra.nodes.signals import Continue, Done, Retry, Return, Skip
from orchestra.nodes.stages import Piped
from orchestra.nodes.when import Chooser, choose
from orchestra.values.error_item import ErrorItem
from orchestra.values.operators import truthy
from orchestra.values.scope import ForFrame, Scope
from orchestra.values.tagged import MISSING, joined, tag, unwrap
from orchestra.values.text import compact_json

__all__ = ["Batch", "BatchGroup", "Binding", "For", "ForChoice", "ForFilter"]

STRIDE = 32  # items that are counted together when it is time to let others work


@node
class Binding(Node):
    """`@value`, `@key, @value` or `@item.field` after `for`."""

    key: str | None
    variable: str
    path: list[str]
    name: str = field(init=False)
    key_name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = str(self.variable)[1:]
        self.key_name = str(self.key)[1:] if self.key else f"{self.name}_key"

    def check_fields(self, key: str, item: Any) -> None:
        data = unwrap(item)
        for token in self.path:
            name = str(token)[1:]
            if not isinstance(data, dict) or name not in data:
                shown = f"@{self.name}{''.join(map(str, self.path))}"
                raise OrchError("E304", f"item {key} has no field {name!r} for the binding {shown}", self.span)
            data = unwrap(data[name])


@node
class ForFilter(Node):
    """`when condition => body`: other items are dropped."""

    condition: Node
    body: Node

    def outcome(self, scope: Scope) -> Any:
        return self.body.outcome(scope) if self.condition.test(scope) else PASSED_OVER


@node
class ForChoice(Node):
    """`when [ condition => value … ]`: the first arm that holds; an item without one is dropped."""

    entries: list[Node]

    def outcome(self, scope: Scope) -> Any:
        action = choose(self.entries, scope)
        return PASSED_OVER if action is None else action.outcome(scope)


@node
class Batch(Node):
    """`=> | @stage`: the collected array goes through a pipeline."""

    stages: list[Node]

    def joined(self, items: Any, scope: Scope, span: Any) -> Any:
        return run_stages(self.stages, items, scope, span)


@node
class BatchGroup(Node):
    """`=> || @a() || @b()`: the collected array goes to each branch."""

    branches: Branches
    piped: Piped | None

    def joined(self, items: Any, scope: Scope, span: Any) -> Any:
        stages: list[Node] = [
            StageBranches(self.span, self.branches.calls),
            *(self.piped.stages if self.piped else []),
        ]
        return run_stages(stages, items, scope, span)


@node
class For(Joiner):
    """`for @x in @xs …`, as a value or, with `statement`, for its effects."""

    parallel: Parallel | None
    binding: Binding
    source: Node
    tail: Node
    batch: Batch | BatchGroup | None
    statement: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        body = self.tail.body if isinstance(self.tail, ForFilter) else self.tail
        self.options = body.options if isinstance(body, WithOptions) else None

    @property
    def only_acts(self) -> bool:
        """Whether no item can have a value."""
        body = self.tail.body if isinstance(self.tail, ForFilter) else self.tail
        if isinstance(body, Block):
            return self.batch is None and not any(isinstance(part, Return_) for part in walk(body))
        return self.batch is None and body.only_acts

    # ── as a value ───────────────────────────────────────────────────────────────────────────────

    def eval(self, scope: Scope) -> Any:
        return scope.run.around("for", self, scope, self._collected_values)

    def _collected_values(self, scope: Scope) -> Any:
        value = self.source.eval(scope)
        outcomes = self._outcomes(items_of(value, self.source), scope, self.tail.outcome, "item")
        result: Any = [outcome for outcome in outcomes if outcome is not DROPPED and outcome is not PASSED_OVER]
        meta = joined((value,))
        result = tag(result, meta) if meta.flows else result
        return self.batch.joined(result, scope, self.span) if self.batch is not None else result

    # ── as a statement ───────────────────────────────────────────────────────────────────────────

    def exec_statement(self, scope: Scope) -> None:
        scope.run.around("for", self, scope, self._statement)

    exec = exec_statement

    def _statement(self, scope: Scope) -> None:
        items = items_of(self.source.eval(scope), self.source)
        shows = emits(scope)
        self._outcomes(items, scope, lambda inner: self._effect(inner, shows), "each")

    def _effect(self, scope: Scope, shows: bool) -> Any:
        tail = self.tail
        if isinstance(tail, ForFilter):
            if not tail.condition.test(scope):
                return PASSED_OVER
            tail = tail.body
        elif isinstance(tail, ForChoice):
            action = choose(tail.entries, scope)
            if action is None:
                return PASSED_OVER
            tail = action
        if isinstance(tail, Block):
            ended = tail.run(scope.child())
            if ended.__class__ is Return:  # only that of a block inside it leaves the loop
                raise ended
        elif isinstance(tail, (For, Loop)):
            tail.exec_statement(scope)
        elif isinstance(tail, (Statement, Chooser)):
            execute(tail, scope)
        else:
            value = tail.whole(scope)
            if shows:
                scope.run.emit(value, scope)
        return None

    # ── items ────────────────────────────────────────────────────────────────────────────────────

    def _outcomes(self, items: Items, scope: Scope, body: Callable[[Scope], Any], kind: str) -> list[Any]:
        limits = self._limits(scope)
        if limits is not None:
            return self._parallel(items, scope, body, limits, kind)
        return self.in_order(items, scope, body, kind)

    def in_order(self, items: Items, scope: Scope, body: Callable[[Scope], Any], kind: str) -> list[Any]:
        """What becomes of the items, one after another, up to the one that ends the loop."""
        pairs = items.pairs
        frame = ForFrame(self.binding.name, len(pairs), False, items.keyed)
        inner = scope.within(scope.context.with_(for_=frame), kind)  # nothing keeps it beyond its iteration
        outcomes: list[Any] = []
        iterate = self._iteration(scope)
        for index, (key, item) in enumerate(pairs):
            frame.index, frame.key = index, key
            if index % STRIDE == STRIDE - 1:
                scope.run.breathe(STRIDE)
            try:
                outcomes.append(iterate(key, item, inner, body))
            except Done:
                break
            except OrchError as error:
                raise self._placed(error, index, key, len(pairs)) from None
        scope.run.breathe(len(pairs) % STRIDE)
        return outcomes

    def _iteration(self, scope: Scope) -> Callable[[str, Any, Scope, Callable[[Scope], Any]], Any]:
        """What is done with one item: the body, with the hooks that watch it."""
        return self._watched if scope.run.watches("for:iteration") else self._body

    def _watched(self, key: str, item: Any, inner: Scope, body: Callable[[Scope], Any]) -> Any:
        return inner.run.iteration(self, key, item, inner, lambda changed: self._body(key, changed, inner, body))

    def _body(self, key: str, item: Any, inner: Scope, body: Callable[[Scope], Any]) -> Any:
        """One item: its value, or DROPPED. `Done` and, in statements, `Return` leave the loop."""
        binding = self.binding
        if binding.path:
            binding.check_fields(key, item)
        if self.options is not None:
            inner = bounded(inner, self._item_limit(key, item, inner))
        inner.names = {binding.name: item, binding.key_name: key}
        try:
            value = body(inner)
            return as_data(value) if value.__class__ is str or value is MISSING else value
        except (Continue, Skip):
            return DROPPED
        except Return as signal:
            if inner.kind == "each":
                raise
            return None if inner.kind == "parallel-each" else as_data(signal.value)
        except Retry as signal:
            raise OrchError(
                "E305", "retry has no pipeline to run again here", signal.span, help="use continue in loops"
            ) from None  # fmt: skip

    def _item_limit(self, key: str, item: Any, scope: Scope) -> Limit | None:
        """What model calls for one item may cost; the item fails that needs more. Equal items share their budget."""
        if self.options is None or self.options.part("budget") is None:
            return None
        digest = hashlib.sha256(compact_json(item).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        part = f"item {place_of(self)} {digest}"
        return limit(self.options, scope, part, f"the budget of item {key} of @{self.binding.name}", ends_run=False)

    def _placed(self, error: OrchError, index: int, key: str, total: int) -> OrchError:
        named = f' (key "{key}")'
        item = self.binding.name
        return error.within(f"for @{item} in …, item {index + 1} of {total}{named}", self.span, "for", item)

    # ── in parallel ──────────────────────────────────────────────────────────────────────────────

    def _limits(self, scope: Scope) -> tuple[int, float] | None:
        """Width and pace; a nested `for` takes those of the parallel loop around it."""
        if self.parallel is not None:
            return self.parallel.width(scope), self.parallel.pause(scope)
        current: Scope | None = scope
        while current is not None:
            if current.kind == "parallel":
                return current.names["for parallel"]  # type: ignore[no-any-return]
            current = current.parent
        return None

    def _parallel(
        self, items: Items, scope: Scope, body: Callable[[Scope], Any], limits: tuple[int, float], kind: str
    ) -> list[Any]:
        width, pace = limits
        total = len(items.pairs)
        inner_kind = "item" if kind == "item" else "parallel-each"

        def work(index: int) -> Any:
            key, item = items.pairs[index]
            frame = ForFrame(self.binding.name, total, True, items.keyed)
            frame.index, frame.key, frame.batch = index, key, index // width
            frame.size = min(width, total - width * frame.batch)
            barrier = scope.within(scope.context.with_(for_=frame, errors=[]), "parallel", {"for parallel": limits})
            try:
                with windows.item(index, barrier):
                    return iterate(key, item, barrier.child(inner_kind), body)
            except OrchError as error:
                raise self._placed(error, index, key, total) from None

        iterate = self._iteration(scope)
        windows = Windows(self, total, width)
        how = joining(self.options, scope, total, "items", self)
        canary = self.options is not None and truthy(unwrap(self.options.value("canary", scope, False)))
        outcomes = scope.run.parallel(
            total, width, pace, work, scope, label=self.binding.name, canary=canary,
            again=rate_limited if kind == "each" else rate_limited_model,
            patient=how.policy in ("continue", "ignore"), fail_fast=how.policy == "fail-fast", enough=how.enough,
        )  # fmt: skip
        how.check(outcomes, "items", self)
        return self._collected(outcomes, items.pairs, how, scope)

    def _collected(self, outcomes: list[Any], pairs: list[tuple[str, Any]], how: Joining, scope: Scope) -> list[Any]:
        """Results in source order, with an error item, or null, for each item that failed."""
        made: list[Any] = []
        for index, outcome in enumerate(outcomes):
            if outcome.__class__ is Stopped:
                continue
            if not isinstance(outcome, OrchError):
                made.append(outcome)
            elif how.policy == "ignore":
                made.append(None)
            else:
                key, value = pairs[index]
                made.append(scope.run.failed_item(ErrorItem(index, key, outcome.message, value), outcome, scope))
        return made


_RATE = re.compile(r"rate limit", re.IGNORECASE)


def rate_limited(error: OrchError) -> bool:
    """Whether something asks for a pause. Providers of models do not count: their calls have waited already."""
    asked = error.details.get("status") == 429 or _RATE.search(error.message) is not None
    return asked and not error.fatal and error.code != "E711"


def rate_limited_model(error: OrchError) -> bool:
    """The same, for what came out of a labelled call."""
    return error.labelled and rate_limited(error)
