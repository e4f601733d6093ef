"""The Markdown file of a gate: what is shown, and the place where an answer can be written.

Whether an answer is accepted is for `question` to say; that one counts only once is left to the store.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

from orchestra.errors import OrchError
from orchestra.paths import STATE
from orchestra.runtime.files.replacing import replace_file

__all__ = ["Written", "answer_in", "command", "gate_path", "read_answer", "read_shown", "write_document"]

LONGEST: Final = 80  # characters of a name that become part of a file name
MARK: Final = "<!-- the answer stands below this line -->"
ANSWER: Final = re.compile(r"^answer:[ \t]*(.*?)(?:^note:[ \t]*(.*))?\Z", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote into the file."""

    words: str
    note: str | None


def gate_path(run: str, name: str, occurrence: int) -> str:
    """The file of a gate, from the project root. Names of runs and gates that no file can have are spelt out."""
    return f"{STATE}/gates/{_safe(run)}/{_safe(name)}-{occurrence}.md"


def _safe(name: str) -> str:
    text = quote(name, safe=" ", errors="replace").replace(".", "%2E") if set(name) == {"."} else quote(
        name, safe=" ", errors="replace"
    )  # fmt: skip
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}~{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    return text


def write_document(path: Path, title: str, shown: str, how: Sequence[str], note: str, written: Written | None) -> None:
    """Write the file. Raises E420.

    how:     lines on how to answer
    note:    what a note is for, or ""
    written: the answer, if there is one
    """
    answer = f" {written.words}" if written is not None else ""
    remark = f" {written.note}" if written is not None and written.note else ""
    told = [f"<!-- note: {note} -->"] if note else []
    lines = [f"# {title}", "", shown.rstrip("\n"), "", "---", "", *how, "", MARK, "", f"answer:{answer}"]
    text = "\n".join([*lines, *told, f"note:{remark}", ""])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, text.encode("utf-8", "replace"), None)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OrchError("E420", f"cannot write {path}: {reason}") from None


def read_answer(path: Path) -> Written | None:
    """What somebody wrote into the file; None if nothing, or if the file is gone or no longer in its form."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    _, mark, below = text.replace("\r\n", "\n").rpartition(MARK)
    found = ANSWER.search(re.sub(r"<!--.*?-->", "", below, flags=re.DOTALL)) if mark else None
    if found is None or not found[1].strip():
        return None
    return Written(found[1].strip(), (found[2] or "").strip() or None)


def answer_in(path: Path, written: Written) -> None:
    """Write an answer that was given elsewhere into the file, if that is still in its form."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        above, mark, _ = text.rpartition(MARK)
        if mark:
            below = f"\n\nanswer: {written.words}\nnote:{' ' + written.note if written.note else ''}\n"
            replace_file(path, (above + MARK + below).encode("utf-8", "replace"), None)
    except OSError:  # the row says what was decided, the file only repeats it
        return


def read_shown(path: Path) -> str:
    """What the file shows, without the place for the answer; empty if it is gone."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition("\n---\n")[0] or text


def command(run: str, name: str, words: str) -> str:
    """The command line that answers."""
    import shlex

    return f"orch gate answer {shlex.quote(run)} {shlex.quote(name)} {words}"
