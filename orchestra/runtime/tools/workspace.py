"""The part of the file system that the tools of one call may touch, and the only door to it.

What of it was granted to which tool is known to `specs`; what is read and written, to the tools.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from orchestra.runtime.tools.danger import forbidden_read, forbidden_write

__all__ = ["Refusal", "Workspace"]


class Refusal(Exception):
    """Why a tool did not do what it was asked, in words a model can act on and without paths of the host."""


class Workspace:
    """A folder with the roots around it. All paths given to its methods but `locate` are resolved ones."""

    def __init__(self, dir: Path, extra_roots: Sequence[Path] = ()) -> None:
        self.dir = Path(os.path.realpath(dir))
        self._roots = [self.dir, *(Path(os.path.realpath(root)) for root in extra_roots)]

    def locate(self, given: str, place: Path | None = None) -> Path:
        """The file meant by a path of the model, with every symbolic link resolved. Raises Refusal.

        place: the folder in which a relative path begins, if it is another than that of the call
        """
        if not given:
            raise Refusal("the path is empty")
        if not is_possible(given):
            raise Refusal("the path contains a character that no path can have")
        path = Path(os.path.realpath((place or self.dir) / given))
        if not self.contains(path):
            raise Refusal(f"{given} lies outside of the folders you may use")
        return path

    def contains(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self._roots)

    def subject(self, path: Path) -> str:
        """The path as patterns see it: relative to the folder, or absolute if it lies in another root."""
        return path.relative_to(self.dir).as_posix() if path.is_relative_to(self.dir) else path.as_posix()

    def open_file(self, path: Path, given: str) -> BinaryIO:
        """A regular file for reading. Raises Refusal."""
        if forbidden_read(path):
            raise Refusal(f"{given} may hold credentials and is never read")
        return open_regular(path, given)

    def check_write(self, path: Path, given: str) -> None:
        if forbidden_write(path):
            raise Refusal(f"{given} is protected and is never written")


def is_possible(path: str) -> bool:
    """Whether the system could know a file by this name; models also send nulls and halves of characters."""
    return "\0" not in path and not any("\ud800" <= char <= "\udfff" for char in path)


def open_regular(path: Path, given: str) -> BinaryIO:
    """Opens without following a link in the last place and without waiting for the far end of a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refusal(f"{given}: {reason(error)}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refusal(f"{given} is not a regular file")
    return os.fdopen(descriptor, "rb")


def write_regular(path: Path, given: str, data: bytes) -> None:
    """Replaces the file at once and whole, creating its folders; the mode of an existing file is kept."""
    try:
        mode = _mode_of(path, given)
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, data, mode)
    except OSError as error:
        raise Refusal(f"{given}: {reason(error)}") from None


def _mode_of(path: Path, given: str) -> int | None:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise Refusal(f"{given} is not a regular file")
    return stat.S_IMODE(found.st_mode)


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    temporary = path.with_name(f".orch-{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def reason(error: OSError) -> str:
    """The system's words without the path it adds."""
    if error.errno == errno.ENOENT:
        return "no such file"
    if error.errno == errno.ELOOP:
        return "is a symbolic link"
    if error.errno == errno.EEXIST:  # where a folder was to be made
        return "not a directory"
    return (error.strerror or "cannot be used").lower()
