"""A desk at which the stand-in of the audit example works: real files, and the tools that it uses on them.

The interpreter has no part in this; what the stand-in says is judged by the tests.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

TOOLS = Path(__file__).parents[1] / "examples" / "audit" / "tools"
ANSWER_PATH = "out/answer.json"
FEW = ("Read", "Write")
MANY = ("Read", "Write", "Glob", "Grep")

Answer = Callable[[dict[str, Any]], dict[str, Any]]
Document = dict[str, Any]


def tool(name: str) -> ModuleType:
    """A module of the example's `tools` folder, which is no package of ours."""
    sys.path.insert(0, str(TOOLS))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(TOOLS))


class Desk:
    """Files of a package, and the tools that a conversation with the stand-in uses on them."""

    def __init__(self, root: Path, page: int = 2000) -> None:
        self.root = root
        self.answer: Answer = partial(tool("standin.protocol").answer, choose=tool("reviewer").choose)
        self.page = page
        self.used: list[str] = []

    def put(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text))

    def review(self, path: str, tools: tuple[str, ...] = FEW) -> list[Document]:
        self.talk(prompt(path), tools)
        return list(self.written()["findings"])

    def verify(self, path: str, finding: Document, tools: tuple[str, ...] = MANY) -> Document:
        self.talk(prompt(path, finding), tools)
        return self.written()

    def judge(self, path: str, rule: str) -> Document:
        """The verdict on the only finding of a rule in a file."""
        (finding,) = [one for one in self.review(path) if one["rule"] == rule]
        return self.verify(path, finding)

    def written(self) -> Document:
        document: Document = json.loads((self.root / ANSWER_PATH).read_text())
        return document

    def talk(self, text: str, tools: tuple[str, ...]) -> str:
        """Answer tool calls until the stand-in ends its turn; gives its closing words back."""
        messages: list[Document] = [{"role": "user", "content": text}]
        for _ in range(20):
            reply = self.answer({"version": 1, "messages": messages, "tools": [{"name": name} for name in tools]})
            messages.append({"role": "assistant", "content": reply["content"]})
            if reply["stop"] == "end_turn":
                return str(reply["content"][0]["text"])
            messages.append({"role": "user", "content": [self._result(use) for use in reply["content"]]})
        raise AssertionError("the stand-in does not come to an end")

    def _result(self, use: Document) -> Document:
        self.used.append(use["name"])
        try:
            text, failed = getattr(self, use["name"].lower())(**use["input"]), False
        except OSError as error:
            text, failed = str(error.strerror), True
        return {"type": "tool_result", "tool_use_id": use["id"], "content": text, "is_error": failed}

    def read(self, file_path: str, limit: int, offset: int = 1) -> str:
        lines = (self.root / file_path).read_text().splitlines()
        shown = list(enumerate(lines, 1))[offset - 1 :][: min(limit, self.page)]
        note = "\n[the file goes on]" if shown and shown[-1][0] < len(lines) else ""
        return "\n".join(f"{number:6}\t{line}" for number, line in shown) + note or "the file is empty"

    def write(self, file_path: str, content: str) -> str:
        self.put({file_path: content})
        return "written"

    def grep(self, pattern: str, path: str, glob: str, output_mode: str) -> str:
        assert output_mode == "content"
        hits = [
            f"{file.relative_to(self.root)}:{number}:{line}"
            for file in sorted((self.root / path).rglob(glob))
            for number, line in enumerate(file.read_text().splitlines(), 1)
            if re.search(pattern, line)
        ]
        return "\n".join(hits) or "nothing found"

    def glob(self, pattern: str, path: str) -> str:
        return "\n".join(str(file.relative_to(self.root)) for file in (self.root / path).glob(pattern))


def prompt(path: str, finding: Document | None = None) -> str:
    shown = f"<finding>\n{json.dumps(finding)}\n</finding>\n" if finding else ""
    return f"Please look.\n<file>{path}</file>\n<answer_path>{ANSWER_PATH}</answer_path>\n{shown}Thank you."
