"""What `output` and `append` put into files: the text of a value, and the bytes on the disk.

Where the file lies, and whether a script may write there, is settled before.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.runtime.files.replacing import locked, replace_file
from orchestra.values.tagged import Value, meta_of, plain, unwrap
from orchestra.values.text import compact_json, pretty_json, strict_json, template_text

__all__ = ["append", "rearrange", "reason", "render_output", "render_record", "write"]

UNCHANGED = ("json", "text", "txt", "md", "markdown")
FORMATS = ("yaml", "yml", "csv", "xml", *UNCHANGED)

REASONS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a part of the path is a file, not a folder",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than allowed",
    errno.EROFS: "the file system is read-only",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its symbolic links go round in a circle",
}


def write(path: Path, text: str) -> None:
    """Replace the file at once: a reader sees the old content or the new one, never a part. Creates folders.

    A symbolic link is written through; the mode of an existing file stays. Raises E420 with the reason.
    """
    try:
        _replace(path, _encoded(text, "E420", path))
    except OSError as error:
        raise OrchError("E420", f"cannot write {path}: {reason(error)}") from None


def append(path: Path, record_text: str) -> None:
    """Add one record and its newline in one write, so that parallel writers never mix. Creates folders.

    A `.jsonl` file whose last line lacks its newline gets it first. Raises E421 with the reason.
    """
    line = record_text if record_text.endswith("\n") else record_text + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _add(path, _encoded(line, "E421", path))
    except OSError as error:
        raise OrchError("E421", f"cannot append to {path}: {reason(error)}") from None


def render_output(value: Value, format: str | None = None, target_suffix: str = "") -> str:
    """What `output` writes: strings as they are, structures as two-space JSON or as the text they came from.

    `as yaml`, `as csv` and `as xml`, and the suffixes `.csv` and `.xml`, write structures in that form.
    Raises E420 for another format.
    """
    if format is not None and format not in FORMATS:
        meant = nearest(format, FORMATS)
        raise OrchError(
            "E420",
            f'unknown output format "{format}"',
            help=f"as {meant}" if meant else "the formats are yaml, csv, xml and json",
        )
    wanted = format or target_suffix.lstrip(".").lower()
    if not isinstance(unwrap(value), (dict, list)):
        return _text(value)
    if format in ("yaml", "yml"):
        return _yaml(value)
    if wanted in ("csv", "xml"):
        return _transformed(wanted, value)
    return _text(value)


def render_record(value: Value, suffix: str, as_: str | None = None) -> str:
    """What `append` writes, without the final newline. `suffix` is the target's, `as_` is jsonl or text.

    Raises E421 for `.json` targets, for another `as` and for text that is no JSON where JSON is needed.
    """
    if suffix.lower() == ".json":
        raise OrchError(
            "E421", "a .json file holds one value and cannot be appended to", help="append to a .jsonl file"
        )
    if as_ not in (None, "jsonl", "text"):
        raise OrchError("E421", f'unknown append format "{as_}"', help="as jsonl or as text")
    if suffix.lower() != ".jsonl" and as_ != "jsonl":
        return _text(value)
    data = unwrap(value)
    return str(compact_json(_json_value(data) if isinstance(data, str) else data))


def _json_value(text: str) -> Any:
    try:
        return strict_json(text)
    except (ValueError, RecursionError):
        raise OrchError("E421", "JSON required for .jsonl", help='append { text: @value } to "log.jsonl"') from None


def _text(value: Value) -> str:
    """The text of a value as files hold it: original text first, structures indented."""
    data = unwrap(value)
    if isinstance(data, str):
        return data
    text = meta_of(value).text
    if text is not None:
        return text
    return str(pretty_json(data) if isinstance(data, (dict, list)) else template_text(data))


def _yaml(value: Value) -> str:
    import yaml

    # by way of JSON, which settles what numbers, missing values and functions look like
    data = json.loads(compact_json(value))
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def _transformed(name: str, value: Value) -> str:
    from orchestra.values.transformers import apply

    return str(unwrap(apply(name, None, plain(value))))


def _encoded(text: str, code: str, path: Path) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        raise OrchError(code, f"cannot write {path}: character {error.start} ({half}) is half of a pair") from None


def _replace(path: Path, data: bytes) -> None:
    target = path.resolve() if path.is_symlink() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "")
    if target.exists() and not target.is_file():  # a device or a pipe has no content to replace
        target.write_bytes(data)
        return
    replace_file(target, data, target.stat().st_mode & 0o7777 if target.exists() else None)


def rearrange(path: Path, arrange: Callable[[str], str]) -> None:
    """Replace the file by what `arrange` makes of its content; what others append meanwhile waits. Raises E420."""
    try:
        descriptor, _ = _opened_alone(path, os.O_RDWR)
        try:
            with open(descriptor, encoding="utf-8", errors="replace", newline="", closefd=False) as file:
                text = file.read()
            _replace(path, _encoded(arrange(text), "E420", path))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OrchError("E420", f"cannot write {path}: {reason(error)}") from None


def _opened_alone(path: Path, access: int) -> tuple[int, bool]:
    """The file to add to, with other writers kept out; False where there are no locks.

    Whoever waits for a file that is replaced meanwhile takes the new one.
    """
    while True:
        descriptor = os.open(path, access | os.O_APPEND | os.O_CREAT, 0o666)
        alone = locked(descriptor)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                return descriptor, alone
        os.close(descriptor)


def _add(path: Path, line: bytes) -> None:
    lines = path.suffix.lower() == ".jsonl"
    # While another process writes, its record can be read in part, as a line without an end.
    descriptor, alone = _opened_alone(path, os.O_RDWR if lines else os.O_WRONLY)
    try:
        if lines and _unfinished(descriptor):
            line = b"\n" + line
        _add_whole(descriptor, line, alone)
    finally:
        os.close(descriptor)


def _add_whole(descriptor: int, line: bytes, alone: bool) -> None:
    """The record or nothing: half of one would spoil the next."""
    before = os.fstat(descriptor).st_size
    rest = memoryview(line)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        if alone:
            with suppress(OSError):  # a device has no length
                os.ftruncate(descriptor, before)
        raise


def _unfinished(descriptor: int) -> bool:
    """Whether the last line has no newline."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def reason(error: OSError) -> str:
    """Why something could not be written, in words."""
    return REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()
