"""The adversary of one issue: makes tests out of its laws, for many values, and runs them with all the others."""

from __future__ import annotations

import re

from standin.dialogue import Answer, Call, Talk
from standin.issue import Case, Issue, answer_for, read_issue
from standin.protocol import section

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:\[(.*)\])?(?: - (.*))?$", re.MULTILINE)
_LAW = re.compile(r"::test_law_(\d+)$")


def verify(prompt: str) -> Talk:
    """Answer with a verdict and the calls that came out wrong."""
    issue = read_issue(section(prompt, "issue") or "")
    decided = answer_for(issue, section(prompt, "answers") or "")
    path = f"checks/test_{issue.id.replace('-', '_')}.py"
    command = f"python -m pytest {path} issues/{issue.id}.md tests"
    _, ran = yield [
        Call("Write", {"file_path": path, "content": _checks(issue, decided)}),
        Call("Bash", {"command": command}),
    ]
    failures = _FAILED.findall(ran.text)
    if not failures and " passed" in ran.text:
        return _answer(issue, "holds", f"every law held for every value: {_last_line(ran.text)}", command, [])
    wrong = [one for place, value, _ in failures for one in _wrong(issue, decided, place, value)]
    reason = f"{failures[0][0]}: {failures[0][2]}" if failures else _last_line(ran.text)
    return _answer(issue, "refuted", reason, command, wrong)


def _checks(issue: Issue, decided: Case | None) -> str:
    """A test file with one test for each law, for every value of it."""
    module = issue.file.removeprefix("src/").removesuffix(".py").replace("/", ".")
    parts = [f"import pytest\nfrom {module} import {issue.function}\n"]
    for number, law in enumerate(issue.laws, 1):
        parts.append(
            f'@pytest.mark.parametrize("{law.name}", list({law.values}), ids=repr)\n'
            f"def test_law_{number}({law.name}):\n    assert ({law.case.call}) == ({law.case.expected})\n"
        )
    if decided:
        parts.append(f"def test_decision():\n    assert ({decided.call}) == ({decided.expected})\n")
    return f'"""Written by the adversary of {issue.id}."""\n\n' + "\n\n".join(parts)


def _wrong(issue: Issue, decided: Case | None, place: str, value: str) -> list[dict[str, str]]:
    """The case behind a failed test, if it is one of the laws or the decision."""
    law = _LAW.search(place)
    case = issue.laws[int(law[1]) - 1].at(value) if law else decided if place.endswith("::test_decision") else None
    return [{"call": case.call, "expected": case.expected}] if case else []


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "the tests said nothing"


def _answer(issue: Issue, verdict: str, reason: str, command: str, wrong: list[dict[str, str]]) -> Answer:
    document: dict[str, object] = {
        "verdict": verdict,
        "reason": reason,
        "commands": [command],
        "counterexamples": wrong,
    }
    return Answer(document, f"{issue.id}: {verdict}.")
