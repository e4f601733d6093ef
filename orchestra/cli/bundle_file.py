"""The file of a bundle: a zip with a manifest, a store and a folder of the project; written here, and opened safely.

What goes into it is gathered by `bundle`. A bundle comes from anybody: it is believed nothing that was not checked.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final

from orchestra import __version__
from orchestra.errors import OrchError

__all__ = ["PROJECT", "STORE", "Manifest", "Packed", "damaged", "unpack", "write_bundle"]

FORMAT: Final = "orch bundle"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
STORE: Final = "store.db"
PROJECT: Final = "project/"
LONGEST: Final = 64 * 1024 * 1024  # bytes of a manifest
PIECE: Final = 1024 * 1024  # bytes that are read at a time
EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the time of every file in it: equal bundles are equal files
BROKEN: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Packed:
    """One file in a bundle. kind: store, settings, source, input, archive or other."""

    sha256: str
    size: int
    kind: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """run: whose bundle it is; files: by their names in the zip; notes: what is not in it, or is not as it was."""

    run: str
    script: str
    files: dict[str, Packed] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def write_bundle(path: Path, manifest: Manifest, contents: Mapping[str, tuple[str, bytes]]) -> None:
    """contents: name in the zip → kind and bytes. Raises E420."""
    for name, (kind, content) in contents.items():
        manifest.files[name] = Packed(hashlib.sha256(content).hexdigest(), len(content), kind)
    head = {"format": FORMAT, "version": VERSION, "orch": __version__, **asdict(manifest)}
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            _add(file, MANIFEST, json.dumps(head, indent=2, ensure_ascii=False).encode())
            for name, (_, content) in contents.items():
                _add(file, name, content)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OrchError("E420", f"cannot write {path}: {reason}") from None


def _add(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    file.writestr(info, content)


def unpack(path: Path, folder: Path) -> Manifest:
    """Write what is in a bundle below `folder`, each file compared with the manifest. Raises E814."""
    with _opened(path) as file:
        manifest = _manifest(path, file)
        for name, packed in manifest.files.items():
            _take_out(path, file, name, packed, folder)
        return manifest


def _take_out(path: Path, file: zipfile.ZipFile, name: str, packed: Packed, folder: Path) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open(name) as source, target.open("xb") as copy:
            digest = _copied(source, copy, packed.size)
    except KeyError:
        raise damaged(path, f"{name} is missing") from None
    if digest != packed.sha256:
        raise damaged(path, f"{name} is not what was written")


def _copied(source: IO[bytes], copy: IO[bytes], size: int) -> str:
    """The SHA-256 of what was copied: no more than one byte too many, whatever the file unpacks to."""
    digest, left = hashlib.sha256(), size + 1
    while left and (piece := source.read(min(PIECE, left))):
        digest.update(piece)
        copy.write(piece)
        left -= len(piece)
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        if not zipfile.is_zipfile(path) and path.is_file():
            begun = path.open("rb").read(4) == b"PK\3\4"
            raise damaged(path, "its end is missing") if begun else _foreign(path)
        with zipfile.ZipFile(path) as file:
            yield file
    except BROKEN as error:
        raise damaged(path, str(error) or "it cannot be unpacked") from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OrchError("E814", f"{path.name} cannot be read: {reason}", exit=2) from None


def _manifest(path: Path, file: zipfile.ZipFile) -> Manifest:
    try:
        with file.open(MANIFEST) as source:
            data = json.loads(source.read(LONGEST))
    except (KeyError, ValueError):
        raise _foreign(path) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _foreign(path)
    if data.get("version") != VERSION:
        raise OrchError("E814", f"{path.name} was made by a newer orch", help="update orch", exit=2)
    try:
        files = {str(name): Packed(**facts) for name, facts in data["files"].items()}
        manifest = Manifest(str(data["run"]), str(data["script"]), files, list(data.get("notes", [])))
    except (KeyError, TypeError, AttributeError):
        raise damaged(path, "its manifest says too little") from None
    _check(path, manifest)
    return manifest


def _check(path: Path, manifest: Manifest) -> None:
    for name, packed in manifest.files.items():
        parts = PurePosixPath(name).parts
        if name != STORE and (not name.startswith(PROJECT) or ".." in parts or "\\" in name or "\0" in name):
            raise damaged(path, "it names a file outside of itself")
        if not isinstance(packed.size, int) or packed.size < 0:
            raise damaged(path, "its manifest says too little")
    if STORE not in manifest.files:
        raise damaged(path, f"{STORE} is missing")


def damaged(path: Path, reason: str) -> OrchError:
    return OrchError("E814", f"{path.name} is damaged: {reason}", help="ask for the file again", exit=2)


def _foreign(path: Path) -> OrchError:
    return OrchError("E814", f"{path.name} is no bundle of orch", help="orch bundle RUN makes one", exit=2)
