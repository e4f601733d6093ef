"""`box`: a block in which models and commands have fewer tools. Who keeps to that is the run."""

from __future__ import annotations

from typing import Any, ClassVar

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node
from orchestra.nodes.blocks import Block
from orchestra.nodes.literals import Object, Pair
from orchestra.nodes.tails import With
from orchestra.nodes.unbuilt import Unbuilt
from orchestra.values.scope import Scope
from orchestra.values.tagged import plain

__all__ = ["Box"]

KEPT = ("tools", "mcps")  # what a box can ask for and get


@node
class Box(Unbuilt):
    """`box { tools: […] } [ … ]`: the value of the block's `=>`, else null."""

    word: ClassVar[str] = "box"
    config: Node | None
    options: With | None
    body: Block

    def refusal(self) -> OrchError | None:
        """E605 for a box that asks for more than fewer tools, as far as that is written out."""
        parts = [part for part in (self.config, self.options) if part is not None]
        if not parts:
            return self._refused("a box without tools, which is a workspace,")
        for part in parts:
            written = part.object if isinstance(part, With) else part
            for member in written.members if isinstance(written, Object) else ():
                name = member.key.span.text.strip("\"'`") if isinstance(member, Pair) else ""
                if isinstance(member, Pair) and name not in KEPT:
                    return self._refused(f"{name} of a box")
        return None

    def eval(self, scope: Scope) -> Any:
        inner = scope.run.boxed(self.wishes(scope), scope, self.span)
        return self.body.outcome(inner.child())

    def wishes(self, scope: Scope) -> dict[str, Any]:
        """What the box says, what stands after `with` over the rest. E605."""
        found: dict[str, Any] = {}
        for part in (self.config, None if self.options is None else self.options.object):
            data = None if part is None else part.eval(scope)
            found |= data if isinstance(data := plain(data), dict) else {}
        strange = next((name for name in found if name not in KEPT), None)
        if strange is not None or "tools" not in found:
            raise self._refused("a box without tools" if strange is None else f"{strange} of a box")
        return found

    def _refused(self, what: str) -> OrchError:
        message = f"{what} is not enforced by this version, so the script is refused as a whole"
        help = "remove it only if you can do without its protection"
        return OrchError("E605", message, self.span, help=help, exit=2)
