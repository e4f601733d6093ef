"""`@xml`: data as nested tags, a Markdown text as one tag per heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from orchestra.values.tagged import MISSING, Value, unwrap
from orchestra.values.text import structured, template_text
from orchestra.values.transformers.markdown import headings

__all__ = ["to_xml"]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAP = re.compile(r"\W+")


def to_xml(value: Value) -> str:
    """Tags without a declaration and without a final line end. Null is left out; text in data is escaped.

    An array stands in ROOT with each element in ITEM. A text is copied as it is, into one tag per heading or,
    if it has none, into DOCUMENT.
    """
    data = structured(value)
    if isinstance(data, dict):
        return "\n".join(_fields(data, ""))
    if isinstance(data, list):
        return "\n".join(_element("ROOT", data, ""))
    return _document(template_text(data))


def _fields(fields: dict[str, Value], indent: str) -> Iterator[str]:
    for key, item in fields.items():
        yield from _element(_tag_name(key), unwrap(item), indent)


def _element(name: str, data: Value, indent: str) -> Iterator[str]:
    if data is None or data is MISSING:
        return
    if not isinstance(data, (list, dict)) or not data:
        text = escape(template_text(data), quote=False) if not isinstance(data, (list, dict)) else ""
        yield f"{indent}<{name}>{text}</{name}>"
        return
    yield f"{indent}<{name}>"
    yield from _content(data, indent + "  ")
    yield f"{indent}</{name}>"


def _content(data: list[Value] | dict[str, Value], indent: str) -> Iterator[str]:
    if isinstance(data, dict):
        yield from _fields(data, indent)
        return
    for item in data:
        yield from _element("ITEM", unwrap(item), indent)


def _tag_name(words: str) -> str:
    """`dueDate` and `due-date` are DUE_DATE; a name that begins with a digit gets an underscore."""
    name = _GAP.sub("_", _HUMP.sub("_", words)).strip("_").upper() or "ITEM"
    return f"_{name}" if name[0].isdigit() else name


def _document(text: str) -> str:
    lines = text.split("\n")
    marks = headings(lines)
    if not marks:
        return f"<DOCUMENT>\n{text.strip()}\n</DOCUMENT>"
    return "\n".join(_sections(lines, marks))


def _sections(lines: list[str], marks: list[tuple[int, int, str]]) -> Iterator[str]:
    """`marks` are line, level, title of the headings; a section ends at the next of its level or above."""
    yield from _body(lines[: marks[0][0]])
    opened: list[tuple[int, str]] = []
    ends = [line for line, _, _ in marks[1:]] + [len(lines)]
    for (line, level, title), end in zip(marks, ends, strict=True):
        while opened and opened[-1][0] >= level:
            yield f"</{opened.pop()[1]}>"
        opened.append((level, _tag_name(title)))
        yield f"<{opened[-1][1]}>"
        yield from _body(lines[line + 1 : end])
    while opened:
        yield f"</{opened.pop()[1]}>"


def _body(lines: list[str]) -> list[str]:
    text = "\n".join(lines).strip("\n")
    return [text] if text.strip() else []
