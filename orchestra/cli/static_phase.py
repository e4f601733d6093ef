"""What is settled before a script asks anybody: it parses, its skills are there, its names lead somewhere, and its form
without sugar says the same. `orch check FOLDER` shows this for a folder with an `index.mld`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from orchestra.check import Report
from orchestra.check.agents import agents_of
from orchestra.check.library import mode_of
from orchestra.cli.wiring import known_agent
from orchestra.errors import OrchError
from orchestra.nodes.literals import Object
from orchestra.parse import parse_script
from orchestra.printing import print_script, same_tree
from orchestra.runtime.sessions.skills import Skills
from orchestra.source import Source

__all__ = ["emitted", "expanded", "faults_of_agents", "phases"]

SYNTAX = "E1"  # begins the codes of what does not parse
SKILL = "E743"


def phases(reports: Sequence[Report], faults: Sequence[OrchError]) -> list[str]:
    """One line for each part: `ok parse`, or `not ok parse`."""
    errors = [finding.code for report in reports for finding in report.errors]
    parsed = not any(code.startswith(SYNTAX) for code in errors)
    told = {
        "parse": parsed,
        "skills": not any(fault.code == SKILL for fault in faults),
        "references": not any(not code.startswith(SYNTAX) for code in errors)
        and all(fault.code == SKILL for fault in faults),
        "expansion": parsed and all(_expands(report) for report in reports),
    }
    return [f"{'ok' if holds else 'not ok'} {name}" for name, holds in told.items()]


def faults_of_agents(reports: Sequence[Report], root_of: Callable[[Path | None], Path]) -> list[OrchError]:
    """What is wrong with the files and the skills of the agents in some scripts."""
    found = []
    for report in reports:
        for agent in agents_of(report.module.script if report.module is not None else None):
            assert report.module is not None
            root = root_of(report.module.path)
            folder = report.module.directory or root
            try:
                Skills(root).examine(known_agent(agent, root, folder).skills, folder)
            except OrchError as error:
                found.append(error.at(agent.span))
    return found


def expanded(report: Report, root_of: Callable[[Path | None], Path]) -> str:
    """The core form of a script: every construct written out in the one canonical way, agents of files in full.

    Raises E741 for the file of an agent that is not there.
    """
    module, text = report.module, _canonical(report)
    for agent in agents_of(module.script if module is not None else None):
        if isinstance(agent.value, Object) or module is None:
            continue
        root = root_of(module.path)
        settings = known_agent(agent, root, module.directory or root).settings
        written = ", ".join(f"{key}: {_literal(value)}" for key, value in settings.items() if key != "name")
        if settings:
            short = f"agent {agent.token}"
            full = f"{short} = {{ {written} }}".replace("\\", r"\\")
            text = re.sub(rf"^{re.escape(short)}\b.*$", full, text, flags=re.MULTILINE)
    return text


def _literal(value: Any) -> str:
    """A setting as it is written in a script; an @ of its own in a text is not a name."""
    return json.dumps(value, ensure_ascii=False).replace("@", "\\@")


def _canonical(report: Report) -> str:
    script = report.module.script if report.module is not None else None
    return print_script(script, mode_of(Path(report.file))) if script is not None else ""


def emitted(reports: Sequence[Report], root_of: Callable[[Path | None], Path]) -> str:
    """The plan of some scripts as JSON: the same bytes for the same scripts."""
    scripts = {report.file: expanded(report, root_of) for report in reports if report.module is not None}
    plan = {
        file: {"sha256": sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), "form": text}
        for file, text in sorted(scripts.items())
    }
    return json.dumps({"scripts": plan}, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _expands(report: Report) -> bool:
    if report.module is None or report.module.script is None:
        return True
    again = parse_script(Source(report.file, _canonical(report)), mode_of(Path(report.file)))
    return same_tree(again, report.module.script)
