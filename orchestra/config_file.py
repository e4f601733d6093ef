"""The text of a configuration file as tables, with the place of every key for messages.

Which keys there are and what they may hold is the business of `config`.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError, Warned
from orchestra.source import Source, Span

__all__ = ["LEGACY_FILE", "ConfigFile", "Legacy", "broken", "read_json", "read_legacy", "read_toml"]

LEGACY_FILE = "mlld-config.json"
HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
KEY = re.compile(r"""\s*["']?([^\s"'=]+)["']?\s*=""")


class ConfigFile:
    """A configuration file that was read: `tables` is its content as plain data."""

    __slots__ = ("source", "tables")

    def __init__(self, source: Source, tables: dict[str, Any]) -> None:
        self.source = source
        self.tables = tables

    def place(self, table: str, key: str | None = None) -> Span | None:
        """Where a key of a TOML table, or the table's own header, is written; None if in another form."""
        current, offset = "", 0
        for line in self.source.text.splitlines(keepends=True):
            header = HEADER.match(line)
            current = header[1] if header else current
            found = header if key is None else KEY.match(line)
            if found and current == table and found[1] == (key or table):
                return Span(self.source, offset + found.start(1), offset + found.end(1))
            offset += len(line)
        return None


def read_toml(path: Path) -> ConfigFile:
    """Raises OrchError E812 with line and column for a file that is not TOML."""
    source = _read(path)
    try:
        return ConfigFile(source, tomllib.loads(source.text))
    except tomllib.TOMLDecodeError as error:
        message, offset = _fault(str(error), source)
        raise broken(f"{path.name} is not valid TOML: {message}", Span(source, offset, offset + 1)) from None


def read_json(path: Path) -> ConfigFile:
    """Raises OrchError E812 with line and column for a file that is not a JSON object."""
    source = _read(path)
    try:
        tables = json.loads(source.text)
    except json.JSONDecodeError as error:
        place = Span(source, error.pos, error.pos + 1)
        raise broken(f"{path.name} is not valid JSON: {error.msg.lower()}", place) from None
    if not isinstance(tables, dict):
        raise broken(f"{path.name} must hold a JSON object", Span(source, 0, 1))
    return ConfigFile(source, tables)


# Keys of the other tool's file that mean what a key of ours means: (table, key) there → (table, key) here.
TAKEN_OVER = {
    ("", "scriptDir"): ("run", "scriptDir"),
    ("dev", "localModulesPath"): ("run", "modulesDir"),
    ("security", "allowedEnvVars"): ("security", "allowedEnvVars"),
    ("security", "allowAbsolutePaths"): ("security", "allowAbsolutePaths"),
    ("validate", "suppressWarnings"): ("check", "suppressWarnings"),
}


@dataclass(frozen=True, slots=True)
class Legacy:
    """What is taken over from a file of another tool: settings under our names, and the local prefixes."""

    tables: dict[str, dict[str, Any]]
    paths: dict[str, str]
    warnings: tuple[Warned, ...]


def read_legacy(file: ConfigFile) -> Legacy:
    paths: dict[str, str] = {}
    warnings: list[Warned] = []
    for entry in _prefixes(file.tables):
        match entry:
            case {"prefix": str(prefix), "resolver": "LOCAL", "config": {"basePath": str(folder)}}:
                paths[prefix] = folder
            case _:
                shown = json.dumps(entry.get("prefix", entry) if isinstance(entry, dict) else entry)
                warnings.append(Warned("E812", f"{LEGACY_FILE}: prefix {shown} is not a local folder and is not read"))
    tables: dict[str, dict[str, Any]] = {}
    for (table, key), (own, name) in TAKEN_OVER.items():
        written = file.tables.get(table) if table else file.tables
        if isinstance(written, dict) and key in written:
            tables.setdefault(own, {})[name] = written[key]
    return Legacy(tables, paths, tuple(warnings))


def _prefixes(tables: dict[str, Any]) -> list[Any]:
    """The entries for prefixes, where they stand now and where they used to stand."""
    resolvers = tables.get("resolvers")
    now = resolvers.get("prefixes") if isinstance(resolvers, dict) else None
    before = tables.get("resolverPrefixes")
    return [entry for entries in (before, now) if isinstance(entries, list) for entry in entries]


def broken(message: str, span: Span | None, help: str | None = None) -> OrchError:
    return OrchError("E812", message, span, help=help, exit=2)


def _read(path: Path) -> Source:
    try:
        return Source(path.name, path.read_text(encoding="utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise broken(f"{path.name} is not UTF-8 text (byte {error.start})", None) from None
    except OSError as error:
        raise broken(f"{path.name} cannot be read: {error.strerror}", None) from None


def _fault(message: str, source: Source) -> tuple[str, int]:
    """What `tomllib` found wrong without the place, and the place as an offset."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    message = message[:1].lower() + message[1:]
    if match is None:
        return message.removesuffix(" (at end of document)"), len(source.text.rstrip("\n"))
    lines = source.text.splitlines(keepends=True)
    return message[: match.end(1)], sum(map(len, lines[: int(match[2]) - 1])) + int(match[3]) - 1
