"""Settings that a script may change while it works: each change is a version, and none is ever rewritten.

Files beside them are written by the runtime.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from orchestra.errors import OrchError, nearest
from orchestra.store.declaration import Declaration, read_declaration
from orchestra.store.tables import Tables, digest

__all__ = ["Settings", "Version", "merged"]

DIGITS: Final = 32
TABLE: Final = "config_versions"
SHAPE: Final = {
    "key": ["name", "version"],
    "append": True,
    "columns": {
        "name": "text",
        "version": {"type": "integer", "min": 1},
        "text": {"type": "object", "required": True},
        "reason": {"type": "text", "required": True},
        "action": {"type": "text", "oneOf": ["set", "rollback"], "required": True},
        "equals": "integer",  # the version that a rollback has brought back
        "folder": "text",  # of the files, from the project root
        "same": "text",  # the change as a run has asked for it
        "at": {"type": "time", "default": "now"},
    },
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the settings of a name. equals: the version that it brought back, None if it is a change."""

    name: str
    version: int
    text: dict[str, Any]
    reason: str
    action: str
    equals: int | None
    folder: str | None
    same: str | None
    at: str

    @property
    def shown(self) -> dict[str, Any]:
        """As scripts and files have it."""
        return {"version": self.version, **self.text}


class Settings:
    """All settings of a store. A run makes each of its changes once, however often it is gone on with."""

    def __init__(self, tables: Tables, run: str) -> None:
        self._tables = tables
        self._run = run
        self._asked: Counter[str] = Counter()
        self._shape: Declaration = read_declaration(TABLE, SHAPE)

    def history(self, name: str) -> list[Version]:
        """All versions, oldest first. Empty if there are none."""
        self._tables.declare(self._shape, "@orch/store")
        rows = self._tables.select(self._shape, {"name": name}, {"order": "version"})
        return [Version(**row) for row in rows]

    def existing(self, name: str) -> list[Version]:
        """All versions of a name that must be there. E810 if it is not."""
        found = self.history(name)
        if not found:
            names = sorted({row["name"] for row in self._tables.select(self._shape, {}, {})})
            close = nearest(name, names)
            help = f"did you mean {close}?" if close else f"there are {', '.join(names) or 'none'}"
            raise OrchError("E810", f"there are no settings {name}", help=help, exit=2)
        return found

    def begin(self, name: str, text: dict[str, Any], version: int, reason: str, folder: str | None) -> None:
        """The first version of a name."""
        row = {"name": name, "version": version, "text": text, "reason": reason, "action": "set", "folder": folder}
        self._tables.insert(self._shape, row)

    def change(self, name: str, patch: dict[str, Any], reason: str) -> Version:
        """The next version, with these fields in place of what they were; none if they were so already."""
        last = self.existing(name)[-1]
        text = merged(last.text, patch)
        return last if text == last.text else self._next(name, text, reason, None, [name, "set", patch, reason])

    def rollback(self, name: str, version: int | None, reason: str) -> Version:
        """The next version, which says what an earlier one said: the one before the last, if none is named."""
        found = self.existing(name)
        wanted = found[-2].version if version is None and len(found) > 1 else version
        old = next((each for each in found if each.version == wanted), None)
        if old is None:
            help = f"its versions are {', '.join(str(each.version) for each in found)}"
            raise OrchError("E810", f"settings {name} have no version to go back to", help=help, exit=2)
        return self._next(name, old.text, reason, old.version, [name, "rollback", version, reason])

    def _next(self, name: str, text: dict[str, Any], reason: str, equals: int | None, asked: list[Any]) -> Version:
        change = digest([self._run, *asked], DIGITS)
        self._asked[change] += 1
        same = f"{change}-{self._asked[change]}"
        with self._tables.transaction():
            found = self.existing(name)
            if self._run and any(each.same == same for each in found):
                return found[-1]
            row = {
                "name": name, "version": found[-1].version + 1, "text": text, "reason": reason, "equals": equals,
                "action": "set" if equals is None else "rollback", "folder": found[-1].folder, "same": same,
            }  # fmt: skip
            self._tables.insert(self._shape, row)
            return self.history(name)[-1]


def merged(settings: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Objects field by field, everything else as the patch has it."""
    both = dict(settings)
    for name, value in patch.items():
        old = both.get(name)
        both[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both
