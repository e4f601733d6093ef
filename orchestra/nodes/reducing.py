"""`reduce @sum = 0 for @x in @xs => …`: one value out of many, made item by item.

How items are visited, bound and placed in messages is the business of `for`, which stands behind it.
"""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.blocks import FELL, Block
from orchestra.nodes.items import DROPPED, as_data, items_of
from orchestra.nodes.loops import For, ForChoice, ForFilter
from orchestra.nodes.signals import Continue, Done, Return
from orchestra.nodes.when import choose
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING

__all__ = ["Reduce"]


@node
class Reduce(Node):
    """`reduce @name = start for …`: what the body gives becomes `@name` for the next item, and at last the value.

    A body without a value leaves `@name` as it is. `done` ends it; behind `done` and `continue` may stand a value.
    """

    name: str
    start: Node
    loop: For

    def __post_init__(self) -> None:
        if self.loop.parallel is not None:
            span, help = self.loop.parallel.span, "leave parallel out, or collect with for parallel first"
            raise OrchError("E107", "reduce takes one item after another", span, help=help, exit=2)
        if self.loop.batch is not None:
            span, help = self.loop.batch.span, "bind the result, then put it through | @stage"
            raise OrchError("E107", "reduce gives one value and no array for a batch", span, help=help, exit=2)

    def eval(self, scope: Scope) -> Any:
        return scope.run.around("for", self.loop, scope, self._reduced)

    def _reduced(self, scope: Scope) -> Any:
        name = str(self.name)[1:]
        result = present(self.start.eval(scope))

        def step(inner: Scope) -> Any:
            nonlocal result
            inner.names[name] = result
            try:
                value = _value(self.loop.tail, inner)
            except (Done, Continue) as signal:
                result = inner.names[name] if signal.value is MISSING else signal.value
                raise
            except Return as signal:
                value = signal.value
            result = inner.names[name] if value is DROPPED else as_data(value)
            return None

        self.loop.in_order(items_of(self.loop.source.eval(scope), self.loop.source), scope, step, "item")
        return result


def _value(body: Node, scope: Scope) -> Any:
    """What one item makes of the value so far; DROPPED if that is left as it is."""
    if isinstance(body, ForFilter):
        return _value(body.body, scope) if body.condition.test(scope) else DROPPED
    if isinstance(body, ForChoice):
        action = choose(body.entries, scope)
        return DROPPED if action is None else _value(action, scope)
    if not isinstance(body, Block):
        value = body.outcome(scope)
        return DROPPED if value is None and body.only_acts else value
    value = body.run(scope.child())
    if value is FELL:
        return DROPPED
    return value.value if value.__class__ is Return else value
