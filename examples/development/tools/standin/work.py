"""The worker: looks for a small change with which the examples come out right, makes it, and runs the tests.

It looks at examples, at what an adversary brought up and at what a person decided, and not at the laws of an issue:
a hurried programmer, which is why somebody else tests the laws afterwards.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice

from standin.dialogue import Answer, Call, Talk, read_file
from standin.issue import Case, Issue, answer_for, data, read_issue
from standin.mending import mended
from standin.protocol import section
from standin.trial import passes

TRIES = 4  # changes that are tried out before the worker gives up


def work(prompt: str) -> Talk:
    """Answer with what was done and what the tests said."""
    issue = read_issue(section(prompt, "issue") or "")
    cases = _cases(issue, prompt)
    if not cases:
        return _answer("question", [], "", issue.question or "no example says what is to come out")
    source = yield from read_file(issue.file)
    test, now = Call("Bash", {"command": _command(issue)}), source
    outcome = f"no small change of {issue.function} makes {cases[0].call} come out right"
    for new in islice(_promising(issue, source, cases), TRIES):
        *_, ran = yield [*_edits(issue, now, new), test]
        now, outcome = new, _last_line(ran.text)
        if " passed" in outcome and " failed" not in outcome and not ran.failed:
            return _answer("fixed", [issue.file] if new != source else [], _command(issue), outcome)
    if now != source:
        yield _edits(issue, now, source)
    return _answer("failed", [], _command(issue), outcome)


def _promising(issue: Issue, source: str, cases: list[Case]) -> Iterator[str]:
    """Sources with which the cases come out right; the one that is there may be the first."""
    return (one for one in (source, *mended(source, issue.function, cases)) if passes(one, cases))


def _cases(issue: Issue, prompt: str) -> list[Case]:
    decided = answer_for(issue, section(prompt, "answers") or "")
    found = [one for verdict in data(prompt, "refuted") or [] for one in verdict["counterexamples"]]
    brought_up = [Case(one["call"], one["expected"]) for one in found]
    return [*issue.examples, *([decided] if decided else []), *brought_up]


def _command(issue: Issue) -> str:
    """The tests of the module, and the examples of the issue."""
    module = issue.file.rpartition("/")[2].removesuffix(".py")
    return f"python -m pytest tests/test_{module}.py issues/{issue.id}.md"


def _edits(issue: Issue, old: str, new: str) -> list[Call]:
    """The edit from one state of the function to another; none if they are the same."""
    if new == old:
        return []
    before, after = _function(old, issue.function), _function(new, issue.function)
    return [Call("Edit", {"file_path": issue.file, "old_string": before, "new_string": after})]


def _function(source: str, name: str) -> str:
    node = next(one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef) and one.name == name)
    return ast.get_source_segment(source, node) or ""


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "the tests said nothing"


def _answer(status: str, files: list[str], command: str, summary: str) -> Answer:
    document: dict[str, object] = {"status": status, "files": files, "command": command, "summary": summary}
    return Answer(document, f"{status}: {summary}")
