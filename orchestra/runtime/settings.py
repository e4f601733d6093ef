"""`@config`, `@configure` and `@rollback` of `@orch/store`, and the files that show the versions of settings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.runtime.files import writer
from orchestra.store.declaration import shown
from orchestra.store.settings import Settings, Version, merged

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["ScriptSettings", "write_versions"]


class ScriptSettings:
    """What a run does with versioned settings. Values come plain."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def config(self, name: Any, defaults: Any, folder: Path | None) -> dict[str, Any]:
        """The settings as they are by now; they begin with what their file says, or else with `defaults`."""
        settings, name = self._settings, _name(name)
        given = _fields("the defaults", defaults)
        if not settings.history(name):
            place = None if folder is None else os.path.relpath(folder, self._run.root)
            settings.begin(name, *self._first(name, given, folder), place)
        found = settings.history(name)
        self._write(found)
        return {"version": found[-1].version, **merged(given, found[-1].text)}

    def configure(self, name: Any, patch: Any, reason: Any) -> dict[str, Any]:
        self._settings.change(_name(name), _fields("the change", patch), _reason(reason))
        return self._done(name)

    def rollback(self, name: Any, version: Any, reason: Any) -> dict[str, Any]:
        wanted = None if version is None else int(version)
        self._settings.rollback(_name(name), wanted, _reason(reason))
        return self._done(name)

    @property
    def _settings(self) -> Settings:
        return self._run.execution.settings

    def _done(self, name: str) -> dict[str, Any]:
        found = self._settings.history(name)
        self._write(found)
        return found[-1].shown

    def _first(self, name: str, given: dict[str, Any], folder: Path | None) -> tuple[dict[str, Any], int, str]:
        """What the first version says, its number, and where it comes from."""
        file = None if folder is None else folder / f"{name}-config.yaml"
        if file is None or not file.is_file():
            return given, 1, "defaults"
        import yaml

        try:
            data = yaml.safe_load(file.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise OrchError("E403", f"{file.name} is not YAML: {error}") from None
        stored = _fields(file.name, data)
        version = stored.pop("version", 1)
        return merged(given, stored), version if isinstance(version, int) else 1, f"from {file.name}"

    def _write(self, versions: Sequence[Version]) -> None:
        if self._run.planning is None and self._run.request.past is None:
            write_versions(versions, self._run.root)


def write_versions(versions: Sequence[Version], root: Path) -> None:
    """`NAME-config.yaml` and, of each version before, `NAME-config.vN.yaml`, as far as they are not there."""
    *earlier, last = versions
    if last.folder is None:
        return
    folder = root / last.folder
    files = {f"{last.name}-config.v{each.version}.yaml": each for each in earlier}
    for name, version in {**files, f"{last.name}-config.yaml": last}.items():
        text = writer.render_output(version.shown, "yaml")
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            writer.write(path, text)


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
        raise OrchError("E207", f"settings have a name of letters, digits, - and _, not {shown(name)}")
    return name


def _reason(reason: Any) -> str:
    if not isinstance(reason, str) or not reason.strip():
        raise OrchError("E207", "a change of settings needs a reason", help='"fewer samples, to save money"')
    return reason


def _fields(what: str, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise OrchError("E207", f"{what} is an object with settings, not {shown(data)}")
    return {name: value for name, value in data.items() if name != "version" or what.endswith(".yaml")}
