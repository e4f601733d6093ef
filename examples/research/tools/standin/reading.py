"""How the stand-in reads: which points a question has, and which figures a document states about them.

A statement is a sentence that holds every term of a point and a figure in the point's unit. The stand-in
understands nothing else, and nothing that is said without a figure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from standin.protocol import NotUnderstood, section

SCALES = {"thousand": 1e3, "million": 1e6}
UNITS = {"GWh": ("MWh", 1e3), "kWh": ("MWh", 1e-3), "percent": ("%", 1.0)}
TOLERANCE = 0.01  # figures that differ by less say the same

_POINT = re.compile(r"^- (\w+) \[([^\]]+)\]: (.+)$", re.MULTILINE)
_FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
_FIGURE = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*(thousand|million)?\s*(%|[A-Za-z]+)")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"])")
_MEASURED = re.compile(r"\b(measured|metered|counted|registered|invoiced|survey)\b", re.IGNORECASE)
_REPORTED = re.compile(r"\b(according to|say|says|said|told|heard)\b", re.IGNORECASE)


class Point(NamedTuple):
    """A thing to be found out. `terms` are the words by which a statement about it is recognised."""

    name: str
    unit: str
    ask: str
    terms: tuple[str, ...]

    def touches(self, sentence: str) -> bool:
        return all(re.search(rf"\b{stem(term)}", sentence, re.IGNORECASE) for term in self.terms)


class Statement(NamedTuple):
    """A figure that a document states: where, how it is known, and the words.

    `statement` is the whole sentence in one line, `line` and `quote` are the line that holds the figure.
    """

    topic: str
    value: float
    unit: str
    year: int | None
    support: str  # measured, reported or asserted
    statement: str
    file: str
    line: int
    quote: str
    date: str

    def agrees(self, other: Statement) -> bool:
        return abs(self.value - other.value) <= TOLERANCE * max(abs(self.value), abs(other.value))

    def same_matter(self, topic: str, year: int | None) -> bool:
        return self.topic == topic and (self.year == year or None in (self.year, year))


def stem(term: str) -> str:
    """What the forms of a word have in common, as far as rules of thumb go."""
    return re.escape(term[: max(4, len(term) - 3)])


def points(prompt: str) -> list[Point]:
    """The points of the question in a prompt. Raises NotUnderstood if there are none."""
    text = section(prompt, "question") or ""
    found = [
        Point(name, unit, ask.replace("**", ""), tuple(re.findall(r"\*\*(.+?)\*\*", ask)))
        for name, unit, ask in _POINT.findall(text)
    ]
    if not found:
        raise NotUnderstood("the question has no points: expected lines such as - cost [euros]: What did it **cost**?")
    return found


def place(prompt: str) -> str:
    """The place that the question is about: documents that do not name it are about something else."""
    found = re.search(r"^place: (.+)$", section(prompt, "question") or "", re.MULTILINE)
    return found[1].strip() if found else ""


def data(prompt: str, tag: str) -> Any:
    """The JSON between two tags; null if there is none. Raises NotUnderstood if it is none."""
    text = (section(prompt, tag) or "").strip()
    try:
        return json.loads(text) if text else None
    except ValueError as error:
        raise NotUnderstood(f"<{tag}> does not hold JSON: {error}") from None


def front_matter(text: str) -> dict[str, str]:
    head = _FRONT.match(text)
    pairs = (line.partition(":") for line in head[1].splitlines()) if head else ()
    return {key.strip(): value.strip() for key, _, value in pairs}


def statements(path: str, text: str, wanted: list[Point]) -> list[Statement]:
    """Every figure that a document states about one of the points, in the order of the text."""
    date = front_matter(text).get("date", "")
    return [
        found
        for line, sentence in _sentences(text)
        for point in wanted
        if point.touches(sentence)
        for found in _figures(point, path, line, sentence, date)
    ]


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Sentences with the line they begin on; headings, tables and the front matter hold none."""
    head = _FRONT.match(text)
    skipped = head[0].count("\n") if head else 0
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if number > skipped and line.strip() and not line.startswith(("#", "|")):
            block.append((number, line))
        elif block:
            yield from _split(block)
            block = []


def _split(block: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    whole = "\n".join(line for _, line in block)
    begin = 0
    for end in [*(found.start() for found in _END.finditer(whole)), len(whole)]:
        sentence = whole[begin:end]
        first = begin + len(sentence) - len(sentence.lstrip())
        yield block[0][0] + whole.count("\n", 0, first), sentence.strip()
        begin = end


def _figures(point: Point, path: str, line: int, sentence: str, date: str) -> Iterator[Statement]:
    """The figures in the point's unit. Of several for one year the first is meant, the others are its rest."""
    seen: set[int | None] = set()
    for found in _FIGURE.finditer(sentence):
        unit, factor = UNITS.get(found[3], (found[3], 1.0))
        year = _year(sentence, found.start())
        if unit != point.unit or year in seen:
            continue
        seen.add(year)
        value = float(found[1].replace(",", "")) * SCALES.get(found[2] or "", 1.0) * factor
        row = sentence.count("\n", 0, found.start())
        quote, shown = sentence.splitlines()[row].strip(), " ".join(sentence.split())
        yield Statement(point.name, value, unit, year, _support(sentence), shown, path, line + row, quote, date)


def _year(sentence: str, position: int) -> int | None:
    """The year that stands nearest to a position."""
    near = min(_YEAR.finditer(sentence), key=lambda year: abs(year.start() - position), default=None)
    return int(near[0]) if near else None


def _support(sentence: str) -> str:
    if _MEASURED.search(sentence):
        return "measured"
    return "reported" if _REPORTED.search(sentence) else "asserted"


def show(value: float) -> str:
    return f"{value:,.10g}" if value >= 1000 else f"{value:g}"
