"""The phases of a script: their names in order, the one that is going on, and what its options allow.

Which answers belong to a phase is known to the store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, walk
from orchestra.nodes.budgets import Limit, limit
from orchestra.nodes.durations import duration_of
from orchestra.nodes.modules import Import, ImportWhole
from orchestra.nodes.script import Checkpoint
from orchestra.nodes.tails import With
from orchestra.nodes.templates import Text
from orchestra.source import Span
from orchestra.values.operators import truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

if TYPE_CHECKING:
    from orchestra.runtime.module import Module

__all__ = ["MODES", "Phases", "names", "wrong_mode"]

MODES = ("auto", "manual", "never")


class Phases:
    """`mode`, `ttl` (seconds) and `limit` are those of the current phase, None where it does not say."""

    def __init__(self, completed: Callable[[str], bool], record: Callable[[str, bool], None]) -> None:
        self._completed = completed
        self._record = record
        self._entered: set[str] = set()
        self._condition: tuple[str, Node, Scope] | None = None
        self.mode: str | None = None
        self.ttl: float | None = None
        self.limit: Limit | None = None
        self.incomplete = False  # the phase serves nothing until an earlier run completed it

    def enter(self, name: str, options: With | None, scope: Scope, span: Span) -> None:
        """Begin a phase; the one before it ends. Raises E804, E805, E810."""
        if name in self._entered:
            help = "give each phase its own name"
            raise OrchError("E804", f'the checkpoint "{name}" was entered before', span, help=help)
        self.finish()
        self._entered.add(name)
        self.mode = _mode(options, scope)
        ttl = options.part("ttl") if options is not None else None
        self.ttl = duration_of(ttl, scope, "ttl") if ttl is not None else None
        self.limit = limit(options, scope, f"checkpoint {name}", f'the budget of the checkpoint "{name}"')
        condition = options.part("complete") if options is not None else None
        self._condition = (name, condition, scope) if condition is not None else None
        self.incomplete = condition is not None and not self._completed(name)

    def finish(self) -> None:
        """The current phase came to its end: record whether it is complete, if it says what that means."""
        if self._condition is not None:
            name, condition, scope = self._condition
            self._condition = None
            self._record(name, truthy(unwrap(condition.peek(scope))))

    def expired(self, created: str, now: str) -> bool:
        """Whether an answer made at `created` is too old for the current phase. Times are ISO-8601."""
        if self.ttl is None:
            return False
        return (datetime.fromisoformat(now) - datetime.fromisoformat(created)).total_seconds() > self.ttl


def names(
    main: Module, peek: Callable[[Import | ImportWhole, Module], Module | None], recorded: list[str]
) -> list[str]:
    """All phases of a script in source order, those of a module where it is imported, before anything runs.

    Those only the store knows stand where their template does, or last.

    peek:     the file behind an import, parsed and not run; None for what is no file
    recorded: phases that have stored answers, oldest first
    """
    found: dict[str, None] = {}
    for mark in _marks(main, peek, {main.path}):
        found.update(dict.fromkeys(_named_by(mark, recorded)))
    return list(found | dict.fromkeys(recorded))


def _marks(
    module: Module, peek: Callable[[Any, Module], Module | None], seen: set[Path | None]
) -> Iterable[Checkpoint]:
    for part in walk(module.script) if module.script is not None else ():
        if isinstance(part, Checkpoint):
            yield part
        elif isinstance(part, (Import, ImportWhole)):
            imported = peek(part, module)
            if imported is not None and imported.path not in seen:
                seen.add(imported.path)
                yield from _marks(imported, peek, seen)


def _mode(options: With | None, scope: Scope) -> str | None:
    part = options.part("resume") if options is not None else None
    if part is None:
        return None
    mode = unwrap(part.eval(scope))
    if mode not in MODES:
        raise wrong_mode(mode).at(part.span)
    return str(mode)


def wrong_mode(mode: object) -> OrchError:
    return OrchError("E805", f'there is no resume mode "{mode}"', help="auto, manual or never", exit=2)


def _named_by(mark: Checkpoint, recorded: Sequence[str]) -> Iterator[str]:
    if mark.literal is not None:
        yield mark.literal
        return
    parts: list[Any] = mark.name.parts
    pattern = "".join(re.escape(part.value) if isinstance(part, Text) else ".*" for part in parts)
    yield from (name for name in recorded if re.fullmatch(pattern, name, re.DOTALL))
