"""The braces after `with`: which options there are, and their expressions. What they mean is said where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, node
from orchestra.nodes.literals import Object, Pair
from orchestra.source import Span
from orchestra.values.operators import truthy
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

__all__ = ["KEYS", "SESSION", "With", "asked_of_cache"]

KEYS = frozenset(
    "pipeline stdin format description tools profile policy auth using guards parallel delay stream "
    "streamFormat skipDirs asSection ok sample timeout canary separator template join onFail resume ttl "
    "complete cache budget retry backoff errors ensure".split()
)

# What can be said of one session, besides what holds for every call.
SESSION = frozenset(
    "context contextTokens label skills model provider schema schemaRetries tools dir maxTokens maxTurns maxCost "
    "effort timeout purpose doneWhen".split()
)


@node
class With(Node):
    """The braces after `with`."""

    object: Object
    of_session: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        for name, place in self.given():
            if name not in KEYS and name not in SESSION:
                raise self.unknown(name, place)

    def given(self) -> Iterator[tuple[str, Span]]:
        """The names of the options given, and where they stand."""
        for member in self.object.members:
            if isinstance(member, Pair):
                yield member.key.span.text.strip("\"'`"), member.key.span

    def unknown(self, name: str, place: Span) -> OrchError:
        meant = nearest(name, KEYS | SESSION if self.of_session else KEYS)
        help = f"did you mean {meant}?" if meant else None
        return OrchError("E101", f"with has no option {name}", place, help=help, exit=2)

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


def asked_of_cache(options: With, scope: Scope) -> dict[str, Any]:
    """`sample`: which of several distinct answers is asked for; `cache`: whether a stored one will do."""
    return {"sample": _sample(options, scope), "cache": truthy(unwrap(options.value("cache", scope, True)))}


def _sample(options: With, scope: Scope) -> int:
    """Options of a command line are text, so digits will do as well. E207 for what is no number."""
    value = unwrap(options.value("sample", scope, 0))
    try:
        return int(value or 0)
    except (TypeError, ValueError, OverflowError):
        part = options.part("sample")
        message = "sample is which of several answers is meant, a whole number"
        raise OrchError("E207", message, None if part is None else part.span, help="sample: 2") from None
