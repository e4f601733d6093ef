"""Labels of files: noted when a value with labels is written, and given to what is read from there later."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.values.tagged import NOTHING, Meta, merge

if TYPE_CHECKING:
    from orchestra.store.labels import WrittenLabels

__all__ = ["LabelledFiles"]


class LabelledFiles:
    """The files of a project.

    known:  whether some were written with labels
    audit:  told of every write
    failed: told of a database that cannot be used
    """

    def __init__(
        self,
        root: Path,
        name: Callable[[Path], str],
        audit: Callable[..., Any],
        failed: Callable[[str], None],
    ) -> None:
        self._file = root / ".orch/sec/labels.db"
        self._name = name
        self._audit = audit
        self._failed = failed
        self._opened: WrittenLabels | None = None
        self.known = self._file.exists()  # in most projects nothing was

    def wrote(self, path: Path, meta: Meta, writer: str, added: bool) -> None:
        """Note what a file carries after a write; with `added`, besides what it carried before."""
        if not meta.labels and not self.known:
            return None
        from orchestra.store.labels import WrittenWith

        name = self._name(path.resolve())
        try:
            before = self._index.find(name) if added else None
            if before is not None:
                meta = merge(Meta(before.labels, before.taint, before.sources), meta)
            if not meta.labels:
                return self._index.forget(name)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            self.known = True
            self._index.put(name, WrittenWith(digest, meta.labels, meta.taint, meta.sources))
        except (sqlite3.Error, OSError) as error:
            return self._failed(f"labels of {name} cannot be kept: {error}")
        self._audit("write", path=name, sha256=digest, taint=[*meta.labels, *meta.taint], writer=writer)
        return None

    def read(self, path: Path, digest: str) -> Meta:
        """What a file carries. Where somebody else has changed it, it is untrusted besides."""
        if not self.known:
            return NOTHING
        try:
            found = self._index.find(self._name(path.resolve()))
        except sqlite3.Error as error:
            self._failed(f"labels of {path.name} cannot be read: {error}")
            return Meta(("untrusted",), ("untrusted",))
        if found is None:
            return NOTHING
        meta = Meta(found.labels, found.taint, found.sources)
        return meta if found.hash == digest else merge(meta, Meta(("untrusted",), ("untrusted",)))

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def _index(self) -> WrittenLabels:
        if self._opened is None:
            from orchestra.store.labels import WrittenLabels

            self._opened = WrittenLabels(self._file)
        return self._opened
