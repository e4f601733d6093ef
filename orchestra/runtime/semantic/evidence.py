"""What a result says of itself about a question, found without asking anybody.

First the field that the script names, or that is called like the question; then a line `DECISION: …`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

__all__ = ["declared", "explicit", "stated"]

TRUE = ("yes", "true")
FALSE = ("no", "false")
_LINE = re.compile(r"^[ \t>*_#+-]*{label}[*_]*[ \t]*:[ \t]*(.+)$", re.MULTILINE)
_COPULA = r"(?:.*\b(?:is|are|was|were|been|be) )?"


def explicit(material: Any, names: Sequence[str], question: str) -> Iterator[tuple[str, Any]]:
    """Fields of the material that answer the question, each with its name, the named ones first.

    A field that the script does not name counts only if it is called like the whole question and true or false.
    """
    data = _as_object(material)
    for name in names:
        found: Any = data
        for part in name.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if found is not None:
            yield name, found
    if isinstance(data, dict):
        yield from ((name, data[name]) for name in _called_like(question) if isinstance(data.get(name), bool))


def _as_object(material: Any) -> Any:
    """Text that is a JSON object counts as that object."""
    if isinstance(material, str) and material.lstrip().startswith("{"):
        try:
            return json.loads(material)
        except (ValueError, RecursionError):
            return None
    return material


def _called_like(question: str) -> Iterable[str]:
    """Names that a field for the question has: `tests pass`, `tests_pass`, `testsPass`."""
    words = question.lower().split()
    return dict.fromkeys((question, "_".join(words), "".join([*words[:1], *(word.title() for word in words[1:])])))


def declared(material: Any, label: str) -> str | None:
    """What stands behind `label:` in the last line that begins so; None without one."""
    if not isinstance(material, str):
        return None
    pattern = re.compile(_LINE.pattern.replace("{label}", re.escape(label)), re.MULTILINE)
    lines = pattern.findall(material)
    return _words(lines[-1]) if lines else None


def stated(answer: Any, question: str, yes: Sequence[str], no: Sequence[str]) -> bool | None:
    """Whether a field or declared word means that the question holds; None if it says neither.

    yes, no: further words that the script counts as such
    """
    if isinstance(answer, bool) or not isinstance(answer, str):
        return answer if isinstance(answer, bool) else None
    said, asked = _words(answer), _words(question)
    if said in map(_words, (*TRUE, *yes)):
        return True
    if said in map(_words, (*FALSE, *no)):
        return False
    if re.search(r"\b(?:not|no|never|without)\b|n't\b", asked):
        return None
    positive = said.removeprefix("not ")
    if not positive or not re.fullmatch(_COPULA + re.escape(positive), asked):
        return None
    return positive == said


def _words(text: str) -> str:
    """Text without layout, emphasis, case and the sign at its end."""
    return " ".join(re.sub(r"[*_`\"'“”]", "", text).split()).rstrip(".!").casefold()
