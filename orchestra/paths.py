"""Where things lie: the project root, its state, the user's cache, the folders shipped with the package.

What is in those places is the business of `config`, the store and the loaders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

__all__ = ["CONFIG_FILE", "STATE", "bundled", "cache_dir", "find_root", "home", "resource", "state_dir"]

CONFIG_FILE = "orch.toml"
STATE = ".orch"
MARKERS = (
    "mlld-config.json",
    "mlld-lock.json",
    "mlld.lock.json",
    "package.json",
    ".git",
    "pyproject.toml",
    "Cargo.toml",
)

# A folder beside the package may belong to somebody else once the package is installed: these files tell.
LANDMARKS = {"grammar": "*.lark", "stdlib": "*.mld"}


def find_root(start: Path, home: Path) -> Path:
    """The project that `start` (a script or a folder) belongs to, as an absolute folder.

    The nearest folder upwards with `orch.toml`; else with `.orch/`; else with the mark of another kind of
    project; else the folder of `start`. In `home` and above it only `orch.toml` counts, because a home folder
    under version control is no project.
    """
    start = start.absolute()
    folder = start if start.is_dir() else start.parent
    above = [folder, *folder.parents]
    below_home = above[: above.index(home)] if home in above else above
    for folders, marks in ((above, (CONFIG_FILE,)), (below_home, (STATE,)), (below_home, MARKERS)):
        for candidate in folders:
            if any((candidate / mark).exists() for mark in marks):
                return candidate
    return folder


def resource(kind: Literal["grammar", "stdlib"]) -> Path:
    """A folder shipped with the package: beside it in a checkout, inside it in a wheel.

    Raises FileNotFoundError if the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / kind, package / f"_{kind}"):
        if any(folder.glob(LANDMARKS[kind])):
            return folder
    raise FileNotFoundError(f"orch is installed without its {kind} folder; install it again")


def state_dir(root: Path) -> Path:
    """Where a project's store, skills and caches lie. Not created here."""
    return root / STATE


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's folder for what can be computed again. Not created here."""
    named = Path(environ.get("XDG_CACHE_HOME", ""))  # a relative one is invalid and to be passed over
    return (named if named.is_absolute() else home(environ) / ".cache") / "orch"


def home(environ: Mapping[str, str]) -> Path:
    """The user's home folder."""
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def bundled(module: str) -> Path | None:
    """The file of a module that is part of orch, by any of its names (`@orch/x/y`, `@std/x/y`, older ones)."""
    match = re.fullmatch(r"@(orch|std|mlld)/([\w-]+(?:/[\w-]+)*)(?:@[^/]*)?", module)
    if match is None:
        return None
    scope, name = match.groups()
    if scope == "mlld" and name not in ("claude", "claude-poll"):
        return None
    file = resource("stdlib") / f"{'llm' if scope == 'mlld' else name}.mld"
    return file if file.is_file() else None
