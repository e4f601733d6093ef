"""The braces after `with`: which options there are, and their expressions. What they mean is said where they stand."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, node
from orchestra.nodes.literals import Object, Pair
from orchestra.source import Span
from orchestra.values.scope import Scope

__all__ = ["KEYS", "With"]

KEYS = frozenset(
    "pipeline stdin format description tools profile policy auth using guards parallel delay stream "
    "streamFormat skipDirs asSection ok sample timeout canary separator template join onFail resume ttl "
    "complete cache budget".split()
)


@node
class With(Node):
    """The braces after `with`."""

    object: Object

    def __post_init__(self) -> None:
        for member in self.object.members:
            if isinstance(member, Pair):
                name = member.key.span.text.strip("\"'`")
                if name not in KEYS:
                    meant = nearest(name, KEYS)
                    help = f"did you mean {meant}?" if meant else None
                    raise OrchError("E101", f"with has no option {name}", member.key.span, help=help, exit=2)

    def part(self, name: str) -> Node | None:
        """The expression given for one option."""
        for member in self.object.members:
            if isinstance(member, Pair) and member.key.span.text.strip("\"'`") == name:
                return member.value
        return None

    def without(self, name: str) -> Span | None:
        """The stretch of source that would be missing if the option were not given; None if it is not."""
        members = self.object.members
        for number, member in enumerate(members):
            if isinstance(member, Pair) and member.key.span.text.strip("\"'`") == name:
                if len(members) == 1:
                    return self.span
                start = members[number - 1].span.end if number else member.span.start
                end = member.span.end if number else members[1].span.start
                return Span(member.span.source, start, end)
        return None

    def value(self, name: str, scope: Scope, default: Any = None) -> Any:
        part = self.part(name)
        return default if part is None else part.eval(scope)
