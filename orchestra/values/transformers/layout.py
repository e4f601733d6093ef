"""Transformers into another notation: CSV, XML, Markdown. What each looks like is said in its own module."""

from __future__ import annotations

from orchestra.values.builtin import Builtin, table
from orchestra.values.tagged import Value
from orchestra.values.transformers.markdown import normalise
from orchestra.values.transformers.sheets import to_csv
from orchestra.values.transformers.tags import to_xml

__all__ = ["LAYOUT"]


def _markdown(value: Value) -> Value:
    return normalise(value) if isinstance(value, str) else value


LAYOUT = table(
    Builtin("csv", "objects or a Markdown table as CSV", '[{"a": 1, "b": 2}] | @csv', "a,b\n1,2", to_csv),
    Builtin(
        "xml",
        "data or Markdown headings as tags",
        '{"dueDate": "May"} | @xml',
        "<DUE_DATE>May</DUE_DATE>",
        to_xml,
    ),
    Builtin(
        "md",
        "Markdown with one blank line where blank lines belong",
        '"# A\\nb" | @md',
        "# A\n\nb\n",
        _markdown,
    ),
)
