"""Keeps parsed scripts on disk by content, so that an unchanged script is not parsed again.

What a script means is decided in `parse`; a file that cannot be read or written here only costs time.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestra import __version__
from orchestra.paths import cache_dir, resource
from orchestra.source import Source

__all__ = ["ParseCache"]

MOST = 2000  # kept scripts; the older half goes when there are more


class ParseCache:
    """The kept scripts of one user."""

    def __init__(self, source: Source, mode: str) -> None:
        self._source = source
        digest = hashlib.sha256(f"{_fingerprint()}\0{mode}\0{source.text}".encode("utf-8", "surrogatepass"))
        self._path = cache_dir() / "scripts" / digest.hexdigest()[:32]

    def read(self) -> Any:
        """The parsed script, or None if it is not kept."""
        try:
            made = pickle.loads(self._path.read_bytes())
        except (OSError, pickle.PickleError, EOFError, AttributeError, ImportError, IndexError, TypeError):
            return None
        kept: Source = made.span.source
        kept.name, kept.path = self._source.name, self._source.path
        return made

    def write(self, made: Any) -> None:
        """Keep a parsed script."""
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial.write_bytes(pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
            partial.replace(self._path)
            _make_room(self._path.parent)
        except (OSError, pickle.PickleError, RecursionError):
            partial.unlink(missing_ok=True)


def _make_room(folder: Path) -> None:
    """Forget the older half once there are too many."""
    kept = list(os.scandir(folder))
    if len(kept) > MOST:
        for entry in sorted(kept, key=lambda entry: entry.stat().st_mtime)[: MOST // 2]:
            os.unlink(entry.path)


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    """Changes with the version and, in a checkout, with every edit of the grammar, the scanner or a node."""
    package = Path(__file__).parent
    folders = (resource("grammar"), package / "nodes", package / "scan")
    stats = [
        (entry.name, entry.stat().st_mtime_ns, entry.stat().st_size)
        for folder in folders
        for entry in os.scandir(folder)
        if entry.is_file()
    ]
    return f"{__version__} {sys.version} {sorted(stats)}"
