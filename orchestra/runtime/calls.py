"""What is asked of a model and what comes back, as the rest of the runtime sees it.

How arguments of a script become a request is decided in `claude_arguments`, how it is answered in `agent`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestra.config import LlmKeys
from orchestra.providers.protocol import Usage
from orchestra.runtime.tools.passage import Passage
from orchestra.runtime.tools.specs import ToolSet

__all__ = ["MAX_TOKENS", "LLMRequest", "LLMResult", "LineChoice", "PollFacts"]

MAX_TOKENS = LlmKeys().maxTokens  # of one turn, where neither script nor project says anything


@dataclass(frozen=True, slots=True)
class LineChoice:
    """Which of the lines appended to a poll file is the answer: the last one that fits.

    pattern: a regular expression searched in the line; or
    event, item: the values of the line's `event` and `id`
    """

    pattern: str | None = None
    event: str | None = None
    item: str | None = None


@dataclass(frozen=True, slots=True)
class LLMRequest:
    """One call. Times are in seconds, `dir` and `poll` absolute; `model` is as the script wrote it.

    agent, purpose: what the script calls whoever is asked, and what for; they choose recorded answers
    position: where in the run the call is made, see `lanes`
    nudge:  how often a model that forgot its file is asked again
    session_id, resume, bare: for agents with sessions of their own: the name of a new one, the one to go on with,
            and whether it is to leave the settings of the machine alone
    select: the poll file is a log to which lines are appended, one of which is the answer
    passage: what the run puts around every use of a tool
    """

    call_id: str
    fn: str
    prompt: str
    dir: Path
    model: str = "sonnet"
    provider: str | None = None
    system: str | None = None
    tools: ToolSet = field(default_factory=ToolSet)
    poll: Path | None = None
    select: LineChoice | None = None
    schema: dict[str, Any] | None = None
    schema_retries: int = 2
    max_tokens: int = MAX_TOKENS
    max_turns: int = 50
    max_cost: float | None = None
    effort: str | None = None
    timeout: float = 3600.0
    retries: int = 8
    nudge: int = 1
    stream: bool = False
    agent: str | None = None
    purpose: str | None = None
    position: tuple[int, ...] = ()
    passage: Passage | None = None
    session_id: str | None = None
    resume: str | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class PollFacts:
    """How the file came about. `salvaged`: the model only said its content and we wrote it down.

    content: the whole file as text, of which the answer may be a part
    """

    path: Path
    written: bool
    salvaged: bool
    content: str


@dataclass(frozen=True, slots=True)
class LLMResult:
    """An answer. `text` is never empty; `data` is the JSON object or array in it, or `text` itself.

    cost: dollars, None if the price of the model is not known
    ms:   of the whole call, with its waits
    repeatable: it left nothing behind but its poll file, so that the answer may be given once more
    """

    text: str
    data: Any
    usage: Usage
    cost: float | None
    model: str
    provider: str
    turns: int
    stop: str
    ms: int
    attempts: int
    archive: str | None
    poll: PollFacts | None
    repeatable: bool = False
