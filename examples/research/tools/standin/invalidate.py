"""Attacks one claim: goes back to the documents, all of them, and looks for what speaks against it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from standin.dialogue import Answer, Call, Result, Talk, grep, matching_lines, read_files
from standin.protocol import NotUnderstood
from standin.reading import Point, Statement, data, place, points, show, statements, stem

Claim = dict[str, Any]


def invalidate(prompt: str) -> Talk:
    """Search the library for the terms of the claim's point, read what turns up, compare."""
    claim = data(prompt, "claim")
    if not isinstance(claim, dict):
        raise NotUnderstood("the prompt holds no claim: expected JSON between <claim> and </claim>")
    point = next((one for one in points(prompt) if one.name == claim["topic"]), None)
    if point is None:
        return Answer(_verdict("unsupported", f"the question has no point {claim['topic']}", []), "No such point.")
    texts = yield from _texts(claim, point)
    found = [one for file, text in texts.items() if place(prompt) in text for one in statements(file, text, [point])]
    document = _judged(claim, texts, [one for one in found if one.same_matter(claim["topic"], claim["year"])])
    return Answer(document, f"{claim['id']}: {document['verdict']}.")


def _texts(claim: Claim, point: Point) -> Generator[Sequence[Call], list[Result], dict[str, str]]:
    """The cited documents, and all that hold a term of the point."""
    (hits,) = yield [grep(rf"(?i)\b({'|'.join(stem(term) for term in point.terms)})", ".", "*.md")]
    cited = {one["file"] for one in [*claim["evidence"], *claim["dissent"]]}
    return (yield from read_files(sorted(cited | {line.file for line in matching_lines(hits)})))


def _judged(claim: Claim, texts: dict[str, str], found: list[Statement]) -> dict[str, object]:
    for one in [*claim["evidence"], *claim["dissent"]]:
        if one["quote"] not in texts[one["file"]]:
            return _verdict("misquoted", f"{one['file']} does not say: {one['quote']}", [])
    cited = {one["file"] for one in claim["evidence"]}
    own = [one for one in found if one.file in cited]
    if claim["kind"] == "disputed":
        return _disputed(own, found)
    agreeing = [one for one in found if _says(one, claim["value"])]
    if not any(one.file in cited for one in agreeing):
        return _verdict("misquoted", "the cited documents do not state this figure", own)
    against = [one for one in found if one not in agreeing and not _answered(one, claim, agreeing)]
    if against:
        said = ", ".join(f"{show(one.value)} {one.unit} in {one.file}" for one in against)
        return _verdict("contradicted", f"other documents say otherwise: {said}", against)
    if not any(one.support == "measured" for one in agreeing):
        return _verdict("unsupported", "no document says how the figure is known", agreeing)
    return _verdict("confirmed", "measured, and no measurement speaks against it", agreeing)


def _says(one: Statement, value: float) -> bool:
    return one.agrees(one._replace(value=value))


def _answered(one: Statement, claim: Claim, agreeing: list[Statement]) -> bool:
    """Whether the claim names what speaks against it, and has better reasons."""
    named = any((one.file, one.line) == (each["file"], each["line"]) for each in claim["dissent"])
    measured = any(each.support == "measured" for each in agreeing)
    return named and measured and one.support != "measured"


def _disputed(own: list[Statement], found: list[Statement]) -> dict[str, object]:
    """A dispute stands if measurements do differ, and all of them are named."""
    measured = [one for one in found if one.support == "measured"]
    silent = [one for one in measured if one not in own]
    if silent:
        return _verdict("contradicted", "a measurement is not mentioned", silent)
    if all(one.agrees(measured[0]) for one in measured):
        return _verdict("contradicted", "the measurements agree", measured)
    return _verdict("confirmed", "the measurements do differ", measured)


def _verdict(verdict: str, reason: str, shown: list[Statement]) -> dict[str, object]:
    evidence = [{"file": one.file, "line": one.line, "quote": one.quote, "support": one.support} for one in shown]
    return {"verdict": verdict, "reason": reason, "evidence": evidence}
