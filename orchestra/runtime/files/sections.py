"""Sections of Markdown text: finding them by heading, taking some away, giving one a new heading.

Headings in code fences and in front matter are no headings. Reading the wish is the business of `selectors`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestra.errors import OrchError, nearest
from orchestra.runtime.files.facts import TextFacts
from orchestra.runtime.files.selectors import SectionName, Sections
from orchestra.values.tagged import Meta, Tagged, Value, meta_of

__all__ = ["pick", "rename_heading", "titles"]

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\r?$")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")


@dataclass(frozen=True, slots=True)
class Section:
    """Lines `start` to `end` (exclusive, from 0) below a heading, which is the first of them."""

    title: str
    level: int
    start: int
    end: int


def titles(text: str, level: int | None = None) -> list[str]:
    """The titles of all headings in order, or of those of one level."""
    return [section.title for section in _sections(text) if level in (None, section.level)]


def pick(text: str, wanted: Sections, name: str) -> tuple[str, list[str]]:
    """The wanted sections joined by blank lines, and their titles. E404 for a missing one names the file."""
    sections = _sections(text)
    found = _outermost([s for s in (_find(sections, n, name) for n in wanted.include) if s is not None])
    without = [s for s in (_first(sections, n.title) for n in wanted.exclude) if s is not None]
    lines = text.split("\n")
    pieces = [piece for section in found for piece in _pieces(lines, section, without)]
    return "\n\n".join(pieces), [section.title for section in found]


def rename_heading(section: Value, title: str) -> Value:
    """A loaded section below another heading; a title that begins with `#` says the level too.

    Raises E405 when `section` is anything but one section.
    """
    facts = meta_of(section).facts
    if not isinstance(facts, TextFacts) or "sections" not in facts.own or len(facts.own["sections"]) > 1:
        raise OrchError("E405", "only a single section can get a new heading", help='<guide.md # Usage> as "How"')
    if not facts.text:  # an optional section that is missing
        return section
    heading, newline, body = facts.text.partition("\n")
    marks = heading.split(maxsplit=1)[0]
    text = (title if title.startswith("#") else f"{marks} {title}") + newline + body
    meta = section.meta
    renamed = facts.of_piece(text, {"sections": [title.lstrip("#").strip()]})
    return Tagged(text, Meta(meta.labels, meta.taint, meta.sources, None, renamed))


def _find(sections: Sequence[Section], wanted: SectionName, name: str) -> Section | None:
    found = _first(sections, wanted.title)
    if found is None and not wanted.optional:
        known = [section.title for section in sections]
        meant = nearest(wanted.title, known)
        raise OrchError(
            "E404",
            f'{name} has no section "{wanted.title}"',
            help=f'did you mean "{meant}"?' if meant else _listed(known),
        )
    return found


def _listed(known: Sequence[str]) -> str:
    if not known:
        return "the file has no headings"
    return "its sections are " + ", ".join(known[:8]) + (" …" if len(known) > 8 else "")


def _first(sections: Sequence[Section], title: str) -> Section | None:
    wanted = _normalised(title)
    if not wanted:  # a title without Latin letters and digits: compared as it is written
        return next((s for s in sections if s.title.casefold().startswith(title.strip().casefold())), None)
    return next((s for s in sections if _normalised(s.title).startswith(wanted)), None)


def _normalised(title: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", title).lower())


def _outermost(found: Sequence[Section]) -> list[Section]:
    """In document order, without those that lie inside another (sections nest or lie apart)."""
    kept: list[Section] = []
    for section in sorted(set(found), key=lambda s: (s.start, -s.end)):
        if not kept or section.start >= kept[-1].end:
            kept.append(section)
    return kept


def _pieces(lines: Sequence[str], section: Section, without: Sequence[Section]) -> Iterator[str]:
    start = section.start
    for hole in sorted(without, key=lambda s: s.start):
        if hole.start < section.end and hole.end > start:
            yield from _piece(lines[start : max(start, hole.start)])
            start = hole.end
    yield from _piece(lines[start : section.end])


def _piece(lines: Sequence[str]) -> Iterator[str]:
    text = "\n".join(lines).strip()
    if text:
        yield text


def _sections(text: str) -> list[Section]:
    """All sections in document order. Walked backwards, so that where each level begins next is known."""
    ends = [text.count("\n") + 1] * 7
    found: list[Section] = []
    for line, level, title in reversed(list(_headings(text))):
        found.append(Section(title, level, line, min(ends[: level + 1])))
        ends[level] = line
    return found[::-1]


def _headings(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, level and title of every heading."""
    fence = ""
    lines = text.split("\n")
    for number in range(_body_start(lines), len(lines)):
        line = lines[number]
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark[1].startswith(fence) and not mark[2].strip()
            fence = "" if closes else fence
        elif mark:
            fence = mark[1]
        elif (heading := _HEADING.match(line)) and heading[2]:
            yield number, len(heading[1]), heading[2].strip()


def _body_start(lines: Sequence[str]) -> int:
    if lines[0].rstrip() != "---":
        return 0
    return next((n + 1 for n, line in enumerate(lines) if n and line.rstrip() == "---"), 0)
