"""Whether two trees say the same, wherever they stand in their sources."""

from __future__ import annotations

from typing import Any

from orchestra.nodes.base import Node, parts_of

__all__ = ["difference", "same_tree"]


def same_tree(a: Node, b: Node) -> bool:
    """Whether two nodes have the same structure. Places, headers and computed fields do not count."""
    return difference(a, b) is None


def difference(a: Any, b: Any) -> tuple[Any, Any] | None:
    """The first pair of parts that differ, or None."""
    pending = [(a, b)]
    while pending:
        left, right = pending.pop()
        if isinstance(left, Node) and type(left) is type(right):
            pending.extend((getattr(left, name), getattr(right, name)) for name in parts_of(type(left))[::-1])
        elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            pending.extend(zip(left[::-1], right[::-1], strict=True))
        elif isinstance(left, Node) or left != right:
            return left, right
    return None
