"""Where a path written in a script points to, how it is shown, and what was meant when nothing is there.

References inside a path and configured prefixes are replaced before it arrives here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from orchestra.errors import OrchError, nearest

__all__ = ["ROOTS", "is_url", "missing_file", "public_url", "relative_name", "resolve"]

ROOTS = ("@root", "@base")
LONGEST = 4096  # characters; no file system takes longer paths


def resolve(path: str, base: Path, root: Path) -> Path:
    """The absolute form of `path`: below `root` for `@root/…` and `@base/…`, else relative to `base`.

    `..` is folded as text, so a symbolic link on the way does not change where the path leads.
    Raises E402 for what can be no path: nothing, or a text of several lines.
    """
    if not path.strip():
        raise OrchError("E402", "a path must not be empty")
    if "\0" in path or "\n" in path or len(path) > LONGEST:
        raise OrchError("E402", f"this is a text, not a path: {path[:40]!r}…")
    first, _, rest = path.partition("/")
    if first in ROOTS:
        base, path = root, rest
    return Path(os.path.normpath(os.path.join(base, path)))


def is_url(path: str) -> bool:
    return path.lower().startswith(("http://", "https://"))


def public_url(url: str) -> str:
    """The URL without user name and password, as it may be shown and stored."""
    return re.sub(r"(?<=://)[^/?#]*@", "", url)


def relative_name(path: Path, root: Path) -> str:
    """The path as seen from the project root: `./a/b.md`, or `../x.md` for a file outside."""
    name = os.path.relpath(path, root)
    return name if name == "." or name.startswith("..") else "./" + name


def missing_file(path: str, base: Path, root: Path) -> OrchError:
    """E401 for `path` as the script wrote it, with the nearest path that exists."""
    found = _elsewhere(path, base, root) or _misspelt(path, base, root)
    return OrchError("E401", f"file not found: {path}", help=f"did you mean {found}?" if found else None)


def _elsewhere(path: str, base: Path, root: Path) -> str | None:
    """The same path seen from the other starting point."""
    first, _, rest = path.partition("/")
    if first in ROOTS:
        return f"./{rest}" if rest and os.path.exists(base / rest) else None
    bare = path.removeprefix("./")
    if not os.path.isabs(path) and os.path.exists(root / bare):
        return f"@root/{bare}"
    return None


def _misspelt(path: str, base: Path, root: Path) -> str | None:
    """The path with its first wrong component replaced by the most similar name in that folder."""
    parts = path.split("/")
    for position in range(len(parts)):
        above = "/".join(parts[:position]) or ("/" if path.startswith("/") else ".")
        folder = resolve(above, base, root)
        if parts[position] in ("", *ROOTS) or os.path.exists(folder / parts[position]):
            continue
        name = nearest(parts[position], _names(folder))
        candidate = "/".join([*parts[:position], name, *parts[position + 1 :]]) if name else ""
        return candidate if candidate and os.path.exists(resolve(candidate, base, root)) else None
    return None


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
