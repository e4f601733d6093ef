"""Skills of agents: files of Markdown with what an agent is to know, copied and locked before a script runs.

`orch.lock` keeps the sha256 of each; one that has changed since is refused until `orch install` takes it over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from orchestra.errors import OrchError, nearest
from orchestra.paths import STATE
from orchestra.runtime.files.replacing import replace_file

__all__ = ["LOCK", "SHOWN", "Skill", "Skills"]

LOCK: Final = "orch.lock"
FOLDERS: Final = (".agent/skills", "llm/skills", ".claude/skills")  # where skills lie, below the project
SHOWN: Final = 12  # digits of a hash in messages


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill. `name` is as agents call it, `file` where it was found."""

    name: str
    text: str
    file: Path

    @property
    def digest(self) -> str:
        return sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


class Skills:
    """The skills of a project."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[tuple[str, Path], Skill] = {}
        self._named: dict[str, Skill] = {}  # an agent goes by the names of its skills wherever it is asked

    def resolved(self, wanted: Sequence[str], folder: Path) -> list[Skill]:
        """The skills called `wanted`, each once, as they are locked. `folder` is where paths begin. Raises E743."""
        found = {}
        for name in wanted:
            skill = self._known.get((name, folder)) or self._named.get(name) or self._locked(self.find(name, folder))
            self._known[name, folder] = self._named[skill.name] = skill
            found[skill.name] = skill
        return list(found.values())

    def examine(self, wanted: Sequence[str], folder: Path) -> None:
        """Like `resolved`, but nothing is locked. Raises E743."""
        for skill in (self.find(name, folder) for name in wanted):
            if skill.name in self.lock():
                self._locked(skill)

    def find(self, name: str, folder: Path) -> Skill:
        """The skill as it lies in the project now. Raises E743 for one that is not there."""
        for place in self._places(name, folder):
            if place.is_file():
                called = place.parent.name if place.name == "SKILL.md" else place.stem
                return Skill(called, self._text(place, name), place)
        close = nearest(name, self.names())
        help = f"did you mean {close}?" if close else f"write it: {FOLDERS[0]}/{name}/SKILL.md"
        raise OrchError("E743", f"there is no skill {name}", help=help, exit=2)

    def _text(self, place: Path, name: str) -> str:
        try:
            return place.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OrchError("E743", f"skill {name} cannot be read: {error}", exit=2) from None

    def _places(self, name: str, folder: Path) -> Iterator[Path]:
        if name.startswith((".", "/")) or "/" in name:
            base = folder / name
            yield from (base / "SKILL.md", base, base.with_name(base.name + ".md"))
            return
        for below in FOLDERS:
            yield self._root / below / name / "SKILL.md"
            yield self._root / below / f"{name}.md"

    def names(self) -> list[str]:
        """The skills that lie in the folders of the project."""
        found = (entry for below in FOLDERS for entry in (self._root / below).glob("*"))
        return sorted({entry.stem for entry in found if entry.suffix == ".md" or (entry / "SKILL.md").is_file()})

    # ── the lock ─────────────────────────────────────────────────────────────────────────────────

    def _locked(self, skill: Skill) -> Skill:
        """The skill, if it is as it was locked; one that is met for the first time is locked."""
        known = self.lock().get(skill.name)
        if known is None:
            self._take(skill, self.lock())
        elif known["sha256"] != skill.digest:
            message = f"skill {skill.name} changed (lock {known['sha256'][:SHOWN]}, now {skill.digest[:SHOWN]})"
            raise OrchError("E743", message, help="orch install takes it over", exit=2)
        return skill

    def _take(self, skill: Skill, lock: dict[str, Any]) -> None:
        """Copy the skill into the state of the project, and lock it as it is."""
        copy = self._root / STATE / "skills" / f"{skill.name}.md"
        inside = skill.file.is_relative_to(self._root)
        source = skill.file.relative_to(self._root).as_posix() if inside else str(skill.file)
        self._replace(copy, skill.text)
        self._write({**lock, skill.name: {"sha256": skill.digest, "source": source}})

    def _write(self, lock: dict[str, Any]) -> None:
        text = json.dumps({"skills": dict(sorted(lock.items()))}, indent=2, ensure_ascii=False)
        self._replace(self._root / LOCK, text + "\n")

    def _replace(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, text.encode("utf-8", "replace"), None)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OrchError("E743", f"{file.name} cannot be written: {reason}", exit=2) from None

    def refresh(self) -> dict[str, tuple[str, str | None]]:
        """Take every locked skill as it is now: name → hash before and after, None if it is gone."""
        changes: dict[str, tuple[str, str | None]] = {}
        for name, entry in self.lock().items():
            file = self._root / entry["source"]
            skill = Skill(name, self._text(file, name), file) if file.is_file() else None
            changes[name] = (entry["sha256"], skill.digest if skill is not None else None)
            if skill is not None:
                self._take(skill, self.lock())
            else:
                self._write({key: value for key, value in self.lock().items() if key != name})
        return changes

    def lock(self) -> dict[str, Any]:
        """What is locked: name → `sha256` and `source`. Raises E743 for a file that is none of ours."""
        file = self._root / LOCK
        try:
            found = json.loads(file.read_text("utf-8"))["skills"] if file.is_file() else {}
            assert all(isinstance(entry[key], str) for entry in found.values() for key in ("sha256", "source"))
            return dict(found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError):
            raise OrchError("E743", f"{LOCK} is damaged", help=f"remove {LOCK}, then orch install", exit=2) from None
