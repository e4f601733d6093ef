"""Where in a source a function is called: the numbers that `--resume @fn:2` means.

Which answers a number selects is the store's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestra.nodes.base import Node, walk
from orchestra.nodes.functions import Call
from orchestra.nodes.names import Reference
from orchestra.nodes.op import Op
from orchestra.nodes.script import Script
from orchestra.source import Source

__all__ = ["CallSites"]

Sites = dict[tuple[str, int], int]


class CallSites:
    """The call sites of each source, numbered when the first call of it is stored."""

    def __init__(self, script_of: Callable[[Source], Script | None]) -> None:
        self._script_of = script_of
        self._known: dict[Source, Sites] = {}

    def number(self, op: Op) -> int:
        """Number of this call among the calls of the same name in its source, from 0."""
        if op.span is None:
            return 0
        source = op.span.source
        if source not in self._known:
            script = self._script_of(source)
            self._known[source] = _numbered(script) if script is not None else {}
        return self._known[source].get((op.alias or op.name, op.span.start), 0)


def _numbered(script: Script) -> Sites:
    counts: dict[str, int] = {}
    sites: Sites = {}
    for part in walk(script):
        for name, start in _calls_at(part):
            sites[name, start] = counts[name] = counts.get(name, -1) + 1
    return sites


def _calls_at(part: Node) -> Iterator[tuple[str, int]]:
    """Name and place of the call that a node is, or of the stages without arguments below it."""
    if isinstance(part, Call) and isinstance(part.callee, Reference):
        yield part.callee.name, part.span.start
    for stage in getattr(part, "stages", ()):
        if isinstance(stage, Reference):
            yield stage.name, stage.span.start
