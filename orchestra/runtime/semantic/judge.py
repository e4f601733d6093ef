"""Decides questions in words, and keeps a row of each decision.

The order is fixed: a field of the result, a line that declares the answer, a model. What a script says about a question
is read by `settings`, how a model is asked is said in `questions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.op import Op
from orchestra.nodes.templates import text_of
from orchestra.nodes.views import View
from orchestra.runtime.semantic import questions
from orchestra.runtime.semantic.asking import Asking
from orchestra.runtime.semantic.evidence import declared, explicit, stated
from orchestra.runtime.semantic.settings import Asked, wrong
from orchestra.source import Span
from orchestra.store import PredicateRow
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, NOTHING, Meta, joined, merge, plain, tag, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Judge", "Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """text: what is asked; subject: the value it is about, MISSING for none; labels: what may be chosen, each with
    what is said about it, None for yes and no; role: the word of the script that asks, such as `until`."""

    text: Any
    subject: Any
    labels: Mapping[str, str] | None
    settings: Asked
    span: Span | None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """value: True, False or a label; source: explicit, declared, semantic or default."""

    value: bool | str
    source: str
    evidence: str
    confidence: float | None = None
    facts: Mapping[str, Any] | None = None
    meta: Meta = NOTHING


class Judge:
    """One for each run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._asking = Asking(run)
        self._holds = self._asking.function("holds", ("text", "material", "settings"), "predicate", _holding)
        self._choose = self._asking.function("choose", ("question", "material", "settings"), "choice", _choosing)

    def decide(self, question: Question, scope: Scope) -> Any:
        """True, False or a label, with what flows from question, material and judge."""
        subject = unwrap(question.subject)
        data = plain(subject.plain() if isinstance(subject, View) else subject)
        material = None if data is MISSING else text_of(question.subject)
        text = text_of(question.text).strip()
        if not text:
            raise OrchError("E207", "the question is empty", question.span)
        program = self._run.program_at(question.span, scope) if question.settings.context == "program" else None
        verdict = self._stated(question, text, data, material)
        if verdict is None:
            flow = joined((question.subject, question.text), deep=True)
            given = tag(material, flow) if material is not None else None
            answer = self._asked(question, tag(text, joined((question.text,))), given, program, scope)
            if isinstance(unwrap(answer), ErrorItem):  # nobody knows it yet
                return answer
            verdict = self._judged(question, answer)
        self._keep(question, text, material, program, verdict, scope)
        return tag(verdict.value, merge(joined((question.subject, question.text), deep=True), verdict.meta))

    # ── without a model ──────────────────────────────────────────────────────────────────────────

    def _stated(self, question: Question, text: str, data: Any, material: str | None) -> Verdict | None:
        for name, answer in explicit(data, question.settings.explicit, text):
            value = self._read(question, text, answer)
            if value is not None:
                return Verdict(value, "explicit", f"{name}: {text_of(answer)}")
        said = declared(material, question.settings.declared)
        value = self._read(question, text, said)
        return None if value is None else Verdict(value, "declared", f"{question.settings.declared}: {said}")

    def _read(self, question: Question, text: str, answer: Any) -> bool | str | None:
        """What a field or declared word answers; None if it is no answer."""
        if question.labels is None:
            return stated(answer, text, question.settings.yes, question.settings.no)
        said = answer.strip().casefold() if isinstance(answer, str) else None
        return next((label for label in question.labels if label.casefold() == said), None)

    # ── by a model ───────────────────────────────────────────────────────────────────────────────

    def _asked(self, question: Question, text: Any, material: Any, program: str | None, scope: Scope) -> Any:
        settings: dict[str, Any] = self._asking.who(question.settings.model, question.settings.provider)
        if program is not None:
            settings["program"] = program
        if question.labels is None:
            return self._asking.ask(self._holds, [text, material, settings], question.span, scope)
        settings["labels"] = dict(question.labels)
        return self._asking.ask(self._choose, [text, material, settings], question.span, scope)

    def _judged(self, question: Question, answer: Any) -> Verdict:
        """The model's answer, or the one for uncertainty."""
        said, facts, meta = plain(answer), self._asking.facts(answer), joined((answer,), deep=True)
        confidence, evidence = float(said["confidence"]), str(said["evidence"])
        value = said["holds"] if question.labels is None else said["choice"]
        fallback = False if question.labels is None else None
        if question.settings.on_uncertain is not None:
            fallback = question.settings.on_uncertain
        if confidence < question.settings.threshold and fallback is not None:
            return Verdict(fallback, "default", evidence, confidence, facts, meta)
        return Verdict(value, "semantic", evidence, confidence, facts, meta)

    # ── keeping ──────────────────────────────────────────────────────────────────────────────────

    def _keep(
        self, question: Question, text: str, material: str | None, program: str | None, verdict: Verdict, scope: Scope
    ) -> None:
        """Write the row and tell it to those who watch."""
        clean = self._run.redactor.clean
        value = verdict.value if isinstance(verdict.value, str) else str(verdict.value).lower()
        labels = None if question.labels is None else list(question.labels)
        prompt, evidence = clean(_prompt(text, question.labels, material, program)), clean(verdict.evidence)
        place = self._asking.place(question.span, prompt, scope)
        row = PredicateRow(
            *place, prompt, clean(text), labels, verdict.source, value, evidence, verdict.confidence,
            *self._asking.origin(verdict.facts),
        )  # fmt: skip
        told = {"value": value, "source": verdict.source, "evidence": evidence, "site": row.site}
        self._asking.keep(lambda decisions: decisions.predicate(row), "predicate", row.text, told)
        self._run.event(
            "predicate", role=question.role, text=text, value=value, source=verdict.source, evidence=evidence,
            confidence=verdict.confidence, site=place[0], iteration=place[1],
        )  # fmt: skip


def checked(settings: Asked, labels: Sequence[str] | None) -> Asked:
    """The settings, if `onUncertain` is an answer to the question. Raises E207."""
    fallback = settings.on_uncertain
    if labels is None and fallback is not None and not isinstance(fallback, bool):
        raise wrong("onUncertain must be true or false")
    if labels is not None and fallback is not None and fallback not in labels:
        raise wrong(f"onUncertain must be one of {', '.join(labels)}")
    return settings


def _prompt(text: str, labels: Mapping[str, str] | None, material: str | None, program: str | None) -> str:
    if labels is None:
        return questions.holding(text, material, program)
    return questions.choosing(text, dict(labels), material, program)


def _holding(op: Op) -> tuple[str, dict[str, Any]]:
    text, material, settings = (plain(value) for value in op.inputs)
    return questions.holding(text, material, settings.get("program")), questions.holds_schema()


def _choosing(op: Op) -> tuple[str, dict[str, Any]]:
    text, material, settings = (plain(value) for value in op.inputs)
    labels = settings["labels"]
    return questions.choosing(text, labels, material, settings.get("program")), questions.choice_schema(list(labels))
