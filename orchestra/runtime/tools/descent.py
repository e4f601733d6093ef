"""From an allowed folder down to a file, one step at a time and by descriptors.

A path is checked before it is used. Whatever is put in its way meanwhile, a link most of all, makes a step fail
instead of leading elsewhere. Which paths are allowed is decided in `workspace`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["NotRegular", "open_folder", "open_regular"]

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # does not wait for the far end of a pipe


class NotRegular(OSError):
    """There is something, but no file to read: a folder, a pipe, a device, a socket."""


@contextmanager
def open_folder(root: Path, folder: Path, create: bool = False) -> Iterator[int]:
    """A descriptor of `folder`, which is `root` or lies in it. Missing folders are made if `create`.

    Both paths are resolved ones. Raises OSError.
    """
    descriptor = os.open(root, FOLDER)
    try:
        for name in folder.relative_to(root).parts:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=descriptor)
            inner = os.open(name, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def open_regular(name: str, folder: int) -> int:
    """A descriptor of the regular file `name` in an open folder, for reading. Raises OSError."""
    descriptor = os.open(name, READ, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular
    return descriptor
