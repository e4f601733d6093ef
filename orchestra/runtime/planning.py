"""A run in which nothing is asked and nothing done: which labelled calls have an answer, and what the others may take.

Whoever plans gets the lines from `Planning.lines` and what stays open from `Planning.open`. How they are shown is
left to `orch plan`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.op import Op
from orchestra.nodes.signals import Signal
from orchestra.providers.prices import ALIASES, Price, price_of
from orchestra.providers.protocol import Usage
from orchestra.runtime.calls import LLMRequest
from orchestra.store import Hit, Key
from orchestra.values.tagged import MISSING, Meta, Tagged, joined
from orchestra.values.unanswered import Unanswered

if TYPE_CHECKING:
    from orchestra.nodes.base import Node
    from orchestra.runtime.agent import Agent
    from orchestra.store import Calls
    from orchestra.values.scope import Scope

__all__ = ["Figures", "PlanLine", "Planning"]

LABEL: Final = "unanswered"  # flows from a missing answer into whatever is made of it
LEFT_OUT: Final = frozenset({"show", "log", "output", "append", "run"})  # operations that are not done
KINDS: Final = {"miss": "new", "stale": "stale", "resumed": "stale"}  # as `--explain` calls them → here
CHARACTERS: Final = 4  # of a prompt in a token, about


@dataclass(frozen=True, slots=True)
class Figures:
    """What one call may take, from least to most. Dollars are None where no price is known."""

    tokens: tuple[int, int]
    cost: tuple[float, float] | None


@dataclass(slots=True)
class PlanLine:
    """The calls of one function in one phase.

    cached:  have an answer
    stale:   have one of other code or files, or one that is to be made again
    new:     have none
    depends: take something that no answer gave yet, so that nobody knows whether they have one
    each:    what one that is made may take, None if nothing is known
    """

    phase: str | None
    function: str
    cached: int = 0
    stale: int = 0
    new: int = 0
    depends: int = 0
    each: Figures | None = None

    @property
    def least(self) -> int:
        """Calls that will be made for certain."""
        return self.stale + self.new

    @property
    def most(self) -> int:
        """Calls that may be made."""
        return self.least + self.depends


@dataclass(slots=True)
class Planning:
    """open: places behind which calls may be made that are not counted, and why."""

    calls: Callable[[], Calls]
    phase: Callable[[], str | None]
    today: Callable[[], str]
    lines: dict[tuple[str | None, str], PlanLine] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    uncertain: bool = False  # something was handed on that nobody knows
    _missing: set[str] = field(default_factory=set)  # keys without an answer: a second call gets that of the first
    _kind: str = "new"
    _probed: list[Figures] = field(default_factory=list)

    def statement(self, statement: Node, scope: Scope) -> Any:
        """One statement of the top level. If it needs what nobody knows, the plan goes on behind it."""
        try:
            return statement.exec(scope)
        except OrchError as error:
            if not self.uncertain:
                raise
            self.failed(error.at(statement.span))
            target = str(getattr(statement, "target", ""))
            if target.startswith("@"):
                scope.names[target[1:]] = self.nobody_knows(target)
            return None

    def failed(self, error: OrchError) -> None:
        """Something could not be done, most likely for want of an answer."""
        where = f"{error.span.where}: {error.span.text.splitlines()[0].strip()}" if error.span is not None else ""
        place = f"{where} ({error.message.splitlines()[0]})"
        if place not in self.open:
            self.open.append(place)

    def leaves_out(self, op: Op) -> bool:
        """Whether an operation is not done when planning."""
        return op.kind in LEFT_OUT

    def left_out(self, op: Op) -> Any:
        """In place of an effect; what commands and code give is not known."""
        return self.nobody_knows("a command or code") if op.kind == "run" else ""

    def told(self, kind: str) -> None:
        """Why the call at hand has no answer."""
        self._kind = KINDS.get(kind, self._kind)

    def labelled(self, op: Op, key: Key | None, find: Callable[[], Hit | None], body: Callable[[], Any]) -> Any:
        """In place of a labelled call: its answer if there is one."""
        line = self.lines.setdefault((self.phase(), op.name), PlanLine(self.phase(), op.name))
        self._kind = "new"
        if LABEL in joined(op.inputs, deep=True).labels:
            self._kind = "depends"
        elif key is not None:
            if key.digest in self._missing:
                return self.nobody_knows(f"@{op.name}")
            if (found := find()) is not None:
                line.cached += 1
                return found.value
            self._missing.add(key.digest)
        setattr(line, self._kind, getattr(line, self._kind) + 1)
        line.each = _wider(line.each, self._figures(op.name, body))
        return self.nobody_knows(f"@{op.name}")

    def model(self, request: LLMRequest, agent: Agent) -> Any:
        """In place of a model: what the call may take by its prompt."""
        prompt = (len(request.prompt) + len(request.system or "")) // CHARACTERS
        price = self._price(request, agent, prompt)
        cost = None
        if price is not None:
            least, most = price.of(Usage(prompt, 0)), price.of(Usage(prompt, request.max_tokens))
            cost = (least, most) if least is not None and most is not None else None
        self._probed.append(Figures((prompt, prompt + request.max_tokens), cost))
        return self.nobody_knows(f"@{request.fn}")

    def _price(self, request: LLMRequest, agent: Agent, prompt: int) -> Price | None:
        try:
            resolved = agent.resolve(request.model, request.provider)
            return price_of(resolved.id, prompt, self.today(), agent.price(resolved))
        except OrchError:  # nobody would answer at the moment
            return price_of(ALIASES.get(request.model, request.model), prompt, self.today())

    def _figures(self, function: str, body: Callable[[], Any]) -> Figures | None:
        """By earlier calls of the function; without any, by the prompts that it makes."""
        learned = self.calls().figures(function)
        if learned is not None:
            return Figures(*learned)
        self._probed.clear()
        with suppress(OrchError, Signal):
            body()
        found = list(self._probed)
        if not found:
            return None
        tokens = sum(each.tokens[0] for each in found), sum(each.tokens[1] for each in found)
        costs = [each.cost for each in found if each.cost is not None]
        known = len(costs) == len(found)
        return Figures(tokens, (sum(low for low, _ in costs), sum(high for _, high in costs)) if known else None)

    def nobody_knows(self, what: str) -> Any:
        self.uncertain = True
        return Tagged(Unanswered(0, what, f"{what} has no answer yet", MISSING), Meta((LABEL,), (LABEL,)))


def _wider(known: Figures | None, other: Figures | None) -> Figures | None:
    """Figures that hold for both."""
    if known is None or other is None:
        return known or other
    tokens = min(known.tokens[0], other.tokens[0]), max(known.tokens[1], other.tokens[1])
    if known.cost is None or other.cost is None:
        return Figures(tokens, None)
    return Figures(tokens, (min(known.cost[0], other.cost[0]), max(known.cost[1], other.cost[1])))
