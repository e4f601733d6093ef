"""The tools Read, Write and Edit.

Which files they may be used on has been decided before; here is what they do and what the model is told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestra.runtime.tools.workspace import Refusal, Workspace

__all__ = ["edit_file", "read_file", "write_file"]

MOST_LINES = 2000
MOST_BYTES = 256 * 1024
MOST_PASSED = 16 * 1024 * 1024  # before the first line that is asked for
MOST_EDITED = 16 * 1024 * 1024


def read_file(workspace: Workspace, path: Path, input: dict[str, Any]) -> str:
    """Numbered lines from `offset` (from 1), at most `limit`, 2,000 or 256 KiB of them."""
    given, offset = input["file_path"], input.get("offset", 1)
    most = min(input.get("limit", MOST_LINES), MOST_LINES)
    lines: list[str] = []
    size = number = passed = 0
    with workspace.open_file(path, given) as handle:
        for number, raw in enumerate(iter(lambda: handle.readline(MOST_BYTES + 1), b""), 1):
            if b"\0" in raw:
                raise Refusal(f"{given} is not a text file")
            if number < offset:
                passed += len(raw)
                if passed > MOST_PASSED:
                    raise Refusal(f"line {offset} of {given} lies too far behind; look for it with Grep")
                continue
            size += len(raw)
            if len(lines) == most or size > MOST_BYTES:
                return _cut(lines, raw, number)
            lines.append(_numbered(number, raw))
    if lines:
        return "\n".join(lines)
    return "the file is empty" if number == 0 else f"the file has only {number} lines"


def _cut(lines: list[str], raw: bytes, number: int) -> str:
    if not lines:
        return _numbered(number, raw[:MOST_BYTES]) + "\n[the line goes on; search in it with Grep]"
    return "\n".join(lines) + f"\n[the file goes on; read more with offset {number}]"


def _numbered(number: int, raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    return f"{number:6}\t{text}"


def write_file(workspace: Workspace, path: Path, input: dict[str, Any]) -> str:
    """Replaces or creates the file whole."""
    given, data = input["file_path"], input["content"].encode("utf-8", "replace")
    workspace.write_file(path, given, data)
    return f"wrote {len(data)} bytes to {given}"


def edit_file(workspace: Workspace, path: Path, input: dict[str, Any]) -> str:
    """Replaces text that occurs exactly once, or every occurrence with `replace_all`."""
    given, old, new = input["file_path"], input["old_string"], input["new_string"]
    workspace.check_write(path, given)
    if not old or old == new:
        raise Refusal("old_string is empty" if not old else "old_string and new_string are the same")
    text = _editable(workspace, path, given)
    count = text.count(old)
    if count == 0:
        raise Refusal(f"old_string does not occur in {given}; it must match to the letter, spaces included")
    if count > 1 and not input.get("replace_all"):
        raise Refusal(f"old_string occurs {count} times in {given}; make it longer or set replace_all")
    workspace.write_file(path, given, text.replace(old, new).encode("utf-8", "replace"))
    return f"replaced {count} occurrence{'s' if count > 1 else ''} in {given}"


def _editable(workspace: Workspace, path: Path, given: str) -> str:
    with workspace.open_file(path, given) as handle:
        data = handle.read(MOST_EDITED + 1)
        if len(data) > MOST_EDITED:
            raise Refusal(f"{given} is larger than {MOST_EDITED >> 20} MiB, too large to be edited")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Refusal(f"{given} is not UTF-8 text") from None
