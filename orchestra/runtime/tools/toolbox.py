"""The tools of one call: what the model is told of them, whether a use is allowed, and its result.

What was granted comes from `specs`; when the tools are used is decided by the conversation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import trio

from orchestra.providers.protocol import Block, ToolCall
from orchestra.runtime.schema import problems
from orchestra.runtime.tools.catalogue import CATALOGUE
from orchestra.runtime.tools.files import edit_file, read_file, write_file
from orchestra.runtime.tools.functions import FunctionTool
from orchestra.runtime.tools.passage import NOTHING_KNOWN, Outcome, Passage, ToolUse, Unwatched
from orchestra.runtime.tools.search import glob_files, grep_files
from orchestra.runtime.tools.shell import run_shell
from orchestra.runtime.tools.shell_check import check_command
from orchestra.runtime.tools.specs import ToolSet
from orchestra.runtime.tools.workspace import Refusal, Workspace, is_possible, reason
from orchestra.values.tagged import Meta

__all__ = ["ToolResult", "Toolbox"]

PARALLEL = frozenset({"Read", "Glob", "Grep"})

Act = Callable[[], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model gets to read. A refusal or failure is an error it can act on."""

    call: ToolCall
    outcome: Outcome
    ms: int = 0

    @property
    def text(self) -> str:
        return self.outcome.text

    @property
    def is_error(self) -> bool:
        return self.outcome.is_error

    def block(self) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": self.call.id, "content": self.text}
        return {**block, "is_error": True} if self.is_error else block


class Toolbox:
    """Runs the tools of a call in its folder.

    poll:        a file that may be written besides what `tools` grant
    root:        the project root, from which a script usually names `poll`
    environment: of commands, without secrets
    passage:     what the run puts around every use
    """

    def __init__(
        self,
        tools: ToolSet,
        workspace: Workspace,
        root: Path,
        poll: Path | None,
        environment: Mapping[str, str],
        passage: Passage | None = None,
    ) -> None:
        self._tools = tools
        self._workspace = workspace
        self._root = root
        self._poll = poll
        self._environment = environment
        self._passage: Passage = Unwatched() if passage is None else passage
        self._functions = {tool.name: tool for tool in tools.functions}

    @property
    def offered(self) -> tuple[str, ...]:
        names = self._tools.names
        written = () if self._poll is None or "Write" in names else ("Write",)
        return (*names, *written, *self._functions)

    def schemas(self) -> list[dict[str, Any]]:
        """The tools as the model gets to know them."""
        functions = self._functions
        return [
            functions[name].schema() if name in functions else {"name": name, **CATALOGUE[name]}
            for name in self.offered
        ]

    async def run_all(self, calls: list[ToolCall], done: Callable[[ToolResult], None]) -> list[ToolResult]:
        """The results in the order of the calls. Neighbouring calls that change nothing run side by side."""
        results: dict[int, ToolResult] = {}

        async def run_one(number: int) -> None:
            results[number] = await self.run(calls[number])
            done(results[number])

        for group in _groups(calls):
            if len(group) == 1:
                await run_one(group[0])
            else:
                async with trio.open_nursery() as nursery:
                    for number in group:
                        nursery.start_soon(run_one, number)
            for result in (results[number] for number in group):
                self._passage.passed(result.call.name, result.call.input, result.outcome, result.ms)
        return [results[number] for number in range(len(calls))]

    async def run(self, call: ToolCall) -> ToolResult:
        started = trio.current_time()
        try:
            use, act = self._checked(call)

            async def work(input: dict[str, Any]) -> Outcome:
                return await (act if input == use.input else self._checked(replace(call, input=input))[1])()

            outcome = await self._passage.perform(use, work)
        except Refusal as refusal:
            outcome = Outcome(str(refusal), is_error=True)
        except OSError as error:
            outcome = Outcome(f"{call.name} failed: {reason(error)}", is_error=True)
        outcome = replace(outcome, text=self._passage.clean(outcome.text))
        return ToolResult(call, outcome, round((trio.current_time() - started) * 1000))

    # ── what is checked before anything is done ──────────────────────────────────────────────────

    def _checked(self, call: ToolCall) -> tuple[ToolUse, Act]:
        """The use and what it does, if the input is what the tool takes and the call may use it so. Raises Refusal."""
        if call.name not in self.offered:
            raise Refusal(f"there is no tool {call.name}; you have {', '.join(self.offered) or 'none'}")
        input = read_input(call)
        if call.name in self._functions:
            return self._function_call(call, self._functions[call.name], input)
        wrong = problems(CATALOGUE[call.name]["input_schema"], input)
        if wrong:
            raise Refusal(f"the input of {call.name} is wrong: {'; '.join(wrong)}")
        if call.name == "Bash":
            return self._command(call, input)
        return self._search(call, input) if call.name in ("Glob", "Grep") else self._file_use(call, input)

    def _function_call(self, call: ToolCall, tool: FunctionTool, input: dict[str, Any]) -> tuple[ToolUse, Act]:
        arguments = tool.arguments(input)
        use = ToolUse(call.id, call.name, input, function=tool.function)
        return use, lambda: self._passage.call(tool.function, arguments)

    def _command(self, call: ToolCall, input: dict[str, Any]) -> tuple[ToolUse, Act]:
        commands = check_command(input["command"], self._tools, self._workspace)

        async def act() -> Outcome:
            text = await run_shell(self._workspace, self._environment, input)
            programs = dict.fromkeys(f"command:{words[0]}" for words in commands if words)
            return Outcome(text, meta=Meta(taint=("src:cmd",), sources=tuple(programs)))

        return ToolUse(call.id, call.name, input, commands=commands), act

    def _file_use(self, call: ToolCall, input: dict[str, Any]) -> tuple[ToolUse, Act]:
        path = self._granted(call.name, input["file_path"])

        async def act() -> Outcome:
            text = FILE_TOOLS[call.name](self._workspace, path, input)
            return Outcome(text, meta=file_meta(path, self._root) if call.name == "Read" else NOTHING_KNOWN)

        return ToolUse(call.id, call.name, input, path=str(path)), act

    def _search(self, call: ToolCall, input: dict[str, Any]) -> tuple[ToolUse, Act]:
        base = self._workspace.locate(input.get("path", "."))

        def visible(path: Path) -> bool:
            return self._tools.shows(call.name, self._workspace.subject(path)) and self._passage.shows(path)

        async def act() -> Outcome:
            if call.name == "Grep":
                text = await grep_files(self._workspace, base, input, visible)
            else:
                text = await glob_files(self._workspace, base, input, visible)
            return Outcome(text, meta=file_meta(base / "*", self._root))

        return ToolUse(call.id, call.name, input, path=str(base)), act

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


def read_input(call: ToolCall) -> dict[str, Any]:
    """What the model sent, as an object. Half an object is never filled up: it might be half a file. Raises Refusal."""
    input = call.input
    if isinstance(input, str):
        try:
            input = json.loads(input)
        except (ValueError, RecursionError) as error:
            raise Refusal(
                f"the input of {call.name} is no complete JSON ({error}); send the whole call again"
            ) from None
    if not isinstance(input, dict):
        raise Refusal(f"the input of {call.name} must be an object")
    return input


def file_meta(path: Path, root: Path) -> Meta:
    """What a text from a file carries, as if a script had loaded it."""
    folders = (f"dir:{folder}" for folder in path.parents if folder != folder.parent)
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return Meta(taint=("src:file", *folders), sources=() if path.name == "*" else (name,))


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
