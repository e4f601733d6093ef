"""Where a store file lies and whether it may be used: folder, access, owner of the file, kind of file system.

Everything here looks at the file from outside; `connection` talks to it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from orchestra.errors import OrchError
from orchestra.store.schema import APPLICATION_ID, VERSION

__all__ = ["check_header", "network_kind", "prepare", "read_mounts", "set_aside", "unusable"]

MAGIC: Final = b"SQLite format 3\0"
HEADER: Final = 100  # bytes
NETWORK: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "drvfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs"}
    | {"lustre", "ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs", "vboxsf"}
)


def unusable(reason: str, *, help: str | None = None) -> OrchError:
    """The one error for a store that cannot be read or written."""
    advice = help or "make it writable, or run with --no-checkpoint"
    return OrchError("E806", f"the store cannot be used: {reason}", help=advice)


def prepare(path: Path) -> int:
    """Make the folder (0700) and an empty file (0600) where there is none, and return the file's inode.

    SQLite gives the journal files the mode of the file.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        return path.stat().st_ino
    except OSError as error:
        raise unusable(f"{path}: {error.strerror}") from error


def check_header(path: Path) -> bool:
    """Whether the file is empty or a store of ours; False if it is no database at all.

    Reads bytes instead of opening the database, because opening already touches a foreign file's journal.
    """
    header = _header(path)
    if not header:
        return True
    if len(header) < HEADER or not header.startswith(MAGIC):
        return False
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise unusable(f"{path} is a database of another program", help="move it away, or set checkpoint.store")
    if int.from_bytes(header[60:64], "big") > VERSION:
        raise newer(path)
    return True


def newer(path: Path) -> OrchError:
    return unusable(f"{path} was written by a newer orch", help="update orch, or run with --no-checkpoint")


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEADER)


def set_aside(path: Path, inode: int, stamp: str) -> Path | None:
    """Rename a damaged database together with its journal and return the new name.

    inode: of the damaged file; if `path` is another one by now, somebody else was quicker: None
    stamp: the time of the discovery, ISO-8601
    """
    try:
        return _renamed(path, stamp) if path.stat().st_ino == inode else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(f"{path} is damaged and cannot be renamed: {error.strerror}") from error


def _renamed(path: Path, stamp: str) -> Path:
    base = path.with_name(f"{path.name}.damaged-{re.sub('[-:]', '', stamp[:19])}")
    aside, count = base, 1
    while aside.exists():
        count += 1
        aside = base.with_name(f"{base.name}-{count}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        journal = path.with_name(path.name + suffix)
        if journal.exists():
            journal.rename(aside.with_name(aside.name + suffix))
    return aside


def read_mounts() -> str:
    """The kernel's table of mounted file systems, or "" where there is no such table."""
    try:
        return Path("/proc/self/mounts").read_text("utf-8", "replace")
    except OSError:
        return ""


def network_kind(path: Path, mounts: str) -> str | None:
    """The kind of network file system that holds `path`, None for a local one.

    WAL mode keeps its locks in shared memory, which machines do not share.
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mount = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[1]))
        if path.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), fields[2]
    return kind if kind in NETWORK else None
