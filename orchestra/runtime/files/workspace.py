"""Files that exist in memory only: the workspaces behind `<@name/…>`, and which paths `file` may write.

Filling one from a repository, and saying where its values came from, is up to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import PurePosixPath
from typing import Any, ClassVar

from orchestra.errors import OrchError, nearest
from orchestra.runtime.files.contents import interpret
from orchestra.runtime.files.documents import Document, select, select_each
from orchestra.runtime.files.facts import TextFacts
from orchestra.runtime.files.globs import is_pattern, literal, matches
from orchestra.runtime.files.selectors import Selector
from orchestra.values.tagged import Meta, Value

__all__ = ["Workspace", "safe_relative"]

NO_META = Meta()


def safe_relative(path: str) -> str:
    """The path without `.` parts and doubled slashes. E402 if it is empty, absolute or has `..` in it."""
    parts = PurePosixPath(path.replace("\\", "/"))
    if parts.is_absolute() or path[1:2] == ":":
        raise OrchError("E402", f"{path} is absolute; only paths below the folder can be written", help="gen/a.txt")
    if ".." in parts.parts:
        raise OrchError("E402", f"{path} leads out of the folder", help="write the path without '..'")
    if not parts.parts or "\0" in path:
        raise OrchError("E402", "a file needs a name", help='file "gen/a.txt" = @text')
    return str(parts)


@dataclass(frozen=True, slots=True)
class Entry:
    """The text of a file, what flows from the value it was made of, and its description."""

    text: str
    meta: Meta = NO_META
    about: str | None = None


class WorkspaceFacts(TextFacts):
    """Facts of a file in a workspace; `before` is its text before the script wrote it, if there was any."""

    __slots__ = ("before", "path", "space")

    FIELDS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "filename": lambda facts: facts.path.name,
        "relative": lambda facts: f"./{facts.path}",
        "absolute": lambda facts: f"@{facts.space}/{facts.path}",
        "path": lambda facts: f"@{facts.space}/{facts.path}",
        "dirname": lambda facts: facts.path.parent.name or facts.space,
        "diff": lambda facts: diff(str(facts.path), facts.before, facts.own.get("html", facts.whole)),
        **TextFacts.FIELDS,
    }

    def __init__(
        self,
        space: str,
        path: PurePosixPath,
        text: str,
        data: Any,
        before: str | None,
        own: Mapping[str, Any],
    ) -> None:
        super().__init__(text, data, path.suffix.lower(), own=own)
        self.space = space
        self.path = path
        self.before = before

    @property
    def name(self) -> str:
        return f"@{self.space}/{self.path}"

    def of_piece(self, text: str, own: Mapping[str, Any]) -> WorkspaceFacts:
        piece = WorkspaceFacts(self.space, self.path, text, text, self.before, {**self.own, **own})
        piece.whole = self.whole
        return piece


class Workspace:
    """Named files in memory. `base` holds the files that were there first, which count as no edits."""

    def __init__(self, name: str, base: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._base = {safe_relative(path): text for path, text in (base or {}).items()}
        self._files = {path: Entry(text) for path, text in self._base.items()}

    def write(self, path: str, text: str, meta: Meta = NO_META, about: str | None = None) -> None:
        """Create or replace a file. A description stays until another is given."""
        path = safe_relative(path)
        before = self._files.get(path)
        self._files[path] = Entry(text, meta.derived(), about or (before.about if before else None))

    def fill(self, files: Mapping[str, str], meta: Meta = NO_META) -> None:
        """Files that were there first: they count as no edits."""
        for written, text in files.items():
            path = safe_relative(written)
            self._base[path], self._files[path] = text, Entry(text, meta)

    def load(self, path: str, selector: Selector | None = None, optional: bool = False) -> Value:
        """The value of a file, or an array for a pattern, like a load from disk. E401 for a missing file."""
        if is_pattern(path):
            found = [name for name in self.paths if matches(path, name)]
            return select_each([self._document(name) for name in found], selector)
        path = safe_relative(literal(path))
        if path in self._files:
            return select(self._document(path), selector)
        if optional:
            return None
        meant = nearest(path, self.paths)
        help = f"did you mean <@{self.name}/{meant}>?" if meant else None
        raise OrchError("E401", f"file not found: @{self.name}/{path}", help=help)

    def exists(self, path: str) -> bool:
        """Whether there is such a file, or one that matches the pattern."""
        if is_pattern(path):
            return any(matches(path, name) for name in self.paths)
        return str(PurePosixPath(literal(path))) in self._files

    @property
    def paths(self) -> list[str]:
        return sorted(self._files)

    @property
    def edits(self) -> list[dict[str, str]]:
        """What the script changed, by path: `{path, type: created | modified, entity: file}`."""
        return [
            {"path": path, "type": "modified" if path in self._base else "created", "entity": "file"}
            for path in self.paths
            if self._files[path].text != self._base.get(path)
        ]

    @property
    def descriptions(self) -> dict[str, str]:
        return {path: self._files[path].about or "" for path in self.paths if self._files[path].about}

    def diff(self, path: str) -> str:
        """What changed in one file, as a unified diff; empty if nothing did."""
        path = safe_relative(path)
        return diff(path, self._base.get(path), self._files[path].text if path in self._files else "")

    def _document(self, path: str) -> Document:
        entry = self._files[path]
        name = f"@{self.name}/{path}"
        pure = PurePosixPath(path)
        text, data, own = interpret(entry.text, pure.suffix.lower(), name)
        facts = WorkspaceFacts(self.name, pure, text, data, self._base.get(path), {**own, "desc": entry.about})
        return Document(name, facts, Meta(entry.meta.labels, entry.meta.taint, (*entry.meta.sources, name)))


def diff(path: str, before: str | None, after: str) -> str:
    """A unified diff; `before` None stands for a file that is new."""
    old = f"a/{path}" if before is not None else "/dev/null"
    lines = unified_diff((before or "").splitlines(True), after.splitlines(True), old, f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
