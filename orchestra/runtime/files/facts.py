"""What is known about a loaded text besides its data: the fields of `.mx`, worked out when asked for.

Labels and provenance are not facts; they travel in the value's own tag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any, ClassVar

from orchestra.errors import OrchError
from orchestra.location import relative_name
from orchestra.values.tagged import unwrap

__all__ = ["FileFacts", "TextFacts", "as_json", "front_matter"]

# Characters per token, by file type; 4 for everything else.
CODE = frozenset(
    {
        ".c",
        ".cc",
        ".cpp",
        ".cs",
        ".go",
        ".h",
        ".hpp",
        ".java",
        ".js",
        ".jsx",
        ".kt",
        ".mjs",
        ".php",
        ".py",
        ".pyi",
        ".rb",
        ".rs",
        ".sh",
        ".sol",
        ".swift",
        ".ts",
        ".tsx",
    }
)
MARKUP = frozenset({".htm", ".html", ".json", ".jsonl", ".toml", ".xml", ".yaml", ".yml"})

# Fields as large as the text itself, which a store has elsewhere.
HEAVY = frozenset({"text", "data", "fm", "html", "md", "keys", "values", "entries", "diff"})

_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|$)", re.DOTALL | re.MULTILINE)


class TextFacts(Mapping[str, Any]):
    """Facts of any text: `whole` is the document it was taken from, `own` what only this text has."""

    __slots__ = ("data", "own", "suffix", "text", "whole")

    FIELDS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "text": lambda facts: facts.text,
        "data": lambda facts: facts.data,
        "fm": lambda facts: front_matter(facts.whole, facts.name),
        "length": lambda facts: len(facts.text),
        "tokest": lambda facts: tokens(facts.text, facts.suffix),
        "tokens": lambda facts: tokens(facts.text, facts.suffix),
        "keys": lambda facts: _of_object(facts.data, list),
        "values": lambda facts: _of_object(facts.data, lambda data: list(data.values())),
        "entries": lambda facts: _of_object(facts.data, lambda data: [[key, data[key]] for key in data]),
    }

    def __init__(
        self,
        text: str,
        data: Any,
        suffix: str,
        whole: str | None = None,
        own: Mapping[str, Any] | None = None,
    ) -> None:
        self.text = text
        self.data = data
        self.suffix = suffix
        self.whole = text if whole is None else whole
        self.own = own or {}

    @property
    def name(self) -> str:
        """What messages call the text."""
        return str(self.own.get("url", "the text"))

    def __getitem__(self, name: str) -> Any:
        return self.own[name] if name in self.own else self.FIELDS[name](self)

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (name for name in self.FIELDS if name not in self.own)

    def __len__(self) -> int:
        return len(self.own.keys() | self.FIELDS.keys())

    def of_piece(self, text: str, own: Mapping[str, Any]) -> TextFacts:
        """The facts of a part of the same document."""
        return TextFacts(text, text, self.suffix, self.whole, {**self.own, **own})

    def as_data(self) -> dict[str, Any]:
        """The small facts as JSON data, for a store that keeps text and data itself."""
        return {name: self[name] for name in self if name not in HEAVY}


class FileFacts(TextFacts):
    """Facts of a file, or of a part of it. `path` and `root` are absolute."""

    __slots__ = ("path", "root")

    FIELDS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "filename": lambda facts: facts.path.name,
        "relative": lambda facts: relative_name(facts.path, facts.root),
        "absolute": lambda facts: str(facts.path),
        "path": lambda facts: str(facts.path),
        "dirname": lambda facts: facts.path.parent.name,
        "relativeDir": lambda facts: relative_name(facts.path.parent, facts.root),
        "absoluteDir": lambda facts: str(facts.path.parent),
        **TextFacts.FIELDS,
    }

    def __init__(
        self,
        path: Path,
        root: Path,
        text: str,
        data: Any,
        whole: str | None = None,
        own: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(text, data, path.suffix.lower(), whole, own)
        self.path = path
        self.root = root

    @property
    def name(self) -> str:
        return relative_name(self.path, self.root)

    def of_piece(self, text: str, own: Mapping[str, Any]) -> FileFacts:
        return FileFacts(self.path, self.root, text, text, self.whole, {**self.own, **own})


def tokens(text: str, suffix: str) -> int:
    """An estimate, rounded up; no tokeniser is asked."""
    per_token = 3 if suffix in CODE else 5 if suffix in MARKUP else 4
    return -(-len(text) // per_token)


def front_matter(text: str, name: str) -> dict[str, Any] | None:
    """The YAML object between `---` lines at the very start, as JSON data, or None. E403 for broken YAML."""
    found = _FRONT.match(text)
    if found is None:
        return None
    import yaml

    try:
        data = yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        reason = str(getattr(error, "problem", None) or "unreadable")
        raise OrchError("E403", f"the front matter of {name} is not valid YAML: {reason}") from None
    return {str(key): as_json(item) for key, item in data.items()} if isinstance(data, dict) else None


def as_json(value: Any) -> Any:
    """YAML knows more types than JSON: dates become ISO text, sets lists, keys text, the rest its text.

    Raises RecursionError for data that holds itself.
    """
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, set, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def _of_object(data: Any, take: Callable[[dict[str, Any]], Any]) -> Any:
    data = unwrap(data)
    return take(data) if isinstance(data, dict) else None
