"""Replacing a file at once: whoever reads it finds the old content or the new one, whenever a process is killed.

The new content grows beside the file under a name that follows from the file's. A killed process leaves that behind,
and whoever makes the write good takes it over: since a part is locked while it grows, an unlocked one is nobody's.
What may be written where is settled before.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import get_ident

__all__ = ["locked", "replace_file"]

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def replace_file(path: Path | str, data: bytes, mode: int | None, folder: int | None = None) -> None:
    """Give the file `path` the content `data`. Raises OSError, and then the file is as it was.

    mode:   its permissions, None for those of a new file
    folder: descriptor of the folder in which a relative path begins
    """
    part, descriptor = _begun(Path(path), folder)
    with os.fdopen(descriptor, "wb") as file:
        try:
            file.truncate()
            file.write(data)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.replace(part, path, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
            raise


def _begun(path: Path, folder: int | None) -> tuple[Path, int]:
    """Name and descriptor of a part that no other process writes to."""
    part = path.with_name(f".orch-{sha256(os.fsencode(path.name)).hexdigest()[:16]}.part")
    while True:
        descriptor = _opened(part, folder)
        if not locked(descriptor):
            os.close(descriptor)
            os.unlink(part, dir_fd=folder)
            own = part.with_suffix(f".{os.getpid()}-{get_ident()}.part")
            return own, _opened(own, folder)
        if _is_still(part, descriptor, folder):
            return part, descriptor
        os.close(descriptor)  # another process finished it meanwhile: by now it is the file itself


def _opened(part: Path, folder: int | None) -> int:
    while True:
        try:
            return os.open(part, FLAGS, 0o666, dir_fd=folder)
        except PermissionError:
            # Left behind by the replacement of a read-only file, unless the folder itself is closed to us.
            os.unlink(part, dir_fd=folder)


def _is_still(part: Path, descriptor: int, folder: int | None) -> bool:
    try:
        return os.path.samestat(os.stat(part, dir_fd=folder, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def locked(descriptor: int) -> bool:
    """Wait for the other writers of the file; False on a file system without locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True
