"""The audit log: what models and their tools did, and what was denied, as lines of JSON that are only ever added.

What is worth a line is said by those who do it; here is how it gets to the disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from orchestra.errors import OrchError
from orchestra.runtime.redact import Redactor

__all__ = ["AuditLog"]

LONGEST = 2048  # characters of one argument


class AuditLog:
    """`.orch/sec/audit.jsonl`. `failed` is told once when it cannot be written; with `required` that ends the run."""

    def __init__(
        self,
        path: Path,
        redactor: Redactor,
        now: Callable[[], str],
        failed: Callable[[str], None],
        required: bool,
    ) -> None:
        self._path = path
        self._redactor = redactor
        self._now = now
        self._failed = failed
        self._required = required
        self._told = False

    def write(self, event: str, run: str | None, facts: Mapping[str, Any], id: str | None = None) -> str:
        """Append one line, with secrets taken out, and give its id. E806 if that fails and is required."""
        id = id or str(uuid4())
        record = {"id": id, "ts": self._now(), "run": run, "event": event, **_shortened(facts)}
        line = json.dumps(self._redactor.clean_data(record), ensure_ascii=False, default=str) + "\n"
        try:
            self._append(line.encode("utf-8", "surrogatepass"))
        except OSError as error:
            self._fail((error.strerror or "unknown reason").lower())
        return id

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)  # one call: lines of several processes do not mix
        finally:
            os.close(descriptor)

    def _fail(self, reason: str) -> None:
        message = f"the audit log cannot be written: {reason}"
        if self._required:
            raise OrchError("E806", message, fatal=True)
        if not self._told:
            self._told = True
            self._failed(message)


def _shortened(value: Any) -> Any:
    """Plain data with every long text cut."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shortened(item) for item in value]
    return value
