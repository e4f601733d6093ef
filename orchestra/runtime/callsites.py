"""Where in a source a function is called: the numbers that `--resume @fn:2` means.

Which answers a number selects is the store's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra.nodes.base import Node, walk
from orchestra.nodes.functions import Call
from orchestra.nodes.modules import Import, ImportItem, ImportWhole
from orchestra.nodes.names import Reference
from orchestra.nodes.op import Op
from orchestra.nodes.script import Script
from orchestra.source import Source, Span

if TYPE_CHECKING:
    from orchestra.runtime.module import Module

__all__ = ["CallSites", "sites_in_source"]

Sites = dict[tuple[str, int], int]
Peek = Callable[[Import | ImportWhole, "Module"], "Module | None"]  # the file behind an import, parsed and not run


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
        for name, span in _calls_at(part):
            sites[name, span.start] = counts[name] = counts.get(name, -1) + 1
    return sites


def _calls_at(part: Node) -> Iterator[tuple[str, Span]]:
    """Name and place of the call that a node is, or of the stages without arguments below it."""
    if isinstance(part, Call) and isinstance(part.callee, Reference):
        yield part.callee.name, part.span
    for stage in getattr(part, "stages", ()):
        if isinstance(stage, Reference):
            yield stage.name, stage.span


def sites_in_source(name: str, main: Module, peek: Peek) -> dict[int, list[str]]:
    """Number → places of the call sites of a function in a script and the files that it imports, before anything runs.

    A call that names no function, as in `@lib.f()` or `var llm`, has the number 0.
    """
    found: dict[int, list[str]] = {}
    for module in _reached(main, peek, {main.path}):
        assert module.script is not None
        parts = list(walk(module.script))
        names = {name, *(item.names[1] for item in parts if isinstance(item, ImportItem) and item.names[0] == name)}
        for alias in names:
            spans = [span for part in parts for called, span in _calls_at(part) if called == alias]
            for number, span in enumerate(spans):
                found.setdefault(number, []).append(span.where)
    return found or {0: []}


def _reached(module: Module, peek: Peek, seen: set[Path | None]) -> Iterator[Module]:
    if module.script is None:
        return
    yield module
    for part in walk(module.script):
        if isinstance(part, (Import, ImportWhole)):
            imported = peek(part, module)
            if imported is not None and imported.path not in seen:
                seen.add(imported.path)
                yield from _reached(imported, peek, seen)
