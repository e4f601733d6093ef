"""`prose:@config { … }`: a program in words, handed to a model function that the configuration names."""

from __future__ import annotations

from typing import Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node
from orchestra.nodes.functions import call_value
from orchestra.nodes.modules import TemplateFile
from orchestra.nodes.templates import Template, join_parts, text_of
from orchestra.values.executable import Executable
from orchestra.values.scope import Scope
from orchestra.values.tagged import joined, tag, unwrap

__all__ = ["Prose", "ProseFile", "ProseText"]

SKILLS = ("prose-run", "prose-syntax")
MISSING_SKILLS = "ORCH_SKILLS_UNAVAILABLE"


@node
class ProseText(Node):
    """The program between braces; only references are filled in."""

    parts: list[Node]

    def eval(self, scope: Scope) -> Any:
        return join_parts(self.parts, scope)


@node
class ProseFile(Node):
    """`"x.prose"` as it is, `"x.prose.att"` and `"x.prose.mtt"` as templates."""

    path: Template

    def eval(self, scope: Scope) -> Any:
        path = text_of(self.path.eval(scope))
        if path.endswith((".att", ".mtt")):
            return TemplateFile(self.span, self.path, None).filled(path, scope)
        return scope.run.load(path, None, scope, False)


@node
class Prose(Node):
    """The answer of the configured model to prefix, program and suffix."""

    config: Node
    program: Node

    def eval(self, scope: Scope) -> Any:
        config = unwrap(self.config.eval(scope))
        model = unwrap(config.get("model")) if isinstance(config, dict) else None
        if not isinstance(model, Executable):
            raise OrchError("E206", "prose needs a configuration with a function as its model", self.config.span)
        content = self.program.eval(scope)
        text = text_of(content).strip()
        if not text:
            raise OrchError("E206", "this prose is empty", self.program.span)
        prompt = tag(f"{_opening(config)}\n\n{text}\n\n{_closing(config)}", joined((content,)))
        answer = call_value(model, [prompt], scope, self)
        if MISSING_SKILLS in text_of(answer):
            raise OrchError("E718", "the model does not have the skills that this prose needs", self.span)
        return answer


def _opening(config: dict[str, Any]) -> str:
    """What comes before the program: which skill to use."""
    given = unwrap(config.get("skillPrompt"))
    if given is not None:
        return text_of(given)
    skills = [text_of(skill) for skill in unwrap(config.get("skills")) or SKILLS]
    runner = next((skill for skill in skills if "run" in skill), skills[0] if skills else "")
    return f"Use the skill {runner} to carry out this program. Skills it may need: {', '.join(skills)}."


def _closing(config: dict[str, Any]) -> str:
    given = unwrap(config.get("skillPromptEnd"))
    if given is not None:
        return text_of(given)
    return f"Answer with the bare output of the program. If you lack these skills, answer {MISSING_SKILLS}."
