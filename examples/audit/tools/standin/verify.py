"""The verifier: takes one finding and looks for what speaks against it, in the file and around it.

What speaks against which rule is left to `judges.py`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from standin.case import Case, Verdict
from standin.dialogue import Answer, Call, Line, Result, Talk, matching_lines, read_file
from standin.judges import JUDGES
from standin.module import Module, quoted
from standin.review import Finding, examine


def verify(path: str, finding: Finding) -> Talk:
    """Read the file again, search the package, and answer with a verdict, its reason and its evidence."""
    text = yield from read_file(path)
    verdict = yield from _judge(path, text, finding)
    document: dict[str, object] = vars(verdict) | {"evidence": [line._asdict() for line in verdict.evidence]}
    return Answer(document, f"{finding.id}: {verdict.verdict}.")


def _judge(path: str, text: str, finding: Finding) -> Generator[Sequence[Call], list[Result], Verdict]:
    shown = (Line(path, finding.line, quoted(text, finding.line)),)
    try:
        module = Module(path, text)
    except (SyntaxError, ValueError):
        return Verdict("insufficient-context", "the file may be meant for another version of Python", shown)
    hit = next((hit for one, hit in examine(module, finding.rule) if one.id == finding.id), None)
    if hit is None:
        return Verdict("false-positive", "reading the file again does not bear the claim out", shown)
    case = Case(module, hit)
    if "noqa" in module.comments.get(hit.line, ""):
        return case.refuted("the authors marked the line as intended")
    search, judge = JUDGES[finding.rule]
    return judge((yield from _searched(case, search(case))))


def _searched(case: Case, calls: Sequence[Call]) -> Generator[Sequence[Call], list[Result], Case]:
    if not calls:
        return case
    results = yield calls
    paired = list(zip(calls, results, strict=True))
    matches = [line for call, result in paired if call.name == "Grep" for line in matching_lines(result)]
    files = [
        row for call, result in paired if call.name == "Glob" and not result.failed for row in result.text.split("\n")
    ]
    listed = tuple(row for row in files if row.endswith("py.typed"))
    return replace(case, matches=tuple(matches), files=listed)
