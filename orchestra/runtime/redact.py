"""Takes secrets out of whatever is written down or shown about a model call.

Values that a script works with are left alone: what flows where is the business of labels and guards.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

__all__ = ["PieceByPiece", "Redactor", "is_secret_name"]

SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$|^ANTHROPIC_(?!.*(URL|MODEL)$)", re.IGNORECASE)
SHORTEST = 6  # shorter values would be found in the middle of ordinary words

# Shapes of well-known credentials, for those that never were in the environment.
SHAPES = {
    "api-key": re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"),
    "github-token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
    "aws-key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "slack-token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "private-key": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
}

# What one of these shapes begins with. Most texts hold nothing of the kind, and one look is enough to know.
SUSPECT = re.compile(r"sk-|gh[pousr]_|github_pat_|AKIA|ASIA|xox|-----BEGIN ")

# The end of a text in which one of the shapes may have begun: its first letters, or more of it than that.
BEGUN = re.compile(
    r"(?:\bs|\bsk|\bsk-[\w-]*|\bg|\bgh[pousr]?|\bgh[pousr]_\w*|\bgi[a-z]*|\bgithub_(?:p|pa|pat|pat_\w*)?"
    r"|\bA|\bA[KS]|\bAKI|\bASI|\b(?:AKIA|ASIA)[A-Z0-9]*|\bx|\bxo|\bxox[abprs]?|\bxox[abprs]-[\w-]*"
    r"|-{1,5}|-----[A-Z ]+(?:-{1,4})?|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END).)*(?:-----END[A-Z -]*)?)\Z",
    re.DOTALL,
)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds something to be kept from others."""
    return SECRET_NAME.search(name) is not None


class Redactor:
    """Knows the secrets of a run and replaces them by `[redacted:NAME]`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        for name, value in environment.items():
            if is_secret_name(name):
                self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Takes note of a secret, of its long lines, and of the forms in which it may be written."""
        if value in self._names:
            return
        for part in (value, *value.splitlines()):
            if len(part.strip()) >= SHORTEST:
                for form in _forms(part.strip()):
                    self._names.setdefault(form, name)
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def knows(self, text: str) -> bool:
        """Whether a known secret stands in a text; credentials that only look like some do not count."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def clean(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: f"[redacted:{self._names[match[0]]}]", text)
        if SUSPECT.search(text):
            for name, shape in SHAPES.items():
                text = shape.sub(f"[redacted:{name}]", text)
        return text

    def safe_length(self, text: str) -> int:
        """How much of a text can be cleaned now although more of it will come: no secret goes on behind it."""
        end = begun.start() if (begun := BEGUN.search(text)) else len(text)
        longest = max(map(len, self._names), default=1)
        for start in range(max(0, len(text) - longest + 1), end):
            if any(form.startswith(text[start:]) for form in self._names):
                end = start
                break
        patterns = [*SHAPES.values(), *([self._pattern] if self._pattern is not None else [])]
        while cut := next((m.start() for p in patterns for m in p.finditer(text) if m.start() < end < m.end()), None):
            end = cut
        return end

    def clean_data(self, value: Any) -> Any:
        """A copy of plain data with every text in it cleaned, keys included."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, list):
            return [self.clean_data(item) for item in value]
        if isinstance(value, dict):
            return {self.clean_data(key): self.clean_data(item) for key, item in value.items()}
        return value


class PieceByPiece:
    """Cleans a text that arrives in pieces; gives on what is clean for certain."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, piece: str) -> str:
        text = self._held + piece
        length = self._redactor.safe_length(text)
        self._held = text[length:]
        return self._redactor.clean(text[:length])

    def rest(self) -> str:
        """What was held back; nothing more comes."""
        text, self._held = self._held, ""
        return self._redactor.clean(text)


def _forms(secret: str) -> tuple[str, ...]:
    return secret, base64.b64encode(secret.encode()).decode(), quote(secret, safe="")
