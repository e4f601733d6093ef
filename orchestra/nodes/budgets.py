"""`with { budget: { usd, tokens, calls } }`: which part of a script it bounds. That it holds is the run's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestra.config_kinds import bounds
from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.tails import With
from orchestra.values.scope import Scope
from orchestra.values.tagged import plain

__all__ = ["Limit", "bounded", "limit"]


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds of the model calls in one part of a script, over the whole run.

    part:     the part as the store knows it
    name:     as messages call it
    bounds:   by `usd`, `tokens`, `calls`
    ends_run: whether the run stops when they are reached, or only what stands inside the part fails
    """

    part: str
    name: str
    bounds: Mapping[str, float]
    ends_run: bool = True


def limit(options: With | None, scope: Scope, part: str, name: str, ends_run: bool = True) -> Limit | None:
    """The bounds that the options ask for. Raises E712 for what are none."""
    wish = options.part("budget") if options is not None else None
    if wish is None:
        return None
    try:
        return Limit(part, name, bounds(plain(wish.eval(scope))), ends_run)
    except ValueError as error:
        raise OrchError("E712", f"budget: {error}", wish.span, help="budget: { usd: 0.50, calls: 20 }") from None


def bounded(scope: Scope, limit: Limit | None) -> Scope:
    """The scope in which the bounds hold, besides those that hold already."""
    if limit is None:
        return scope
    return scope.within(scope.context.with_(limits=(*scope.context.limits, limit)), scope.kind)


def place_of(node: Node) -> str:
    return f"{node.span.source.name}:{node.span.line}"
