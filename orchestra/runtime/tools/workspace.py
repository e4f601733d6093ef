"""The part of the file system that the tools of one call may touch, and the only door to it.

What of it was granted to which tool is known to `specs`; what is read and written, to the tools.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from orchestra.runtime.files.replacing import replace_file
from orchestra.runtime.tools.danger import forbidden_read, forbidden_write
from orchestra.runtime.tools.descent import NotRegular, open_folder, open_regular

__all__ = ["LONGEST", "Refusal", "Workspace"]


LONGEST = 4096  # bytes of a path: step by step one could go deeper, but nothing else could follow


class Refusal(Exception):
    """Why a tool did not do what it was asked, in words a model can act on and without paths of the host."""


class Workspace:
    """A folder with the roots around it. All paths given to its methods but `locate` are resolved ones."""

    def __init__(self, dir: Path, extra_roots: Sequence[Path] = (), project: Path | None = None) -> None:
        self.dir = Path(os.path.realpath(dir))
        self._project = self.dir if project is None else project
        self._roots = [self.dir, *(Path(os.path.realpath(root)) for root in extra_roots)]

    def locate(self, given: str, place: Path | None = None) -> Path:
        """The file meant by a path of the model, with every symbolic link resolved. Raises Refusal.

        place: the folder in which a relative path begins, if it is another than that of the call
        """
        if not given:
            raise Refusal("the path is empty")
        if not is_possible(given):
            raise Refusal("the path contains a character that no path can have")
        if len(os.fsencode(self.dir / given)) >= LONGEST:
            raise Refusal("the path is too long")
        if given == "~" or (given.startswith("~") and "/" in given):
            raise Refusal(f"{given} names a home folder; paths begin in the folder of the call")
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
        return read_regular(path, self.root_of(path), given)

    def write_file(self, path: Path, given: str, data: bytes) -> None:
        """Replaces or creates a file that is not protected. Raises Refusal."""
        self.check_write(path, given)
        write_regular(path, self.root_of(path), given, data)

    def check_write(self, path: Path, given: str) -> None:
        if forbidden_write(path):
            raise Refusal(f"{given} is protected and is never written")

    def root_of(self, path: Path) -> Path:
        """The folder in which the way to a path begins; a file to be written may lie elsewhere in the project."""
        return next(root for root in (*self._roots, self._project) if path.is_relative_to(root))


def is_possible(path: str) -> bool:
    """Whether the system could know a file by this name; models also send nulls and halves of characters."""
    return "\0" not in path and not any("\ud800" <= char <= "\udfff" for char in path)


def read_regular(path: Path, root: Path, given: str) -> BinaryIO:
    """The regular file `path` below `root`, opened for reading. Raises Refusal."""
    with told(given), open_folder(root, path.parent) as folder:
        return os.fdopen(open_regular(path.name, folder), "rb")


def write_regular(path: Path, root: Path, given: str, data: bytes) -> None:
    """Replaces the file at once and whole, creating its folders; the mode of an existing file is kept.

    Raises Refusal.
    """
    with told(given), open_folder(root, path.parent, create=True) as folder:
        replace_file(path.name, data, _mode_of(path.name, folder), folder)


def _mode_of(name: str, folder: int) -> int | None:
    """The rights of an existing file, None if there is none yet."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise NotRegular
    return stat.S_IMODE(found.st_mode)


@contextmanager
def told(given: str) -> Iterator[None]:
    """Makes what the system says a refusal under the name that the model used."""
    try:
        yield
    except NotRegular:
        raise Refusal(f"{given} is not a regular file") from None
    except OSError as error:
        raise Refusal(f"{given}: {reason(error)}") from None


def reason(error: OSError) -> str:
    """The system's words without the path it adds."""
    if error.errno == errno.ENOENT:
        return "no such file"
    if error.errno == errno.ELOOP:
        return "is a symbolic link"
    if error.errno == errno.ENXIO:
        return "is not a regular file"
    return (error.strerror or "cannot be used").lower()
