"""What the stand-in can read in an issue: examples, laws, and questions with their options.

An example is a line after `>>>` with its result below; a law is a line "for every `n` in `range(3)`: `call` is
`result`"; an option is a line "- a: … `call` is `result`". Prose it does not understand.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from standin.protocol import NotUnderstood, section

_EXAMPLE = re.compile(r"^>>> (.+)\n(?!>>>)(\S.*)$", re.MULTILINE)
_LAW = re.compile(r"^- for every `(\w+)` in `([^`]+)`: `([^`]+)` is `([^`]+)`$", re.MULTILINE)
_OPTION = re.compile(r"^- (\w): [^`]*`([^`]+)` is `([^`]+)`$", re.MULTILINE)
_QUESTION = re.compile(r"^## Open question\n+(.+?)(?=\n\n|\n- |\Z)", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^(\w+): (.+)$", re.MULTILINE)


class Case(NamedTuple):
    """A call and its result, both as code."""

    call: str
    expected: str


class Law(NamedTuple):
    """A case for every value that `name` takes in `values`."""

    name: str
    values: str
    case: Case

    def at(self, value: str) -> Case:
        put = re.compile(rf"\b{self.name}\b")
        return Case(put.sub(lambda _: value, self.case.call), put.sub(lambda _: value, self.case.expected))


class Issue(NamedTuple):
    """An issue as far as it is understood."""

    id: str
    title: str
    file: str
    function: str
    examples: tuple[Case, ...]
    laws: tuple[Law, ...]
    question: str
    options: dict[str, Case]


def read_issue(text: str) -> Issue:
    """Raises NotUnderstood for a text without the fields that the stand-in needs."""
    fields = dict(_FIELD.findall(text.partition("\n---")[0]))
    missing = [name for name in ("id", "file", "function") if name not in fields]
    if missing:
        raise NotUnderstood(f"the issue lacks {', '.join(missing)} in its front matter")
    question = _QUESTION.search(text)
    return Issue(
        fields["id"],
        fields.get("title", ""),
        fields["file"],
        fields["function"],
        tuple(Case(call, result) for call, result in _EXAMPLE.findall(text)),
        tuple(Law(name, values, Case(call, result)) for name, values, call, result in _LAW.findall(text)),
        " ".join(question[1].split()) if question else "",
        {letter: Case(call, result) for letter, call, result in _OPTION.findall(text)},
    )


def answer_for(issue: Issue, answers: str) -> Case | None:
    """The option that a person chose: a line `id: letter` among the answers."""
    found = re.search(rf"^{re.escape(issue.id)}:\s*(\w)\b", answers, re.MULTILINE)
    return issue.options.get(found[1].lower()) if found else None


def data(prompt: str, tag: str) -> Any:
    """The JSON between two tags; null if there is none. Raises NotUnderstood if it is none."""
    text = (section(prompt, tag) or "").strip()
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise NotUnderstood(f"<{tag}> does not hold JSON: {error}") from None
