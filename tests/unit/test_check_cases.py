"""Every folder of `check_cases/`: the findings on `main.mld` (or `main.md`) are those of `findings.txt`.

A line is `file:line:column code: message`, with the help after ` | ` where there is one. Without the file
nothing may be found.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra.check import Finding, check_script
from orchestra.config import load

CASES = Path(__file__).parent.parent / "check_cases"


def line_of(finding: Finding) -> str:
    assert finding.span is not None
    help = f" | {finding.help}" if finding.help else ""
    return f"{finding.span.where} {finding.code}: {finding.message}{help}"


def findings_of(case: Path) -> str:
    (report,) = check_script(next(case.glob("main.m*")), load(case, {}))
    return "".join(line_of(finding) + "\n" for finding in report.findings)


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_case(name: str) -> None:
    expected = CASES / name / "findings.txt"
    assert findings_of(CASES / name) == (expected.read_text("utf-8") if expected.exists() else "")
