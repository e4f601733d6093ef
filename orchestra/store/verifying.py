"""Reads all of a store and says whether it still holds what was written.

On opening, only small files are examined; in larger ones damage is found where it is met. This is for whoever wants to
know before.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestra.store.blobs import Blobs
from orchestra.store.store import Store

__all__ = ["Verified", "verify"]

FEW = 3  # faults that a message names


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read. answers: those replaced included; bytes: of the file."""

    answers: int
    texts: int
    runs: int
    bytes: int


def verify(store: Store) -> Verified:
    """Raises E806 for a damaged store, which is set aside then, as wherever damage is met."""
    connection = store.connection
    faults = [line for (line,) in connection.all(f"PRAGMA integrity_check({FEW})") if line != "ok"]
    faults += [f"{table} names a row that is gone" for (table, *_) in connection.all("PRAGMA foreign_key_check")][:FEW]
    if faults:
        raise connection.damaged("; ".join(faults[:FEW]))
    blobs, texts = Blobs(connection), connection.all("SELECT hash FROM blobs")
    for (name,) in texts:
        blobs.get(name)
    answers = connection.all("SELECT key, value FROM checkpoints UNION ALL SELECT key, value FROM replaced")
    for key, value in answers:
        try:
            store.codec.decode(value or "null")
        except (ValueError, LookupError, TypeError):
            raise connection.damaged(f"answer {key[:12]} cannot be read") from None
    [(runs,)] = connection.all("SELECT count(*) FROM runs")
    return Verified(len(answers), len(texts), runs, connection.path.stat().st_size)
