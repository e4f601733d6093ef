"""What the arguments of `@claude` and its relatives mean, in both styles of calling them.

Reads values only: files, models and folders are looked at when the call is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestra.runtime.calls import MAX_TOKENS, LineChoice
from orchestra.runtime.claude_settings import (
    LINE_KEYS,
    READERS,
    SAMPLING,
    SESSIONS,
    as_scalar,
    as_text,
    kind_of,
    unread,
    without_sessions,
    wrong,
)
from orchestra.runtime.tools.specs import ToolSet
from orchestra.values.tagged import MISSING, plain

__all__ = ["FUNCTIONS", "CallArguments", "read_arguments"]


@dataclass(frozen=True, slots=True)
class Function:
    """How one of the functions takes its arguments after the prompt.

    order:  names of positional arguments
    needed: those of them that must be given
    model:  the model it stands for
    """

    order: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    model: str | None = None


POLL = ("model", "dir", "tools", "poll")

FUNCTIONS: dict[str, Function] = {
    "claude": Function(("model", "dir", "tools")),
    "claudePoll": Function((*POLL, "timeout")),
    "claudePollTimeout": Function((*POLL, "timeout"), ("timeout",)),
    "claudePollJsonl": Function((*POLL, "pattern"), ("poll", "pattern")),
    "claudePollJsonlTimeout": Function((*POLL, "pattern", "timeout"), ("poll", "pattern", "timeout")),
    "claudePollEvent": Function((*POLL, "event", "itemId"), ("poll", "event", "itemId")),
    "claudeWithSystem": Function(("system", "model", "dir", "tools")),
    "haiku": Function(model="haiku"),
    "sonnet": Function(model="sonnet"),
    "opus": Function(model="opus"),
    "llm": Function(),
}


@dataclass(slots=True)
class CallArguments:
    """The fields of an `LLMRequest` that a script decides on, and what only its caller needs.

    schema:   the object, or the name of its file as written
    on_fail:  "null" if a failure gives null, "error" if it is raised
    cache:    False if the answer must not come from, or go into, the store
    warnings: what was passed over, each worth a line; `unknown` if there were settings that nobody knows
    agents_only: likewise what is passed over unless the provider is an agent with tools and sessions of its own
    """

    prompt: str
    dir: Path
    model: str = "sonnet"
    provider: str | dict[str, Any] | None = None
    system: str | None = None
    tools: ToolSet = field(default_factory=ToolSet)
    poll: Path | None = None
    select: LineChoice | None = None
    schema: dict[str, Any] | str | None = None
    schema_retries: int = 2
    max_tokens: int = MAX_TOKENS
    max_turns: int = 50
    max_cost: float | None = None
    effort: str | None = None
    timeout: float = 3600.0
    retries: int = 8
    nudge: int = 1
    session_id: str | None = None
    resume: str | None = None
    bare: bool = False
    stream: bool = False
    agent: str | None = None
    purpose: str | None = None
    on_fail: str = "error"
    cache: bool = True
    warnings: list[str] = field(default_factory=list)
    unknown: bool = False
    agents_only: list[str] = field(default_factory=list)


def read_arguments(name: str, args: list[Any], root: Path, max_tokens: int = MAX_TOKENS) -> CallArguments:
    """Reads a call of the function `name` (without `@`). Relative folders start at `root`. Raises E701, E704.
    `max_tokens` holds where the call names no bound.

    The second argument decides on the style: an object holds the settings, anything else is the first of the
    positional ones.
    """
    function = FUNCTIONS[name]
    values = [plain(arg) for arg in args]
    prompt = _prompt(name, values)
    second = values[1] if len(values) > 1 else None
    if isinstance(second, dict):
        if len(values) > 2:
            raise wrong(f"@{name} takes nothing after its settings")
        settings = dict(second)
    elif second is None or second is MISSING or isinstance(second, str):
        settings = _positional(name, function, values[1:])
    else:
        raise wrong(f"the second argument of @{name} must be text or an object, not {kind_of(second)}")
    given = {key: value for key, value in settings.items() if value is not None and value is not MISSING}
    for needed in function.needed:
        if needed not in given:
            raise wrong(f"@{name} needs {needed}", f"arguments are prompt, {', '.join(function.order)}")
    return _filled(name, function, given, CallArguments(prompt, root, max_tokens=max_tokens))


def _prompt(name: str, values: list[Any]) -> str:
    prompt = values[0] if values else None
    if not isinstance(prompt, str):
        raise wrong(f"the prompt of @{name} must be text, not {kind_of(prompt)}")
    if not prompt.strip():
        raise wrong(f"the prompt of @{name} is empty")
    return prompt


def _positional(name: str, function: Function, values: list[Any]) -> dict[str, Any]:
    if len(values) > len(function.order):
        extra = [value for value in values[len(function.order) :] if value is not None and value is not MISSING]
        if extra:
            told = f"arguments are {', '.join(('prompt', *function.order))}" if function.order else None
            raise wrong(f"@{name} takes {len(function.order) + 1} positional arguments, not {len(values) + 1}", told)
    return dict(zip(function.order, values, strict=False))


def _filled(name: str, function: Function, given: Mapping[str, Any], arguments: CallArguments) -> CallArguments:
    root = arguments.dir
    for key, value in given.items():
        if key in READERS:
            attribute, read = READERS[key]
            setattr(arguments, attribute, read(key, value))
        elif key not in LINE_KEYS:
            arguments.warnings.append(unread(key))
            arguments.unknown |= key not in SAMPLING
    arguments.dir = root / arguments.dir
    if function.model is not None:
        arguments.model = function.model
    arguments.select = _line_choice(given)
    if "onFail" not in given and name.startswith("claudePoll"):
        arguments.on_fail = "null"
    arguments.agents_only += [f"the tool {rule.tool} is not available here" for rule in arguments.tools.foreign]
    arguments.agents_only += [without_sessions(key) for key in given if key in SESSIONS]
    return arguments


def _line_choice(given: Mapping[str, Any]) -> LineChoice | None:
    if "pattern" in given:
        return LineChoice(pattern=as_text("pattern", given["pattern"]))
    if "event" in given:
        return LineChoice(event=as_scalar("event", given["event"]), item=as_scalar("itemId", given.get("itemId")))
    return None
