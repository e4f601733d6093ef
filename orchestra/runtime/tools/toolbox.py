"""The tools of one call: what the model is told of them, whether a use is allowed, and its result.

What was granted comes from `specs`; when the tools are used is decided by the conversation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from orchestra.providers.protocol import Block, ToolCall
from orchestra.runtime.schema import problems
from orchestra.runtime.tools.catalogue import CATALOGUE
from orchestra.runtime.tools.files import edit_file, read_file, write_file
from orchestra.runtime.tools.search import glob_files, grep_files
from orchestra.runtime.tools.shell import run_shell
from orchestra.runtime.tools.specs import ToolSet
from orchestra.runtime.tools.workspace import Refusal, Workspace, is_possible, reason

__all__ = ["ToolResult", "Toolbox"]

PARALLEL = frozenset({"Read", "Glob", "Grep"})


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model gets to read. A refusal or failure is an error it can act on."""

    call: ToolCall
    text: str
    is_error: bool = False

    def block(self) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": self.call.id, "content": self.text}
        return {**block, "is_error": True} if self.is_error else block


class Toolbox:
    """Runs the tools of a call in its folder.

    poll:        a file that may be written besides what `tools` grant
    root:        the project root, from which a script usually names `poll`
    environment: of commands, without secrets
    """

    def __init__(
        self,
        tools: ToolSet,
        workspace: Workspace,
        root: Path,
        poll: Path | None,
        environment: Mapping[str, str],
    ) -> None:
        self._tools = tools
        self._workspace = workspace
        self._root = root
        self._poll = poll
        self._environment = environment

    @property
    def offered(self) -> tuple[str, ...]:
        names = self._tools.names
        return names if self._poll is None or "Write" in names else (*names, "Write")

    def schemas(self) -> list[dict[str, Any]]:
        """The tools as the model gets to know them."""
        return [{"name": name, **CATALOGUE[name]} for name in self.offered]

    async def run_all(self, calls: list[ToolCall], done: Callable[[ToolResult], None]) -> list[ToolResult]:
        """The results in the order of the calls. Neighbouring calls that change nothing run side by side."""
        results: dict[int, ToolResult] = {}

        async def run_one(number: int) -> None:
            results[number] = await self.run(calls[number])
            done(results[number])

        for group in _groups(calls):
            if len(group) == 1:
                await run_one(group[0])
                continue
            async with trio.open_nursery() as nursery:
                for number in group:
                    nursery.start_soon(run_one, number)
        return [results[number] for number in range(len(calls))]

    async def run(self, call: ToolCall) -> ToolResult:
        try:
            return ToolResult(call, await self._use(call))
        except Refusal as refusal:
            return ToolResult(call, str(refusal), is_error=True)
        except OSError as error:
            return ToolResult(call, f"{call.name} failed: {reason(error)}", is_error=True)

    async def _use(self, call: ToolCall) -> str:
        if call.name not in self.offered:
            raise Refusal(f"there is no tool {call.name}; you have {', '.join(self.offered) or 'none'}")
        wrong = problems(CATALOGUE[call.name]["input_schema"], call.input)
        if wrong:
            raise Refusal(f"the input of {call.name} is wrong: {'; '.join(wrong)}")
        if call.name == "Bash":
            return await run_shell(self._tools, self._workspace, self._environment, call.input)
        if call.name in ("Glob", "Grep"):
            return await self._search(call)
        path = self._granted(call.name, call.input["file_path"])
        return FILE_TOOLS[call.name](self._workspace, path, call.input)

    def _granted(self, tool: str, given: str) -> Path:
        """The file that a tool may be used on. The poll file stands for itself, whatever is granted."""
        if tool == "Write" and self._is_poll(given):
            assert self._poll is not None
            return self._poll
        path = self._workspace.locate(given)
        if not self._tools.allows(tool, self._workspace.subject(path)):
            raise Refusal(f"{tool} is not allowed for {given}; allowed is {self._allowed(tool)}")
        return path

    def _is_poll(self, given: str) -> bool:
        """Whether a path means the poll file: from the folder of the tools, else from the project root."""
        if self._poll is None or not is_possible(given):
            return False
        return any(Path(os.path.realpath(base / given)) == self._poll for base in (self._workspace.dir, self._root))

    def _allowed(self, tool: str) -> str:
        patterns = [str(rule) for rule in self._tools.grants if rule.tool == tool]
        if tool == "Write" and self._poll is not None:
            patterns.append("the file you were asked to write")
        denied = [f"!{rule}" for rule in self._tools.denials if rule.tool == tool]
        return ", ".join(patterns + denied) or "nothing"

    async def _search(self, call: ToolCall) -> str:
        base = self._workspace.locate(call.input.get("path", "."))

        def visible(path: Path) -> bool:
            return self._tools.shows(call.name, self._workspace.subject(path))

        if call.name == "Grep":
            return await grep_files(self._workspace, base, call.input, visible)
        return glob_files(self._workspace, base, call.input, visible)


FILE_TOOLS: dict[str, Callable[[Workspace, Path, dict[str, Any]], str]] = {
    "Read": read_file,
    "Write": write_file,
    "Edit": edit_file,
}


def _groups(calls: list[ToolCall]) -> list[list[int]]:
    groups: list[list[int]] = []
    for number, call in enumerate(calls):
        if groups and call.name in PARALLEL and calls[groups[-1][-1]].name in PARALLEL:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups
