"""From bytes to text and from text to data, by file type.

Where the bytes come from, and what else is known about them, is up to the loader.
"""

from __future__ import annotations

import json
import re
from typing import Any

from orchestra.errors import OrchError
from orchestra.values.text import strict_json
from orchestra.values.tolerant_json import tolerant_json

__all__ = ["decode", "interpret", "markdown_of", "parse"]

HTML_SUFFIXES = frozenset({".html", ".htm"})
AS_TEXT = frozenset({".yaml", ".yml", ".toml", ".csv", ".att", ".mtt", ".mld"})

# The tolerant parser reads some 60,000 characters a second, so larger files have to be standard JSON.
MOST_TOLERATED = 250_000

_BOM = b"\xef\xbb\xbf"
_COULD_BE_VALUE = re.compile(r"""\s*(?:[{\[]|"(?!"")|'(?!'')|/[/*]|[+-]?\.?\d|(?:true|false)\s*$)""")


def decode(raw: bytes, name: str) -> str:
    """UTF-8 text without its byte-order mark, line ends untouched. E403 names the first bad byte."""
    shift = len(_BOM) if raw.startswith(_BOM) else 0
    try:
        return raw[shift:].decode("utf-8")
    except UnicodeDecodeError as error:
        at = error.start + shift
        raise OrchError(
            "E403",
            f"{name} is not text: byte {at} (0x{raw[at]:02x}) is not valid UTF-8",
            help="only UTF-8 text can be loaded; convert the file, or let a command read it",
        ) from None


def interpret(text: str, suffix: str, name: str) -> tuple[str, Any, dict[str, Any]]:
    """The text that is shown, its data, and facts that only this file type has: `html` of a page."""
    if suffix in HTML_SUFFIXES:
        markdown, _ = markdown_of(text, name)
        return markdown, markdown, {"html": text}
    return text, parse(text, suffix, name), {}


def parse(text: str, suffix: str, name: str) -> Any:
    """The data of a file: parsed for `.json` and `.jsonl`, and wherever the whole text is a JSON value.

    `suffix` is lower case with its dot. Raises E403 with line and column for bad `.json` and `.jsonl`.
    """
    if suffix == ".json":
        return _json(text, name)
    if suffix == ".jsonl":
        return _json_lines(text, name)
    if suffix in AS_TEXT or not _COULD_BE_VALUE.match(text):
        return text
    try:
        return _tolerant(text)
    except (ValueError, RecursionError):
        return text


def markdown_of(html: str, name: str) -> tuple[str, dict[str, str | None]]:
    """A page as Markdown with `#` headings, and its `title` and `description`. E403 for endless nesting."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    page = BeautifulSoup(html, "html.parser")
    about = {
        "title": page.title.get_text(strip=True) if page.title else None,
        "description": _description(page),
    }
    for unseen in page(["script", "style", "title"]):
        unseen.decompose()
    try:
        return str(MarkdownConverter(heading_style="ATX").convert_soup(page)).strip() + "\n", about
    except RecursionError:
        raise OrchError("E403", f"{name} is nested too deeply to become Markdown") from None


def _description(page: Any) -> str | None:
    element = page.find("meta", attrs={"name": "description"})
    return str(element["content"]) if element is not None and element.has_attr("content") else None


def _json(text: str, name: str) -> Any:
    try:
        return _tolerant(text)
    except (ValueError, RecursionError) as error:
        raise OrchError("E403", f"{name} is not valid JSON: {_reason(error)}") from None


def _json_lines(text: str, name: str) -> list[Any]:
    return [_json_line(line, number, name) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _json_line(line: str, number: int, name: str) -> Any:
    try:
        return strict_json(line)
    except (ValueError, RecursionError) as error:
        raise OrchError(
            "E403",
            f"line {number} of {name} is not valid JSON: {_reason(error)}",
            help="every non-empty line of a .jsonl file is one JSON value",
            details={"line": number},
        ) from None


def _tolerant(text: str) -> Any:
    return tolerant_json(text) if len(text) <= MOST_TOLERATED else strict_json(text)


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
    return f"{error.msg[:1].lower()}{error.msg[1:]} at {place}"
