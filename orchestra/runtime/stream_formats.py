"""What is worth showing of a command that prints one JSON object a line: `streamFormat` of `with`.

Lines that are no JSON are shown as they are. The value of the command is not changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestra.errors import OrchError, nearest

__all__ = ["FORMATS", "stream_format"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """Lines whose field `path` has one of `values` (any, if there are none) are shown by the first of `texts`.

    whole: what is shown is not a piece of a text but all of it
    """

    path: str
    values: tuple[str, ...]
    texts: tuple[str, ...]
    whole: bool = False


PLAIN: Final = ("text", "delta.text", "delta", "chunk", "content", "message.content", "message")

CLAUDE: Final = (
    Rule("type", ("assistant",), ("message.content.text",), whole=True),
    Rule("type", ("stream_event",), ("event.delta.text",)),
    Rule("type", ("text", "message", "content_block_delta"), ("text", "delta.text", "content")),
    Rule("type", ("error",), ("error.message", "error", "message"), whole=True),
)

FORMATS: Final[Mapping[str, Sequence[Rule]]] = {
    "ndjson": (Rule("type", (), PLAIN),),
    "claude-code": CLAUDE,
    "claude-agent-sdk": CLAUDE,
}


def stream_format(given: Any, say: Say) -> _Reader:
    """Takes what a command prints and says what is to be shown. Raises E206 for something that is no format."""
    if isinstance(given, str):
        if given not in FORMATS:
            meant = nearest(given, set(FORMATS))
            help = f'did you mean "{meant}"?' if meant else f"formats are {', '.join(FORMATS)}"
            raise OrchError("E206", f'there is no streamFormat "{given}"', help=help)
        return _Reader(FORMATS[given], say)
    return _Reader(_own(given), say)


def _own(given: Any) -> list[Rule]:
    """An object `{ schemas: [{ matchPath, matchValue, extract: { chunk } }], … }` as rules."""
    schemas = given.get("schemas") if isinstance(given, dict) else None
    if not isinstance(schemas, list) or not all(isinstance(schema, dict) for schema in schemas):
        help = 'schemas: [{ matchPath: "type", matchValue: "text", extract: { chunk: "text" } }]'
        raise OrchError("E206", "streamFormat must be a name or an object with schemas", help=help)
    default = given.get("defaultSchema")
    shown = [schema for schema in schemas if schema.get("visibility") != "hidden"]
    rules = [_rule(schema) for schema in shown]
    return [*rules, Rule("type", (), _rule(default).texts)] if isinstance(default, dict) else rules


def _rule(schema: dict[str, Any]) -> Rule:
    extract = schema.get("extract")
    fields = list(extract.values()) if isinstance(extract, dict) else []
    texts = [path for field in fields for path in (field if isinstance(field, list) else [field])]
    value = schema.get("matchValue")
    values = value if isinstance(value, list) else [] if value is None else [value]
    return Rule(str(schema.get("matchPath", "type")), tuple(map(str, values)), tuple(map(str, texts)))


class _Reader:
    """Cuts output into lines and says what the rules find in them."""

    def __init__(self, rules: Sequence[Rule], say: Say) -> None:
        self._rules = rules
        self._say = say
        self._begun = ""

    def feed(self, text: str) -> None:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._line(line)

    def close(self) -> None:
        if self._begun:
            self._line(self._begun)

    def _line(self, line: str) -> None:
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            if line.strip():
                self._say(line + "\n")
            return
        if shown := _shown(data, self._rules):
            self._say(shown)


def _shown(data: dict[str, Any], rules: Sequence[Rule]) -> str:
    for rule in rules:
        if not rule.values or any(str(value) in rule.values for value in _at(data, rule.path.split("."))):
            found = ("".join(_texts(data, path)) for path in rule.texts)
            text = next((text for text in found if text), "")
            return text + "\n" if rule.whole and text and not text.endswith("\n") else text
    return ""


def _texts(data: Any, path: str) -> Iterator[str]:
    return (value for value in _at(data, path.split(".")) if isinstance(value, str))


def _at(data: Any, path: list[str]) -> Iterator[Any]:
    """What stands under a path, in each item where it leads through a list."""
    if isinstance(data, list):
        for item in data:
            yield from _at(item, path)
    elif not path:
        yield data
    elif isinstance(data, dict) and path[0].removesuffix("[]") in data:
        yield from _at(data[path[0].removesuffix("[]")], path[1:])
