"""Which files of the project an execution read: scripts, modules, templates, loads, inside labelled calls and outside.

What models read with their tools is not among them. A bundle of the run takes these files along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["FilesRead"]


class FilesRead:
    """name: gives a path as the project knows it."""

    def __init__(self, root: Path, name: Callable[[Path], str]) -> None:
        self._root = root
        self._name = name
        self._sources: set[Path] = set()
        self._inputs: dict[str, str] = {}
        self._secret: set[Path] = set()

    def source(self, path: Path) -> None:
        """A script, module or template was read."""
        self._sources.add(path)

    def input(self, path: Path, digest: str) -> None:
        """A file with this SHA-256 was loaded."""
        self._inputs.setdefault(self._name(path), digest)

    def secret(self, path: Path) -> None:
        """A file was loaded that holds secrets: it is counted, and goes nowhere."""
        self._secret.add(path)

    def as_data(self) -> dict[str, Any]:
        """Names with the SHA-256 of what was read first; of secrets and files outside of the project the numbers."""
        sources = {self._name(path): digest for path in sorted(self._sources) if (digest := _digest(path)) is not None}
        inside = {name: digest for name, digest in self._inputs.items() if self._is_inside(name)}
        own = {name: digest for name, digest in sources.items() if self._is_inside(name)}
        outside = len(self._inputs) - len(inside)
        return {"sources": own, "inputs": inside, "outside": outside, "secret": len(self._secret)}

    def _is_inside(self, name: str) -> bool:
        return not Path(name).is_absolute() and not name.startswith("..")


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
