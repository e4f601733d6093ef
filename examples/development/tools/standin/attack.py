"""The adversary of the whole: runs every test and every example there is, those in docstrings included."""

from __future__ import annotations

import ast
import re
from collections.abc import Generator, Sequence

from standin.dialogue import Answer, Call, Result, Talk, read_file

COMMAND = "python -m pytest --doctest-modules src tests issues checks"

_DOCTEST = re.compile(r"^FAILED (src/\S+?\.py)::\S*?(\w+)$", re.MULTILINE)
_OTHER = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)

Finding = dict[str, str]


def attack(prompt: str) -> Talk:
    """Answer with everything that does not do what is written about it."""
    (ran,) = yield [Call("Bash", {"command": COMMAND})]
    promised = _DOCTEST.findall(ran.text)
    findings = []
    for file, function in promised:
        findings.append((yield from _broken_promise(file, function)))
    known = {file for file, _ in promised}
    findings += [_failure(place) for place in _OTHER.findall(ran.text) if place.partition("::")[0] not in known]
    if not findings and " passed" not in ran.text:
        findings = [
            {
                "id": "tests-do-not-run",
                "title": "The tests cannot be run",
                "file": "unknown",
                "function": "unknown",
                "body": "",
            }
        ]
    return Answer({"commands": [COMMAND], "findings": findings}, f"{len(findings)} findings.")


def _broken_promise(file: str, function: str) -> Generator[Sequence[Call], list[Result], Finding]:
    """A docstring that its own function does not keep, with all of its examples."""
    text = yield from read_file(file)
    node = next(one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef) and one.name == function)
    lines = (ast.get_docstring(node) or "").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(">>>"))
    module = file.removeprefix("src/").removesuffix(".py").replace("/", ".")
    examples = "\n".join([f">>> from {module} import {function}", *lines[first:]])
    return {
        "id": f"docstring-of-{function.replace('_', '-')}",
        "title": f"{function} does not do what its docstring shows",
        "file": file,
        "function": function,
        "body": f"Found by running the examples of all docstrings.\n\n## Example\n\n{examples}",
    }


def _failure(place: str) -> Finding:
    name = re.sub(r"[^a-z0-9]+", "-", place.lower()).strip("-")
    return {"id": name, "title": f"{place} fails", "file": place.partition("::")[0], "function": "unknown", "body": ""}
