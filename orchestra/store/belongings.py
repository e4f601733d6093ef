"""What is kept with one stored answer: the value with its labels, the files it wrote and those it read, the models.

Why it was made or served is told by `why`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from orchestra.store.blobs import Blobs, Common
from orchestra.store.checkpoints import with_tags
from orchestra.store.store import Store
from orchestra.values.tagged import meta_of, plain

__all__ = ["Belongings", "belongings"]

MODEL: Final = "model://"
ROW: Final = "SELECT value, value_blob, tags FROM checkpoints WHERE script = ? AND key = ?"
WRITTEN: Final = (
    "SELECT path, mode, size FROM checkpoint_files JOIN blobs ON hash = blob"
    " WHERE script = ? AND key = ? ORDER BY checkpoint_files.rowid"
)
READ: Final = "SELECT path, hash FROM checkpoint_deps WHERE script = ? AND key = ? ORDER BY rowid"


@dataclass(frozen=True, slots=True)
class Belongings:
    """value: without labels; written: path, mode and bytes of files; read: path → SHA-256; models: asked → answered."""

    value: Any
    labels: tuple[str, ...]
    taint: tuple[str, ...]
    sources: tuple[str, ...]
    written: list[tuple[str, str, int]]
    read: dict[str, str]
    models: dict[str, str]


def belongings(store: Store, script: str, key: str) -> Belongings | None:
    """None if there is no answer under this key."""
    row = store.connection.one(ROW, (script, key))
    if row is None:
        return None
    text, blob, tags = row
    value = store.codec.decode(text if blob is None else Blobs(store.connection).get(blob).decode("utf-8"))
    value = value if tags is None else with_tags(value, Common(store.connection).text(tags))
    meta = meta_of(value)
    deps = store.connection.all(READ, (script, key))
    return Belongings(
        plain(value), meta.labels, meta.taint, meta.sources, store.connection.all(WRITTEN, (script, key)),
        {path: digest for path, digest in deps if not path.startswith(MODEL)},
        {path.removeprefix(MODEL): answered for path, answered in deps if path.startswith(MODEL)},
    )  # fmt: skip
