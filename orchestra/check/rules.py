"""The table of everything that the checks may report besides plain errors of the language.

An error has a code of `orchestra.errors`; a warning or an advice has a word of this table, which the settings
of a project may silence.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestra.errors import NAMES

__all__ = ["RULES", "Rule", "explanation"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`level` is `warning` (probably wrong) or `advice` (works, but not as well as it could)."""

    level: str
    text: str


def _warning(text: str) -> Rule:
    return Rule("warning", text)


def _advice(text: str) -> Rule:
    return Rule("advice", text)


RULES: dict[str, Rule] = {
    "undefined-variable": _warning("A name is used that nothing defines."),
    "undefined-function": _warning("A function is called, or used as a pipeline stage, that nothing defines."),
    "used-before-definition": _warning("A variable is used above the line that defines it."),
    "probable-typo": _warning("An undefined name in text or in a condition is one letter away from a defined one."),
    "wrong-arity": _warning("A call passes more or fewer arguments than the function has parameters."),
    "unknown-argument": _warning("A named argument is passed to a function without such a parameter."),
    "missing-recursive-label": _warning("A function calls itself without the label recursive."),
    "unknown-module": _warning("A named module is imported that is neither bundled nor installed."),
    "template-unknown-variable": _warning("A template file uses a name that its declaration does not give it."),
    "hook-never-matches": _warning("A hook waits for an operation that cannot happen."),
    "hook-after-first-use": _warning("A hook begins to watch after what it watches has happened."),
    "guard-never-matches": _warning("A guard waits for an operation or a label that does not occur."),
    "privileged-allow-all": _warning("A privileged guard allows everything, and so switches policies off."),
    "repeated-checkpoint": _warning("Two arms name the same checkpoint; entering it twice is an error."),
    "unreachable-arm": _warning("An arm of when stands after one that always matches."),
    "loop-decided-elsewhere": _warning("A function ends or continues the loop in which it is called."),
    "undeclared-error": _warning("A function throws an error that its list of errors does not name."),
    "unknown-error": _warning("A catch waits for an error that nothing throws or declares."),
    "endless-loop": _warning("A loop has neither a limit nor a way out."),
    "llm-missing": _advice("A function asks a model without the label llm: only the inner answer is kept."),
    "gate-is-a-label": _warning("A word that reads like a gate is a label, so that nobody is asked."),
    "effect-in-llm-body": _warning("A labelled function shows or writes; a stored answer does not repeat that."),
    "hyphenated-identifier-in-template": _warning("A hyphen in text was read as a part of the name before it."),
    "bare-word-is-a-name": _warning("An argument without @ is text, although a variable has that name."),
    "placeholder-is-text": _warning("Braces around a name print as they are; a variable in text is written @name."),
    "template-strict-for-syntax": _advice("A loop inside a template is written /for at the start of a line."),
    "for-when-static-condition": _advice("The filter of a loop does not depend on the item."),
    "loop-without-limit": _advice("A loop has no limit, so a wrong answer can keep it going forever."),
    "deprecated-json-transform": _advice("The transformer @json is an old name of @parse."),
    "exe-parameter-shadowing": _advice("A parameter has a name that is easily confused with a result."),
    "shadowed-builtin": _advice("A definition hides a built-in function of the same name."),
    "template-unused-parameter": _advice("A template file does not use a declared parameter."),
    "unused-definition": _advice("A definition is never used."),
    "unused-import": _advice("An imported name is never used."),
    "unknown-export": _advice("A name is exported that the module does not define."),
}


def explanation(code: str) -> str:
    """One sentence on a code, for tools that list rules."""
    rule = RULES.get(code)
    return rule.text if rule is not None else NAMES.get(code, code).replace("_", " ").capitalize() + "."
