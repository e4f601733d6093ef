"""The part of a run that keeps `file` and `files`: below the project, in workspaces in memory, out of repositories.

Loads and the other ways of writing are in `writing`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.commands import CommandOptions
from orchestra.nodes.templates import text_of
from orchestra.runtime.files import writer
from orchestra.source import Span
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import Meta, joined, tag, unwrap, with_facts
from orchestra.values.text import display

if TYPE_CHECKING:
    from orchestra.runtime.files.workspace import Workspace

__all__ = ["Filing"]


class Filing:
    """Mixed into `Run`."""

    root: Path
    code: Callable[..., Any]
    prefixes: Callable[[], Mapping[str, Path]]
    effect: Callable[..., None]
    _noted: Callable[[Path, str, Scope], None]

    def write_file(self, where: str, value: Any, scope: Scope, span: Span, description: Any = None) -> None:
        """`file` and `files`: below the project root, or into an in-memory workspace."""
        from orchestra.runtime.files.workspace import safe_relative

        try:
            workspace = self._workspace(where, create=True)
            if workspace is not None:
                about = text_of(description) if description is not None else None
                workspace[0].write(workspace[1], display(value), joined((value,)), about)
                return
            path = self.root / safe_relative(where.removeprefix(f"{self.root}/"))  # written as "@root/…"
            writer.write(path, display(value))
            self._noted(path, "output", scope)
        except OrchError as error:
            raise error.at(span) from None
        self.effect("file", lambda: display(value), value, span, where)

    def repository(self, url: str, options: Mapping[str, str], scope: Scope, span: Span) -> dict[str, str]:
        """Path → text of the files of a repository. E501 with what git said, E401 for a folder that is not in it."""
        from orchestra.runtime.files.repository import CLONE, text_files

        local = (scope.module.directory / url).is_dir()
        with tempfile.TemporaryDirectory(prefix="orch-git-") as folder:
            params = {
                "url": (scope.module.directory / url).resolve().as_uri() if local else url,
                "branch": options.get("branch", ""),
                "depth": options.get("depth", "1"),
                "folder": folder,
            }
            self.code("sh", CLONE, params, None, CommandOptions(), scope, span)
            try:
                return text_files(Path(folder), options.get("path"))
            except OrchError as error:
                raise error.at(span) from None

    def fill(self, where: str, files: Mapping[str, str], scope: Scope, span: Span) -> None:
        """Put files that came from elsewhere into a workspace, where they are no edits, or on disk."""
        origin = Meta(taint=("src:git",))
        workspace = self._workspace(where, create=True)
        if workspace is None:
            for name, text in files.items():
                self.write_file(f"{where.rstrip('/')}/{name}", tag(text, origin), scope, span)
            return
        below = workspace[1].strip("/")
        workspace[0].fill({f"{below}/{name}".lstrip("/"): text for name, text in files.items()}, origin)

    def is_workspace(self, name: str) -> bool:
        return name in self.__dict__.get("_workspaces", ())

    def workspace_value(self, name: str) -> Any:
        """`@desk`: the texts of a workspace by path, with its edits as facts; ABSENT if there is none."""
        known: dict[str, Workspace] = self.__dict__.setdefault("_workspaces", {})
        workspace = known.get(name)
        if workspace is None:
            return ABSENT
        texts = {path: unwrap(workspace.load(path)) for path in workspace.paths}
        return with_facts(texts, {"edits": workspace.edits, "descriptions": workspace.descriptions})

    def _workspace(self, where: str, create: bool = False) -> tuple[Workspace, str] | None:
        """The workspace and the path in it that `@name/path` names; None for other paths."""
        if not where.startswith("@"):
            return None
        name, _, rest = where[1:].partition("/")
        known: dict[str, Workspace] = self.__dict__.setdefault("_workspaces", {})
        if name not in known:
            if not create or name in self.prefixes():
                return None
            from orchestra.runtime.files.workspace import Workspace

            known[name] = Workspace(name)
        return known[name], rest
