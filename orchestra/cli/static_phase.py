"""What is settled before a script asks anybody: it parses, its skills are there, its names lead somewhere, and its form
without sugar says the same. `orch check FOLDER` shows this for a folder with an `index.mld`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from orchestra.check import Report
from orchestra.check.agents import agents_of, skills_of
from orchestra.check.library import mode_of
from orchestra.errors import OrchError
from orchestra.parse import parse_script
from orchestra.printing import print_script, same_tree
from orchestra.runtime.sessions.skills import Skills
from orchestra.source import Source

__all__ = ["emitted", "expanded", "faults_of_skills", "phases"]

SYNTAX = "E1"  # begins the codes of what does not parse


def phases(reports: Sequence[Report], faults: Sequence[OrchError]) -> list[str]:
    """One line for each part: `ok parse`, or `not ok parse`."""
    errors = [finding.code for report in reports for finding in report.errors]
    parsed = not any(code.startswith(SYNTAX) for code in errors)
    told = {
        "parse": parsed,
        "skills": not faults,
        "references": not any(not code.startswith(SYNTAX) for code in errors),
        "expansion": parsed and all(_expands(report) for report in reports),
    }
    return [f"{'ok' if holds else 'not ok'} {name}" for name, holds in told.items()]


def faults_of_skills(reports: Sequence[Report], root: Path) -> list[OrchError]:
    """What is wrong with the skills of the agents in some scripts."""
    found, skills = [], Skills(root)
    for report in reports:
        if report.module is None:
            continue
        for agent in agents_of(report.module.script):
            try:
                skills.examine(skills_of(agent), report.module.directory or root)
            except OrchError as error:
                found.append(error.at(agent.span))
    return found


def expanded(report: Report) -> str:
    """The core form of a script: every construct written out in the one canonical way."""
    script = report.module.script if report.module is not None else None
    return print_script(script, mode_of(Path(report.file))) if script is not None else ""


def emitted(reports: Sequence[Report]) -> str:
    """The plan of some scripts as JSON: the same bytes for the same scripts."""
    scripts = {report.file: expanded(report) for report in reports if report.module is not None}
    plan = {
        file: {"sha256": sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), "form": text}
        for file, text in sorted(scripts.items())
    }
    return json.dumps({"scripts": plan}, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _expands(report: Report) -> bool:
    if report.module is None or report.module.script is None:
        return True
    again = parse_script(Source(report.file, expanded(report)), mode_of(Path(report.file)))
    return same_tree(again, report.module.script)
