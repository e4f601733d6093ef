"""`with { format: … }`: a text that says what it is, so that `.data` gives what it means and `.text` what it was.

JSON is data at once; the other forms stay text until `.data` is read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any, Final
from xml.etree import ElementTree

from orchestra.errors import OrchError
from orchestra.source import Span
from orchestra.values.tagged import meta_of, unwrap, with_facts
from orchestra.values.text import auto_parse, template_text

__all__ = ["part_of", "presented"]


def presented(value: Any, form: Any, span: Span) -> Any:
    """The value in the form that it is declared to have. E206 for an unknown form."""
    if form not in READERS:
        raise OrchError("E206", f"{form!s} is no format", span, help=f"one of {', '.join(READERS)}")
    text = template_text(value)
    data = READERS[form](text)
    shown = data if form == "json" else value if isinstance(unwrap(value), str) else text
    return with_facts(shown, {**(meta_of(value).facts or {}), "presented": {"data": unwrap(data), "text": text}})


def part_of(base: Any, name: str) -> tuple[Any] | None:
    """`.data` or `.text` of a value with a declared form, in a tuple; None where the name means something else."""
    parts = (meta_of(base).facts or {}).get("presented")
    data = unwrap(base)
    if not parts or name not in parts or (isinstance(data, dict) and name in data):
        return None
    return (parts[name],)


def _rows(text: str) -> list[dict[str, str]]:
    """CSV with a header, one object for each line."""
    lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    return [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]


def _elements(text: str) -> Any:
    """XML as nested objects; text that is no XML as it is."""
    try:
        return _content(ElementTree.fromstring(f"<all>{text}</all>"))
    except ElementTree.ParseError:
        return text


def _content(element: ElementTree.Element) -> Any:
    if not len(element):
        return (element.text or "").strip()
    made: dict[str, Any] = {}
    for child in element:
        content = _content(child)
        if child.tag in made:
            earlier = made[child.tag]
            made[child.tag] = [*earlier, content] if isinstance(earlier, list) else [earlier, content]
        else:
            made[child.tag] = content
    return made


READERS: Final[dict[str, Callable[[str], Any]]] = {
    "json": auto_parse,
    "csv": _rows,
    "xml": _elements,
    "text": lambda text: text,
}
