"""Where the source of an import leads: which file, looked for in which order of places.

What lies in the file is read by whoever asked; modules that are no files (`@payload`) are not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestra.config import Config
from orchestra.location import ROOTS, resolve
from orchestra.paths import bundled

__all__ = ["completed", "is_named", "named_file", "under_prefix", "written_path"]

EXTENSIONS = (".mld", ".mlld", ".mld.md", ".md", ".json")
MANIFESTS = ("module.yml", "module.yaml", "module.json")
LIBRARIES = ("llm/lib", "llm/run")  # of the project; the user's own lie below `.mlld/`


def under_prefix(written: str, paths: Mapping[str, Path]) -> Path | None:
    """The path behind a configured prefix such as `@kit/`, the longest that fits; None without one."""
    fitting = [name for name in paths if written.startswith(f"@{name}/")]
    if not fitting:
        return None
    name = max(fitting, key=len)
    return paths[name] / written[len(name) + 2 :]


def written_path(source: str, base: Path, config: Config) -> Path | None:
    """The place that a source names as a path: relative, below `@root` or below a prefix; None for `@author/name`."""
    if is_named(source):
        return under_prefix(source, config.paths)
    return resolve(source, base, config.root)


def is_named(source: str) -> bool:
    """Whether a source begins with `@name` other than `@root` and `@base`."""
    return source.startswith("@") and source.partition("/")[0] not in ROOTS


def completed(path: Path) -> Path | None:
    """The file at a path that may lack its extension, or be a folder with an `index.mld`; None if there is none."""
    names = (path, *(path.with_name(path.name + extension) for extension in EXTENSIONS), path / "index.mld")
    return next((name for name in names if name.is_file()), None)


def named_file(source: str, config: Config, home: Path) -> Path | None:
    """The file of `@author/name[@version]`: under development, part of orch, installed here or by the user."""
    name = source[1:].split("@")[0]
    return _developed(name, config) or bundled(f"@{name}") or _installed(name, config, home)


def _developed(name: str, config: Config) -> Path | None:
    """A module below the folder for development whose front matter has this author and name."""
    author, slash, short = name.partition("/")
    folder = config.modules_dir
    if not slash or not folder.is_dir():
        return None
    for path in sorted((*folder.rglob("*.mld"), *folder.rglob("*.mld.md"))):
        about = _front_matter(path)
        if about.get("author") == author and about.get("name", _stem(path)) == short:
            return path
    return None


def _stem(path: Path) -> str:
    return path.parent.name if path.name == "index.mld" else path.name.split(".")[0]


def _installed(name: str, config: Config, home: Path) -> Path | None:
    short = name.split("/")[-1]
    folders = [config.root / place / short for place in LIBRARIES]
    files = (config.modules_dir / f"{part}.mld" for part in (short, name))
    abroad = [home / ".mlld" / Path(place).name / short for place in LIBRARIES]
    found = (*map(_entry, folders), *(path for path in files if path.is_file()), *map(_entry, abroad))
    return next((path for path in found if path is not None), None)


def _entry(folder: Path) -> Path | None:
    """The file that a module folder begins with: what its manifest says, else `index.mld`."""
    manifest = next((folder / name for name in MANIFESTS if (folder / name).is_file()), None)
    entry = folder / str(_manifest(manifest).get("entry", "index.mld") if manifest is not None else "index.mld")
    return entry if entry.is_file() else None


def _manifest(path: Path) -> dict[str, Any]:
    text = _text(path)
    if path.suffix != ".json":
        return dict(_scalars(text))
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _front_matter(path: Path) -> dict[str, str]:
    block = re.match(r"\ufeff?---\r?\n(.*?)\r?\n---", _text(path), re.DOTALL)
    return dict(_scalars(block[1])) if block else {}


def _scalars(text: str) -> Iterator[tuple[str, str]]:
    """The plain `key: value` lines of YAML, which is all that identity consists of."""
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+):[ \t]+[\"']?(.*?)[\"']?(?:[ \t]+#.*)?", line)
        if match:
            yield match[1], match[2].removeprefix("@") if match[1] == "author" else match[2]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
