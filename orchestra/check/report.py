"""The result of checking one file: its findings and what the file defines, also as JSON data.

Text for people is made by the command line, SARIF by `sarif`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestra.check.findings import Finding
from orchestra.check.module import Module, source_of
from orchestra.nodes.base import Node
from orchestra.nodes.functions import Exe
from orchestra.nodes.guards import Guard
from orchestra.nodes.hooks import Hook
from orchestra.nodes.modules import Import, ImportItem, Needs
from orchestra.nodes.policies import ImportPolicy, Policy
from orchestra.nodes.templates import references

__all__ = ["Report"]

REBOUND = ("E203", "E204", "E413", "shadowed-builtin")
ABOUT_NAMES = (
    "undefined-variable",
    "undefined-function",
    "used-before-definition",
    "probable-typo",
    "template-unknown-variable",
)


@dataclass(frozen=True, slots=True)
class Report:
    """`module` is the script that was read; `template` the nodes of a template file, if it parses."""

    file: str
    findings: list[Finding]
    module: Module | None = None
    template: Node | None = None

    @property
    def valid(self) -> bool:
        return not self.errors

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """Everything that is no error, advice included."""
        return [finding for finding in self.findings if finding.level != "error"]

    @property
    def kind(self) -> str:
        """What the file is, as summaries call it."""
        return "template" if self.module is None else "module"

    # ── what the file holds ──────────────────────────────────────────────────────────────────────

    def functions(self) -> list[dict[str, Any]]:
        parts = [part for _, part in self.module.definitions() if isinstance(part, Exe)] if self.module else []
        return [
            {
                "name": str(part.token)[1:],
                "params": [param.name for param in part.params or []],
                "labels": list(map(str, part.labels)),
            }
            for part in parts
        ]

    def imports(self) -> list[dict[str, Any]]:
        found = []
        for statement in self.module.imports() if self.module else []:
            names = ["*"]
            if isinstance(statement, Import):
                names = [part.names[0] if isinstance(part, ImportItem) else "*" for part in statement.items.items]
            found.append({"from": source_of(statement) or statement.source.span.text, "names": names})
        return found

    def exports(self) -> list[str]:
        return list(self.module.exported() or {}) if self.module else []

    def hooks(self) -> list[dict[str, Any]]:
        parts = [part for part in self.module.statements if isinstance(part, Hook)] if self.module else []
        return [
            {
                "name": str(part.name)[1:] if part.name else None,
                "timing": str(part.timing),
                "filter": part.filter.span.text,
            }
            for part in parts
        ]

    def guards(self) -> list[dict[str, Any]]:
        parts = [part for part in self.module.statements if isinstance(part, Guard)] if self.module else []
        return [
            {
                "name": str(part.name)[1:] if part.name else None,
                "timing": part.when,
                "trigger": part.trigger.span.text,
                "privileged": part.privileged is not None,
            }
            for part in parts
        ]

    def policies(self) -> list[str]:
        statements = self.module.statements if self.module else []
        return [str(part.token)[1:] for part in statements if isinstance(part, (Policy, ImportPolicy))]

    def needs(self) -> list[str]:
        parts = [part for part in self.module.statements if isinstance(part, Needs)] if self.module else []
        return [str(part.body).strip() for part in parts]

    # ── as JSON ──────────────────────────────────────────────────────────────────────────────────

    def as_data(self) -> dict[str, Any]:
        """One object. Every finding is in exactly one of the four lists at its head."""
        rebound = [finding for finding in self.findings if finding.code in REBOUND]
        about = [finding for finding in self.findings if finding.code in ABOUT_NAMES]
        rest = [finding for finding in self.findings if finding not in rebound and finding not in about]
        return {
            "filepath": self.file,
            "valid": self.valid,
            "errors": [_error(finding) for finding in rest if finding.level == "error"],
            "warnings": [_named(finding) for finding in about],
            "redefinitions": [_named(finding) | {"reason": finding.message} for finding in rebound],
            "antiPatterns": [_error(finding) for finding in rest if finding.level != "error"],
            "executables": self.functions(),
            "exports": self.exports(),
            "imports": self.imports(),
            "hooks": self.hooks(),
            "guards": self.guards(),
            "policies": self.policies(),
            "needs": self.needs(),
            "checkpoints": self.module.checkpoints() if self.module else [],
            "template": self._template(),
        }

    def _template(self) -> dict[str, Any] | None:
        if self.template is None:
            return None
        return {"variables": list(dict.fromkeys(ref.name for ref in references(self.template)))}


def _error(finding: Finding) -> dict[str, Any]:
    data: dict[str, Any] = {
        "code": finding.code,
        "level": finding.level,
        "message": finding.message,
        **_place(finding),
    }
    return data | ({"suggestion": finding.help} if finding.help else {})


def _named(finding: Finding) -> dict[str, Any]:
    return {"variable": finding.variable, **_error(finding)}


def _place(finding: Finding) -> dict[str, Any]:
    """Lines and columns from 1; the end is exclusive."""
    span = finding.span
    if span is None:
        return {"line": 1, "column": 1, "endLine": 1, "endColumn": 1}
    end_line, end_column = span.source.place(span.end)
    place = {"line": span.line, "column": span.column, "endLine": end_line, "endColumn": end_column}
    return place | ({"file": span.source.name})
