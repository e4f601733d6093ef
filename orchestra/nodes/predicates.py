"""`**text**` and `choose **text** [ … ]`: conditions in words, which a model decides where nothing else does.

Here is said what a question is about; how it is decided, and that each decision is kept, is the run's business.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, holds, node, present
from orchestra.nodes.braces import Braces
from orchestra.nodes.literals import Object
from orchestra.nodes.templates import Template, Text, join_parts, text_of
from orchestra.nodes.when import Chooser
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import MISSING, Meta, joined, unwrap

__all__ = ["Choose", "Option", "Predicate", "PredicateOptions", "Progress"]


KEYS: Final = (
    "of", "explicit", "declared", "yes", "no", "onUncertain", "on_uncertain", "threshold", "context", "model",
    "provider", "stall",
)  # fmt: skip


@node
class PredicateOptions(Braces):
    """The braces behind a predicate."""

    whose = "a predicate"
    keys = KEYS
    object: Object


@node
class Predicate(Node):
    """`**text** with { of: @x }`."""

    parts: list[Node]
    options: PredicateOptions | None
    speaks: bool = field(init=False)  # the text itself says what it is about
    role: str = field(init=False, default="")  # the word before it, for those who watch

    def __post_init__(self) -> None:
        self.speaks = any(not isinstance(part, Text) for part in self.parts)

    def eval(self, scope: Scope) -> Any:
        return self.about(ABSENT, scope)

    def test(self, scope: Scope) -> bool:
        return holds(self.eval(scope), self.span)

    def about(self, subject: Any, scope: Scope) -> Any:
        """Whether the text holds for a value; if that is ABSENT, for the one that the script names or the last result.

        In the first round of a loop, with no result yet, it does not hold.
        """
        settings = self.settings(scope)
        if settings.pop("stall", None) is not None and self.role != "until":
            raise OrchError("E207", "stall is for the until of a loop", self.span)
        subject = self.subject(subject, settings, scope)
        if unwrap(subject) in (MISSING, None) and not self.speaks and _before_the_first_round(scope):
            return False
        if subject is MISSING and not self.speaks and "context" not in settings:
            raise self._about_nothing()
        return scope.run.holds(self.question(scope), subject, settings, self, scope)

    def matches(self, subject: Any, scope: Scope) -> bool:
        return holds(self.about(subject, scope), self.span)

    def question(self, scope: Scope) -> Any:
        return join_parts(self.parts, scope)

    def settings(self, scope: Scope) -> dict[str, Any]:
        """What stands behind `with`."""
        return dict(unwrap(self.options.object.eval(scope))) if self.options is not None else {}

    def option(self, name: str) -> Node | None:
        return self.options.part(name) if self.options is not None else None

    def subject(self, subject: Any, settings: dict[str, Any], scope: Scope) -> Any:
        """The value that the question is about; MISSING if there is none."""
        if "of" in settings:
            return settings.pop("of")
        return last_result(scope) if subject is ABSENT else subject

    def _about_nothing(self) -> OrchError:
        help = f"{self.span.text.split(' with ')[0]} with {{ of: @value }}"
        return OrchError("E301", "there is no result yet that this could be about", self.span, help=help)


def _before_the_first_round(scope: Scope) -> bool:
    return scope.context.loop is not None and scope.context.loop.iteration == 1


def last_result(scope: Scope) -> Any:
    """The last result of a labelled call in the function, item or script around; MISSING if there is none.

    A loop that has made none in its present round has what `continue` handed on.
    """
    current: Scope | None = scope
    while current is not None:
        if current.recent is not MISSING:
            return current.recent
        if current.kind == "loop" and unwrap(current.names.get("input")) is not None:
            return current.names["input"]
        current = current.parent if current.kind not in ("call", "module") else None
    return MISSING


class Progress:
    """Whether rounds of a loop still change their result; with `limit` equal ones in a row it is given up (E303)."""

    __slots__ = ("_last", "_limit", "_place", "_same")

    def __init__(self, limit: Node | None, scope: Scope) -> None:
        self._place = limit
        self._limit = count_of(limit, scope) if limit is not None else 0
        self._last: str | None = None
        self._same = 0

    def look(self, scope: Scope) -> None:
        """Before a round: at what the last one came to."""
        result = last_result(scope) if self._place is not None else MISSING
        if self._place is None or result is MISSING:
            return
        text = text_of(result)
        self._same = self._same + 1 if text == self._last else 1
        self._last = text
        if self._same >= self._limit:
            help = f"{self._limit} rounds came to the same result; try … catch goes on from here"
            raise OrchError("E303", f"stopped: no progress ({self._limit})", self._place.span, help=help)


def count_of(part: Node, scope: Scope) -> int:
    value = unwrap(part.eval(scope))
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 2 or value != int(value):
        raise OrchError("E207", "stall must be a whole number from 2", part.span)
    return int(value)


@node
class Option(Node):
    """`"label" => value`."""

    label: Template
    action: Node


@node
class Choose(Chooser):
    """The value of the option that the question is answered with; the others are not evaluated."""

    question: Predicate
    options: list[Option]

    def __post_init__(self) -> None:
        Chooser.__post_init__(self)
        self.question.role = "choose"

    def chosen(self, scope: Scope) -> tuple[Node | None, Meta | None]:
        question = self.question
        labels = [text_of(option.label.eval(scope)) for option in self.options]
        settings = question.settings(scope)
        subject = question.subject(ABSENT, settings, scope)
        label = scope.run.chosen(question.question(scope), labels, subject, settings, question, scope)
        return self.options[labels.index(unwrap(label))].action, joined((present(label),))
