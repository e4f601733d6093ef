"""Says a text shorter: not at all where it is short enough, else by a model, twice, and with a cut if all else fails.

Tokens are counted as four characters each, rounded up; no tokeniser is asked, so that a limit means the same for every
model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra.nodes.op import Op
from orchestra.nodes.templates import text_of
from orchestra.runtime.semantic import questions
from orchestra.runtime.semantic.asking import Asking
from orchestra.runtime.semantic.settings import Shortened
from orchestra.source import Span
from orchestra.store import TransformRow
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, merge, plain, tag, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Summariser", "cut", "tokens"]

CHARACTERS = 4  # in a token


def tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS)


@dataclass(frozen=True, slots=True)
class Shorter:
    """kind: pass, summary or cut; answer: of the model that was asked last."""

    kind: str
    text: str
    answer: Any = None


class Summariser:
    """One for each run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._asking = Asking(run)
        self._function = self._asking.function("summarise", ("content", "settings"), "summary", _shortening)

    def shorten(self, content: Any, settings: Shortened, span: Span | None, scope: Scope) -> Any:
        """The content itself if it is short enough, else a text of at most `settings.most` tokens."""
        text = text_of(content)
        if tokens(text) <= settings.most:
            self._keep(settings, text, Shorter("pass", text), span, scope)
            return content
        shorter = self._shorter(tag(text, joined((content,), deep=True)), settings, span, scope)
        if isinstance(unwrap(shorter.answer), ErrorItem):  # nobody knows it yet
            return shorter.answer
        self._keep(settings, text, shorter, span, scope)
        return tag(shorter.text, merge(joined((content,), deep=True), joined((shorter.answer,), deep=True)))

    def refer(self, content: Any, told: str, settings: Shortened, span: Span | None, scope: Scope) -> Any:
        """`told` instead of the content: where it lies. Nobody is asked."""
        self._keep(settings, text_of(content), Shorter("reference", told), span, scope)
        return tag(told, joined((content,), deep=True))

    def _shorter(self, text: Any, settings: Shortened, span: Span | None, scope: Scope) -> Shorter:
        said, answer = "", None
        for stricter in (False, True):
            wishes = {
                "maxTokens": settings.most, "keep": list(settings.keep), "goal": settings.goal, "stricter": stricter,
                **self._asking.who(settings.model, settings.provider),
            }  # fmt: skip
            answer = self._asking.ask(self._function, [text, wishes], span, scope)
            said = text_of(answer).strip()
            if isinstance(unwrap(answer), ErrorItem) or tokens(said) <= settings.most:
                return Shorter("summary", said, answer)
        return Shorter("cut", cut(said, settings.most), answer)

    def _keep(self, settings: Shortened, before: str, shorter: Shorter, span: Span | None, scope: Scope) -> None:
        clean = self._run.redactor.clean
        place = self._asking.place(span, f"{settings.most} {before}", scope)
        sizes = tokens(before), tokens(shorter.text)
        row = TransformRow(
            *place, shorter.kind, clean(before), clean(shorter.text), *sizes, settings.most,
            *self._asking.origin(self._asking.facts(shorter.answer)),
        )  # fmt: skip
        told = {"before": sizes[0], "after": sizes[1], "limit": settings.most, "site": row.site}
        self._asking.keep(lambda decisions: decisions.transform(row), "transform", row.kind, told)
        self._run.event(
            "transform", how=shorter.kind, before=sizes[0], after=sizes[1], site=place[0], iteration=place[1]
        )


def cut(text: str, most: int) -> str:
    """The beginning of a text, and a mark that says how much is missing, in at most so many tokens."""
    room = most * CHARACTERS
    mark = f"\n[cut here: {tokens(text)} tokens were to be {most}]"
    if len(mark) >= room:
        return "[cut]"[:room]
    kept = text[: room - len(mark)]
    space = max(kept.rfind(" "), kept.rfind("\n"))
    return kept[: space if space > len(kept) // 2 else None].rstrip() + mark


def _shortening(op: Op) -> tuple[str, None]:
    content, wishes = (plain(value) for value in op.inputs)
    prompt = questions.shortening(
        content, wishes["maxTokens"], wishes["keep"], wishes["goal"], bool(wishes["stricter"])
    )  # fmt: skip
    return prompt, None
