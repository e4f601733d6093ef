"""Where foreign code ends: the brace that closes `js { … }`, `py { … }` or `sh { … }`, and what `<…>` in text is."""

from __future__ import annotations

import re

__all__ = ["closing_brace", "foreign_reference", "is_list", "is_load", "matching"]

_SHELL = re.compile(
    r"""'[^']*' | "(?:\\.|[^"\\])*" | \\. | (?:(?<=\s)|^)\#[^\n]*
      | (?<!<)<<-?[ \t]*(?P<quote>['"]?)(?P<word>[A-Za-z_]\w*)(?P=quote)[^\n]*\n.*?^[\t]*(?P=word)$
      | [{}]""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_PYTHON = re.compile(
    r'''""".*?""" | \'\'\'.*?\'\'\' | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | \#[^\n]* | [{}]''',
    re.VERBOSE | re.DOTALL,
)
# A slash begins a regex literal only where an operand may stand.
_SCRIPT = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*`
      | (?:(?<=[=(,:;!&|?{}\[\n])|(?<=return))[ \t]*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+/[a-z]*
      | [{}]""",
    re.VERBOSE | re.DOTALL,
)
_RULES = {"sh": _SHELL, "bash": _SHELL, "py": _PYTHON, "python": _PYTHON}


def closing_brace(text: str, start: int, lang: str) -> int:
    """Offset of the brace that closes the code beginning at `start` (just after the opening one), or -1."""
    depth = 1
    for match in _RULES.get(lang, _SCRIPT).finditer(text, start):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if not depth:
                return match.start()
    return -1


def foreign_reference(code: str) -> tuple[int, str] | None:
    """Offset and name of the first `@name` in JavaScript outside strings and comments."""
    blank = _SCRIPT.sub(lambda match: " " * len(match.group()), code)
    found = re.search(r"(?<![\w$])@([A-Za-z_]\w*)", blank)
    return (found.start(), found.group(1)) if found else None


_STRINGS_AND_BRACKETS = re.compile(
    r""" "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\])*' | `(?:\\.|[^`\\])*` | [()\[\]{}] """, re.VERBOSE | re.DOTALL
)


def matching(text: str, start: int) -> int:
    """Offset just after the bracket that closes the one at `start`, or -1. Used to look ahead only."""
    depth = 0
    for match in _STRINGS_AND_BRACKETS.finditer(text, start):
        token = match.group()
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
            if depth <= 0:
                return match.end()
    return -1


_ELEMENTS = re.compile(
    rf"(?:>>|<<)[^\n]* | {_STRINGS_AND_BRACKETS.pattern} | , | =>(?!\s*\|) | (?<![@.\w-])(?:for|when)(?![\w-])",
    re.VERBOSE | re.DOTALL,
)


def is_list(text: str, start: int) -> bool:
    """Whether the `[` at `start` holds values between commas, or a single one.

    A single value has no more arrows than the words `for` and `when` explain; one more is the `=>` of a block.
    """
    depth = arrows = 0
    for match in _ELEMENTS.finditer(text, start):
        token = match.group()
        depth += (token in "([{") - (token in ")]}")
        if not depth:
            break
        if depth == 1 and token == ",":
            return True
        if depth == 1 and token in ("=>", "for", "when"):
            arrows += 1 if token == "=>" else -1
    return arrows <= 0


_ATTRIBUTE = re.compile(r"\S+\s+[\w:-]+\s*=\s*[\"']")
_SELECTED = re.compile(r"\s(?:!?\#|\{|as\s+[\"'`:])")  # sections, definitions and `as` belong to expressions
_ESCAPED = re.compile(r"\\[@.*]|@@")


def is_load(content: str) -> bool:
    """Whether `<content>` in a text loads a file rather than being a tag or a comparison."""
    if not content or content[0] == "!" or "\n" in content or _ATTRIBUTE.match(content) or _SELECTED.search(content):
        return False
    return any(sign in _ESCAPED.sub("", content) for sign in ".*@")
