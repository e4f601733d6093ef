"""Long texts, each kept once under its hash, compressed, and cut where their own content says so.

Texts that share most of their content share most of their parts. Who refers to a blob is not known here.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from orchestra.store.connection import Connection

__all__ = ["Blobs", "Common", "blob_references", "cut"]

WHOLE: Final = 8 * 1024  # bytes up to which a text is one blob
SMALLEST: Final = 512  # bytes of a part
LARGEST: Final = 4 * 1024  # bytes of a part
WINDOW: Final = 16  # bytes whose checksum decides whether a part ends behind them
RARELY: Final = 0x07  # one window in 8 does


def _bytes_with(low_bits: int) -> bytes:
    return b"".join(re.escape(bytes([byte])) for byte in range(256) if byte & 7 == low_bits)


# Two bytes that meet once in about 64 in prose, in code, in other scripts and in base64 alike: where to look.
CANDIDATE: Final = re.compile(b"[%b][%b]" % (_bytes_with(5), _bytes_with(2)))
WORTH: Final = 0.9  # a smaller ratio of compressed to plain size pays for the decompression


class Blobs:
    """The table `blobs`. `put` belongs inside a transaction of the caller."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, content: bytes) -> str:
        """Keep `content` and return its name, the sha256 in hexadecimal."""
        name = sha256(content).hexdigest()
        if self._find(name) is None:
            self._insert(name, content)
        return name

    def get(self, name: str) -> bytes:
        """The content called `name`; E806 if the file no longer holds what was written."""
        row = self._connection.one("SELECT codec, bytes FROM blobs WHERE hash = ?", (name,))
        try:
            content = self._unpacked(*row) if row else b""
        except (ValueError, zlib.error):
            content = b""
        if sha256(content).hexdigest() != name:
            raise self._connection.damaged(f"blob {name[:12]} is not what was written")
        return content

    def _find(self, name: str) -> int | None:
        row = self._connection.one("SELECT id FROM blobs WHERE hash = ?", (name,))
        return row[0] if row else None

    def _insert(self, name: str, content: bytes) -> None:
        codec, stored = self._packed(content)
        self._connection.change(
            "INSERT INTO blobs (hash, codec, size, bytes) VALUES (?, ?, ?, ?)",
            (name, codec, len(content), stored),
        )

    def _packed(self, content: bytes) -> tuple[str, bytes]:
        if len(content) > WHOLE:
            # Ids instead of hashes: a thousand long texts are mostly made of these lists.
            parts = [self._find(self.put(part)) for part in cut(content)]
            return "parts", json.dumps(parts, separators=(",", ":")).encode()
        small = zlib.compress(content)
        return ("zlib", small) if len(small) < WORTH * len(content) else ("raw", content)

    def _unpacked(self, codec: str, stored: bytes) -> bytes:
        if codec == "parts":
            return b"".join(self._part(id) for id in json.loads(stored))
        return zlib.decompress(stored) if codec == "zlib" else stored

    def _part(self, id: int) -> bytes:
        row = self._connection.one("SELECT codec, bytes FROM blobs WHERE id = ?", (id,))
        return self._unpacked(*row) if row else b""


class Common:
    """Texts that many rows say alike: in a row stands the id of the blob, and each is fetched once in a process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._blobs = Blobs(connection)
        self._texts: dict[int, str] = {}
        self._ids: dict[str, int] = {}

    def id(self, text: str) -> int:
        """The number of `text`, which is kept if it is new: inside a transaction of the caller."""
        known = self._ids.get(text)
        return known if known is not None else self._know(self._kept(text), text)

    def has(self, text: str) -> bool:
        """Whether `id` would write nothing."""
        return text in self._ids

    def text(self, id: int) -> str:
        """What has this number; E806 if the file no longer holds it."""
        if id not in self._texts:
            row = self._connection.one("SELECT hash FROM blobs WHERE id = ?", (id,))
            self._know(id, self._blobs.get(row[0] if row else "").decode("utf-8"))
        return self._texts[id]

    def _kept(self, text: str) -> int:
        row = self._connection.one("SELECT id FROM blobs WHERE hash = ?", (self._blobs.put(text.encode("utf-8")),))
        return int(row[0]) if row else 0

    def _know(self, id: int, text: str) -> int:
        self._texts[id], self._ids[text] = text, id
        return id


def blob_references(connection: Connection) -> list[tuple[str, str, str]]:
    """Table, column, and whether it names blobs by `id` or `hash`: as the schema declares it."""
    return connection.all(
        'SELECT t.name, f."from", coalesce(f."to", \'id\') FROM sqlite_schema t, pragma_foreign_key_list(t.name) f'
        " WHERE t.type = 'table' AND f.\"table\" = 'blobs'"
    )


def cut(content: bytes) -> Iterator[bytes]:
    """Parts of `content` whose ends depend on nothing but the bytes before them.

    An insertion therefore changes the parts around it and no others. Where the content offers no end, as in a
    long row of equal bytes, parts have the largest size.
    """
    start = 0
    for candidate in CANDIDATE.finditer(content):
        end = candidate.end()
        while end - start > LARGEST:
            yield content[start : start + LARGEST]
            start += LARGEST
        if end - start >= SMALLEST and zlib.crc32(content[end - WINDOW : end]) & RARELY == 0:
            yield content[start:end]
            start = end
    for rest in range(start, len(content), LARGEST):
        yield content[rest : rest + LARGEST]
