"""Findings as SARIF 2.1.0, the format in which code hosts take the results of checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from orchestra import __version__
from orchestra.check.findings import Finding
from orchestra.check.report import Report
from orchestra.check.rules import explanation

__all__ = ["as_sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "advice": "note"}


def as_sarif(reports: Iterable[Report]) -> dict[str, Any]:
    """One log with one run. Files are named from the project root, `%SRCROOT%`."""
    found = [(report, finding) for report in reports for finding in report.findings]
    codes = sorted({finding.code for _, finding in found})
    levels = {finding.code: LEVELS[finding.level] for _, finding in found}
    driver = {
        "name": "orch",
        "semanticVersion": __version__,
        "rules": [_rule(code, levels[code]) for code in codes],
    }
    results = [_result(report, finding, codes.index(finding.code)) for report, finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, level: str) -> dict[str, Any]:
    text = {"text": explanation(code)}
    return {
        "id": code,
        "shortDescription": text,
        "fullDescription": text,
        "help": {"text": f"{explanation(code)} orch explain {code} tells more."},
        "defaultConfiguration": {"level": level},
    }


def _result(report: Report, finding: Finding, rule: int) -> dict[str, Any]:
    message = finding.message + (f" ({finding.help})" if finding.help else "")
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVELS[finding.level],
        "message": {"text": message},
        "locations": [{"physicalLocation": _location(report, finding)}],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(report, finding)},
    }


def _location(report: Report, finding: Finding) -> dict[str, Any]:
    span = finding.span
    name = span.source.name if span is not None else report.file
    artifact = {"uri": name, "uriBaseId": "%SRCROOT%"}
    if span is None:
        return {"artifactLocation": artifact, "region": {"startLine": 1}}
    end_line, end_column = span.source.place(max(span.end, span.start))
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": end_line,
        "endColumn": end_column,
    }
    return {"artifactLocation": artifact, "region": region}


def _fingerprint(report: Report, finding: Finding) -> str:
    """The same for the same fault after lines were added above it."""
    line = finding.span.source.line(finding.span.line).strip() if finding.span else ""
    return hashlib.sha256(f"{report.file}\0{finding.code}\0{line}".encode()).hexdigest()[:32]
