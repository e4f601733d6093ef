"""Files that stored calls wrote: put back where they are missing or hold what another of these calls wrote.

Which calls are served is decided in `memo`; what the files held comes from the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from orchestra.errors import OrchError
from orchestra.runtime.files.replacing import replace_file
from orchestra.store import StoredFile

__all__ = ["Restoring"]


class Restoring:
    """What one execution has put back.

    content: reads what a stored file held
    wrote:   tells whether a stored call gave the file of that path the content of that digest
    note:    tells the user
    """

    def __init__(
        self,
        root: Path,
        content: Callable[[StoredFile], bytes],
        wrote: Callable[[str, str], bool],
        note: Callable[[str], None],
    ) -> None:
        self._root = root
        self._content = content
        self._wrote = wrote
        self._note = note
        self._restored: set[Path] = set()
        self._told: set[Path] = set()

    def restore(self, files: Iterable[StoredFile]) -> None:
        """Leave the files as the call left them, except what others wrote since: that is said once. Raises E420."""
        for file in files:
            path = self._root / file.path
            if not path.exists():
                self._write(path, file)
            elif file.mode != "append":
                self._replace(path, file)
            elif path in self._restored:
                self._extend(path, file)

    def _write(self, path: Path, file: StoredFile) -> None:
        _put(path, self._content(file))
        self._restored.add(path)

    def _extend(self, path: Path, file: StoredFile) -> None:
        """Several calls appended to one file, and each kept what it saw: the longest version wins."""
        content = self._content(file)
        if content.startswith(path.read_bytes()):
            _put(path, content)

    def _replace(self, path: Path, file: StoredFile) -> None:
        """Several calls wrote one file in turn, and what came after each of them saw what that one wrote."""
        found = _digest(path)
        if found == file.digest or path in self._told:
            return
        if found is not None and self._wrote(file.path, found):
            self._write(path, file)
        else:
            self._told.add(path)
            self._note(f"{file.path} differs from what the stored call wrote; it is left as it is")


def _put(path: Path, content: bytes) -> None:
    """Write a file at once: a kill leaves none or all of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content, path.stat().st_mode & 0o7777 if path.exists() else None)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OrchError("E420", f"cannot restore {path}: {reason}") from None


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
