"""`@holds`, `@choose`, `@summarise` and `@programContext` as functions of the language: the module `@orch/semantic`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra.nodes.functions import Native
from orchestra.nodes.op import Op
from orchestra.nodes.templates import text_of
from orchestra.runtime.semantic.settings import read_shortened, wrong
from orchestra.values.kinds import a_kind
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, unwrap

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["labelled_options", "semantic_functions"]


def semantic_functions(run: Run) -> dict[str, Native]:
    """The exports of the bundled module `@orch/semantic`."""

    def holds(op: Op, scope: Scope) -> Any:
        question, subject, settings = _three(op)
        return run.holds(_question("@holds", question), subject, settings, op, scope)

    def choose(op: Op, scope: Scope) -> Any:
        question, labels, settings = _three(op)
        given = dict(unwrap(settings)) if isinstance(unwrap(settings), dict) else settings
        subject = given.pop("of", MISSING) if isinstance(given, dict) else MISSING
        return run.chosen(_question("@choose", question), plain(labels), subject, given, op, scope)

    def summarise(op: Op, scope: Scope) -> Any:
        content, settings, _ = _three(op)
        if unwrap(content) is MISSING or unwrap(content) is None:
            raise wrong("@summarise has no content")
        return run.summariser.shorten(content, read_shortened("@summarise", settings), op.span, scope)

    def program(op: Op, scope: Scope) -> Any:
        return run.program_at(op.span, scope)

    return {
        "holds": Native("holds", ("text", "of", "settings"), holds),
        "choose": Native("choose", ("question", "labels", "settings"), choose),
        "summarise": Native("summarise", ("content", "settings"), summarise),
        "programContext": Native("programContext", (), program),
    }


def _three(op: Op) -> tuple[Any, Any, Any]:
    first, second, third = [*op.inputs, MISSING, MISSING, MISSING][:3]
    return first, second, third


def _question(name: str, value: Any) -> Any:
    if not isinstance(unwrap(value), str):
        raise wrong(f"{name} asks a text, not {a_kind(plain(value))}")
    return value


def labelled_options(labels: Any) -> dict[str, str]:
    """The labels, each with what is said about it. Raises E207 unless they are different texts."""
    listed = list(labels.items()) if isinstance(labels, dict) else [(label, "") for label in _array(labels)]
    found: dict[str, str] = {}
    for label, said in listed:
        if not isinstance(label, str) or not label.strip():
            raise wrong(f"a label is a text, not {a_kind(label)}" if not isinstance(label, str) else "a label is empty")
        if label.casefold() in (known.casefold() for known in found):
            raise wrong(f'there are two labels "{label}"')
        found[label] = text_of(said)
    if not found:
        raise wrong("there are no labels to choose from", '@choose(@question, ["yes", "no"])')
    return found


def _array(labels: Any) -> list[Any]:
    if not isinstance(labels, list):
        raise wrong(f"labels are an array or an object, not {a_kind(labels)}")
    return labels
