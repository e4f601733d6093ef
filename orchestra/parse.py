"""A source as nodes: from the kept trees where nothing has changed, else through the parser.

The parser itself, with Lark, is `syntax`; it is loaded when something has to be parsed.
"""

from __future__ import annotations

from typing import Any

import orchestra.nodes.every  # noqa: F401  (its classes are what the parser builds)
from orchestra.depth import make_room
from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.placement import check_placement
from orchestra.nodes.script import Script
from orchestra.parse_cache import ParseCache
from orchestra.scan.documents import front_matter_end
from orchestra.scan.headers import read_header
from orchestra.source import Source

__all__ = ["parse_errors", "parse_script", "parse_template"]


def parse_script(source: Source, mode: str = "strict") -> Script:
    """The nodes of a script in mode `strict` or `markdown`. Raises the first syntax error."""
    make_room()
    cache = ParseCache(source, mode)
    made = cache.read()
    if made is None:
        made = _parsed_script(source, mode)
        cache.write(made)
    assert isinstance(made, Script)
    return made


def _parsed_script(source: Source, mode: str) -> Any:
    from orchestra.syntax import ScanInput, build

    header = read_header(source)
    request = ScanInput(source, mode, header.end)
    made = build(request, "script")
    made.header, made.marks = header.fields, request.marks
    check_placement(made)
    return made


def parse_template(source: Source, syntax: str) -> Node:
    """The nodes of a template file, syntax `att` or `mtt`."""
    make_room()
    cache = ParseCache(source, syntax)
    made = cache.read()
    if made is None:
        from orchestra.syntax import ScanInput, build

        made = build(ScanInput(source, syntax, 0), "text_body")
        cache.write(made)
    assert isinstance(made, Node)
    return made


def parse_errors(source: Source, mode: str = "strict", most: int = 20) -> list[OrchError]:
    """All independent syntax errors, found by starting again at the next line that begins with a directive."""
    from orchestra import hints
    from orchestra.syntax import ScanInput, build

    errors: list[OrchError] = []
    start = front_matter_end(source.text)
    while len(errors) < most:
        try:
            build(ScanInput(source, mode, start), "script")
            return errors
        except OrchError as error:
            errors.append(error)
            after = hints.next_directive(source.text, max(start, error.span.start if error.span else start))
            if after is None:
                return errors
            start = after
    return errors
