"""What an agent is: the object behind `agent @name =`, or a file of Markdown with front matter.

An agent is plain data, so that a script may pass it on or change a copy of it. Asking it is left to `asking`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from orchestra.errors import OrchError, nearest
from orchestra.runtime.tools.specs import BUILT_IN
from orchestra.scan.documents import front_matter_end
from orchestra.values.kinds import a_kind
from orchestra.values.tagged import MISSING, plain, unwrap

__all__ = ["FOLDERS", "KEYS", "PERSISTENT", "Agents", "tools_of"]

FOLDERS: Final = (".agent/agents", "llm/agents")  # where the files of agents lie, below the project

# What is handed to the model function as it is.
SETTINGS: Final = (
    "model", "provider", "schema", "schemaRetries", "dir", "maxTokens", "maxTurns", "maxCost", "effort", "timeout",
)  # fmt: skip
KEYS: Final = frozenset(
    (
        "name",
        "description",
        "prompt",
        "persist",
        "memoryTokens",
        "contextTokens",
        "skills",
        "tools",
        "allow",
        "deny",
        "permissions",
        *SETTINGS,
    )
)
PERSISTENT: Final = ("run", "project", "user")  # what `persist` may be, besides true, false and a path


class Agents:
    """Reads agents. `read` gives the text of a file, None if there is none."""

    def __init__(self, root: Path, read: Callable[[Path], str | None]) -> None:
        self._root = root
        self._read = read

    def declared(self, name: str, given: Any, folder: Path) -> dict[str, Any]:
        """The agent of a declaration: its object, or the file that its text or its name leads to."""
        data = unwrap(given)
        if data is None or isinstance(data, str):
            return self._from_file(name, data or name, folder)
        if not isinstance(data, dict):
            raise _wrong(f"an agent is an object, not {a_kind(data)}", help=f'agent @{name} = {{ prompt: "…" }}')
        return {"name": name, **_checked(data, name)}

    def named(self, name: str, folder: Path) -> dict[str, Any]:
        """The agent of a file, by its name or its path."""
        return self._from_file(Path(name).stem if name.endswith(".md") else name, name, folder)

    def _from_file(self, name: str, wanted: str, folder: Path) -> dict[str, Any]:
        places = self._places(wanted, folder)
        for place in places:
            text = self._read(place)
            if text is not None:
                return {"name": name, **_checked(self._parsed(text, place), name)}
        shown = ", ".join(self._shown(place) for place in places)
        raise _wrong(f"agent {name} has no file", help=f"looked for {shown}")

    def _places(self, wanted: str, folder: Path) -> list[Path]:
        if wanted.endswith(".md"):
            return [folder / wanted]
        if not wanted.strip() or "/" in wanted or "\\" in wanted or wanted.startswith("."):
            raise _wrong(f"{wanted!r} is not the name of an agent", help="agents/name.md names a file")
        return [self._root / below / f"{wanted}.md" for below in FOLDERS]

    def _parsed(self, text: str, place: Path) -> dict[str, Any]:
        """Front matter as settings, what follows it as the prompt. Settings of other programs are passed over."""
        end = front_matter_end(text)
        head = "\n".join(text[:end].strip().splitlines()[1:-1])
        if not end and text.startswith("---"):
            raise _wrong(f"the front matter of {self._shown(place)} is not closed", help="add a line ---")
        try:
            data = yaml.safe_load(head) or {}
        except yaml.YAMLError as error:
            reason = str(error).splitlines()[0]
            raise _wrong(f"the front matter of {self._shown(place)} is not YAML: {reason}") from None
        if not isinstance(data, dict):
            raise _wrong(f"the front matter of {self._shown(place)} has no settings", help="model: sonnet")
        found = {key: value for key, value in data.items() if key in KEYS and key != "name"}
        body = text[end:].strip()
        return {**found, "prompt": body} if body else found

    def _shown(self, place: Path) -> str:
        return place.relative_to(self._root).as_posix() if place.is_relative_to(self._root) else str(place)


def _checked(data: dict[str, Any], name: str) -> dict[str, Any]:
    """The settings of an agent, or what is wrong with them."""
    for key in data:
        if key not in KEYS:
            close = nearest(key, KEYS)
            raise _wrong(f"agent {name} has no setting {key}", help=f"did you mean {close}?" if close else None)
    for key in ("name", "description", "prompt"):
        value = unwrap(data.get(key, ""))
        if not isinstance(value, str):
            raise _wrong(f"{key} of agent {name} must be text, not {a_kind(value)}")
    limit = unwrap(data.get("memoryTokens", 1))
    if not isinstance(limit, (int, float)) or isinstance(limit, bool) or limit < 1:
        raise _wrong(f"memoryTokens of agent {name} must be a number from 1, not {a_kind(limit)}")
    _check_persist(unwrap(data.get("persist", False)), name)
    return dict(data)


def _check_persist(value: Any, name: str) -> None:
    is_path = isinstance(value, str) and ("/" in value or value.endswith(".md"))
    if not (value is None or isinstance(value, bool) or value in PERSISTENT or is_path):
        help = 'persist: "run", "project", "user", or the path of a file'
        raise _wrong(f"agent {name} cannot persist in {value}", help=help)


def tools_of(agent: dict[str, Any]) -> Any:
    """What an agent may use: its tools, less what is denied; everything but that if only denials are given."""
    tools = unwrap(agent.get("tools", MISSING))
    allowed, denied = _listed(agent.get("allow")), _listed(agent.get("deny"))
    for tool, said in _permissions(agent).items():
        if said in ("allow", "ask", True):
            allowed.append(tool)
        elif said in ("deny", False):
            denied.append(tool)
        else:
            allowed += [f"{tool}({pattern})" for pattern in _listed(said)]
    if tools is MISSING or tools is None:
        if not allowed and not denied:
            return None
        tools = list(allowed or BUILT_IN)
    elif allowed:
        tools = [*(tools if isinstance(tools, list) else [tools]), *allowed]
    return [*(tools if isinstance(tools, list) else [tools]), *(f"!{tool}" for tool in denied)] if denied else tools


def _permissions(agent: dict[str, Any]) -> dict[str, Any]:
    """Tool → what is said of it; tools may be written in small letters."""
    said = plain(agent.get("permissions")) or {}
    if not isinstance(said, dict):
        raise _wrong("permissions is an object", help='permissions: { Edit: "deny", Bash: ["git:*"] }')
    known = {tool.lower(): tool for tool in BUILT_IN}
    return {known.get(str(tool).lower(), str(tool)): value for tool, value in said.items()}


def _listed(value: Any) -> list[str]:
    data = plain(value)
    if data is None or data is MISSING:
        return []
    return [part.strip() for part in data.split(",")] if isinstance(data, str) else [str(part) for part in data]


def _wrong(message: str, help: str | None = None) -> OrchError:
    return OrchError("E741", message, help=help, exit=2)
