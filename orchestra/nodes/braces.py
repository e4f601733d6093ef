"""`with { … }` behind a construct that knows a few options of its own, such as a gate or a guard."""

from __future__ import annotations

from typing import ClassVar

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node
from orchestra.nodes.literals import Object, Pair

__all__ = ["Braces"]


class Braces(Node):
    """whose: the construct as messages call it; keys: the options it knows. Others are E101."""

    __slots__ = ()
    whose: ClassVar[str]
    keys: ClassVar[tuple[str, ...]]
    object: Object

    def __post_init__(self) -> None:
        for member in self.object.members:
            name = _name(member)
            if name is not None and name not in self.keys:
                meant = nearest(name, self.keys)
                help = f"did you mean {meant}?" if meant else "one of " + ", ".join(self.keys)
                raise OrchError("E101", f"{self.whose} has no option {name}", member.span, help=help, exit=2)

    def part(self, name: str) -> Node | None:
        """The expression given for one option."""
        pairs = (member for member in self.object.members if isinstance(member, Pair))
        return next((pair.value for pair in pairs if _name(pair) == name), None)


def _name(member: Node) -> str | None:
    return member.key.span.text.strip("\"'`") if isinstance(member, Pair) else None
