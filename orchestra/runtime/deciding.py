"""The part of a run that decides in words: predicates, choices, summaries. How, is said in `semantic`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.op import Op
from orchestra.runtime.models import model_answer
from orchestra.source import Span
from orchestra.values.scope import Scope

if TYPE_CHECKING:
    from orchestra.runtime.module import Module
    from orchestra.runtime.semantic.judge import Judge
    from orchestra.runtime.semantic.summary import Summariser

__all__ = ["Deciding"]


class Deciding:
    """Mixed into `Run`. Nothing of it is loaded before a script asks for it."""

    main: Module

    @cached_property
    def judge(self) -> Judge:
        from orchestra.runtime.semantic.judge import Judge

        return Judge(self)  # type: ignore[arg-type]

    @cached_property
    def summariser(self) -> Summariser:
        from orchestra.runtime.semantic.summary import Summariser

        return Summariser(self)  # type: ignore[arg-type]

    def holds(self, text: Any, subject: Any, settings: Any, place: Any, scope: Scope) -> Any:
        """Whether a text holds for a value; MISSING for no value. `place` has the span, and perhaps a `role`."""
        return self._decided(text, None, subject, settings, place, scope)

    def chosen(self, question: Any, labels: Any, subject: Any, settings: Any, place: Any, scope: Scope) -> Any:
        """The one of `labels` that answers a question; they are an array, or an object that explains them."""
        return self._decided(question, labels, subject, settings, place, scope)

    def _decided(self, text: Any, labels: Any, subject: Any, settings: Any, place: Any, scope: Scope) -> Any:
        from orchestra.runtime.semantic.functions import labelled_options
        from orchestra.runtime.semantic.judge import Question, checked
        from orchestra.runtime.semantic.settings import read_asked

        try:
            options = None if labels is None else labelled_options(labels)
            name = "a predicate" if labels is None else "a choice"
            asked = checked(read_asked(name, settings), None if options is None else list(options))
            return self.judge.decide(
                Question(text, subject, options, asked, place.span, getattr(place, "role", "")), scope
            )
        except OrchError as error:
            raise error.at(place.span) from None

    def program_at(self, span: Span | None, scope: Scope) -> str:
        """The main script with numbers of lines, and a mark at the one that leads to `span`."""
        from orchestra.runtime.semantic.program import numbered, position

        source = self.main.script.span.source if self.main.script is not None else None
        return "" if source is None else numbered(source, position(source, span, scope))

    def ask_model(self, prompt: str, settings: dict[str, Any], op: Op, scope: Scope) -> Any:
        """The answer of a model to the labelled call `op`, which is of the runtime's own making."""
        asked = Op("exe", "llm", [prompt, settings], op.labels, op.span)
        return model_answer(self, asked, scope)  # type: ignore[arg-type]
