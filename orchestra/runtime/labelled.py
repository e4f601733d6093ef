"""One labelled call while it is looked up and made: its key, and what it turns out to depend on.

When it is made, served and stored is decided in `memo`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestra.nodes.op import Op
from orchestra.runtime.redact import Redactor
from orchestra.store import Key, Reason, WrittenFile
from orchestra.store.keys import canonical
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Context
from orchestra.values.tagged import MISSING, meta_of, plain, unwrap
from orchestra.values.text import compact_json

if TYPE_CHECKING:
    from orchestra.runtime.reusing import Reusing

__all__ = ["MODEL", "MemoFrame", "attempts", "holds_secret", "is_result", "shown_parts"]

MODEL = "model://"  # begins the name of a dependency that is no file; no path has two slashes in a row


@dataclass(slots=True)
class MemoFrame:
    """A labelled call. Paths are kept as the project knows them, so that a project may be moved.

    key:      None for a call that is neither looked up nor stored
    validity: part of the code → its hash
    seq:      number of this call among those of its function in this execution
    reason:   why an answer that is stored was not served
    claimed:  no other process makes this call meanwhile
    stale:    an answer was found, made by older code or from other files
    fleeting: why its result must not be stored: the last model call in it failed, or was not to be cached
    anew:     it failed in this execution: its requests are made anew
    requests: those that its body makes of models, from the first one on
    """

    op: Op
    root: Path
    key: Key | None = None
    validity: Mapping[str, str] = field(default_factory=dict)
    seq: int = 0
    reason: Reason | None = None
    claimed: bool = False
    stale: bool = False
    fleeting: Literal["failed", "uncached"] | None = None
    anew: bool = False
    requests: Reusing | None = None
    dependencies: dict[str, str] = field(default_factory=dict)
    files: dict[str, WrittenFile] = field(default_factory=dict)

    def loaded(self, path: Path, digest: str) -> None:
        """Note a file that the call read."""
        self.dependencies[self._name(path)] = digest

    def asked(self, model: str, provider: str | None, resolved: str) -> None:
        """Note which model was asked for and which one answered."""
        self.dependencies[f"{MODEL}{provider or ''}|{model}"] = resolved

    def wrote(self, path: Path, mode: str) -> None:
        """Note a file that the call wrote; the last version counts."""
        name = self._name(path)
        try:
            self.files[name] = WrittenFile(name, mode, path.read_bytes())
        except OSError:  # gone already: nothing to restore
            self.files.pop(name, None)

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self.root) if path.is_relative_to(self.root) else str(path)


def attempts(context: Context) -> tuple[tuple[int, str], ...]:
    """Try number and digest of the hint of each retry around it, outermost first, then that of refused answers."""
    refused = (context.more or {}).get("refused answers", 0)
    found = [(refused, "refused")] if refused else []
    stage = context.stage
    while stage is not None:
        if stage.attempt > 1:
            found.append((stage.attempt, hashlib.sha256(canonical(stage.hint).encode()).hexdigest()[:16]))
        stage = stage.outer
    return tuple(reversed(found))


def is_result(value: Any) -> bool:
    """Whether a value may be kept: no null, no blank text, no failed item, no output of a failed command."""
    data = unwrap(value)
    if data is None or data is MISSING or (isinstance(data, str) and not data.strip()):
        return False
    return not (meta_of(value).facts or {}).get("exitCode") and not _holds_failure(plain(value))


def _holds_failure(data: Any) -> bool:
    if isinstance(data, ErrorItem):
        return True
    if isinstance(data, list):
        return any(_holds_failure(item) for item in data)
    return isinstance(data, dict) and any(_holds_failure(item) for item in data.values())


def holds_secret(frame: MemoFrame, value: Any, redactor: Redactor) -> bool:
    """Whether a known secret stands in the arguments, the result or a file of the call."""
    texts = [compact_json(value), *(file.content.decode("utf-8", "replace") for file in frame.files.values())]
    if frame.key is not None:
        texts.append(frame.key.args)
    return any(redactor.clean(text) != text for text in texts)


def shown_parts(changed: Sequence[str]) -> str:
    """The names of changed parts as a person reads them."""
    shown = []
    for part in changed:
        kind, _, name = part.partition(":")
        if kind == "file" and name.startswith(MODEL):
            shown.append("another model answers")
        else:
            shown.append(f"{name} changed" if kind == "file" else f"{kind} {name} changed")
    return ", ".join(shown)
