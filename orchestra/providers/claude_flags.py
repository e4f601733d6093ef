"""The command line of the program `claude`: an errand as flags, as far as the installed version knows them.

Starting it is the business of `claude_cli`, reading what it prints of `claude_stream`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from orchestra.providers.agents import Errand
from orchestra.providers.faults import ProviderError

__all__ = ["arguments", "known_flags"]

FLAG = re.compile(r"(?<![\w-])--[a-zA-Z][\w-]*")

# Without these an errand would mean something else than the script says.
NEEDED = {
    "--output-format": "it cannot tell what it does",
    "--disallowedTools": "it cannot be denied a tool",
    "--append-system-prompt": "it takes no system prompt",
    "--session-id": "its sessions take no names",
}


def known_flags(help: str) -> frozenset[str]:
    """The long flags that a help text mentions."""
    return frozenset(FLAG.findall(help))


def arguments(errand: Errand, known: frozenset[str], program: str) -> list[str]:
    """The flags of an errand, without those that the program does not list. Raises ProviderError for a needed one."""
    words = ["-p"]
    for flag, value in _wanted(errand):
        if flag in known:
            words += [flag] if value is None else [flag, value]
        elif flag in NEEDED:
            raise ProviderError(
                "request", f"{program}: the installed version has no {flag}: {NEEDED[flag]}", help="update claude"
            )
    return words


def _wanted(errand: Errand) -> Iterator[tuple[str, str | None]]:
    yield "--output-format", "stream-json"
    yield "--verbose", None
    if errand.stream:
        yield "--include-partial-messages", None
    yield "--model", errand.model
    yield from _permissions(errand)
    yield "--max-turns", str(errand.max_turns)
    yield "--strict-mcp-config", None
    if errand.system:
        yield "--append-system-prompt", errand.system
    if errand.schema is not None:
        yield "--json-schema", json.dumps(errand.schema, ensure_ascii=False)
    if errand.max_cost is not None:
        yield "--max-budget-usd", f"{errand.max_cost:g}"
    if errand.effort:
        yield "--effort", errand.effort
    if errand.bare:
        yield "--bare", None
    if errand.session:
        yield "--resume", errand.session
    elif errand.name:
        yield "--session-id", errand.name


def _permissions(errand: Errand) -> Iterator[tuple[str, str]]:
    """Which tools there are, and what of them may be used without asking; nobody is there to be asked."""
    if errand.tools is not None:
        yield "--tools", ",".join(errand.tools)
    if errand.grants:
        yield "--allowedTools", ",".join(errand.grants)
    if errand.denials:
        yield "--disallowedTools", ",".join(errand.denials)
    yield "--permission-mode", "dontAsk"
