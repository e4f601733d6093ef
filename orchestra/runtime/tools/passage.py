"""What every tool call of a model passes, whichever tool it is: the one place where a run may look at it.

The order is: input schema, permission of the call (both in `toolbox`), then here policy, guards and hooks, the tool
itself, redaction, and the record for the audit log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orchestra.values.executable import Executable
from orchestra.values.tagged import Meta

__all__ = ["NOTHING_KNOWN", "Outcome", "Passage", "ToolUse", "Unwatched", "Work"]

NOTHING_KNOWN = Meta()


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call that the grants of the call allow.

    commands: the simple commands of Bash, as words without quotes, where they could be seen
    path:     the file or folder that a file tool works on, resolved
    function: the function of the script behind the tool, if it is one
    """

    id: str
    name: str
    input: dict[str, Any]
    commands: tuple[tuple[str, ...], ...] = ()
    path: str | None = None
    function: Executable | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a use, as text for the model, and the labels that this text carries."""

    text: str
    is_error: bool = False
    meta: Meta = NOTHING_KNOWN


Work = Callable[[dict[str, Any]], Awaitable[Outcome]]  # an input other than that of the use is checked first


class Passage(Protocol):
    """The run around the tools of one call."""

    async def perform(self, use: ToolUse, work: Work) -> Outcome:
        """The tool, with policy, guards and hooks around it, which may give it another input. Raises Refusal."""
        ...

    async def call(self, function: Executable, arguments: list[Any]) -> Outcome:
        """A function of the script, with arguments that carry the labels of the conversation."""
        ...

    def shows(self, path: Path) -> bool:
        """Whether a search may look into a file."""
        ...

    def clean(self, text: str) -> str:
        """The text without the secrets that the run knows."""
        ...

    def passed(self, name: str, input: Any, outcome: Outcome, ms: int) -> None:
        """The record of a call, refused ones included, in the order in which the model asked.

        The audit log and the lineage of the answer are made of it.
        """
        ...


class Unwatched:
    """The passage of tools that are used outside of a run."""

    async def perform(self, use: ToolUse, work: Work) -> Outcome:
        return await work(use.input)

    async def call(self, function: Executable, arguments: list[Any]) -> Outcome:
        raise NotImplementedError("functions belong to a run")

    def shows(self, path: Path) -> bool:
        return True

    def clean(self, text: str) -> str:
        return text

    def passed(self, name: str, input: Any, outcome: Outcome, ms: int) -> None:
        pass
