"""Makes one answer of what many documents state.

At first the stand-in believes the newest document, as hurried readers do. Claims that were refuted it works out
again, and then it asks how each figure is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from standin.dialogue import Answer, Talk
from standin.protocol import section
from standin.reading import Statement, data, points, show

Claim = dict[str, Any]


def synthesize(prompt: str) -> Talk:
    """Keep what stands of the previous synthesis, work out again what was refuted or open, add what is new."""
    yield from ()
    known = [Statement(**{name: claim[name] for name in Statement._fields}) for claim in _assessed(prompt)]
    previous = data(prompt, "previous") or {"claims": [], "open": []}
    doubted = {one["id"] for one in [*(data(prompt, "refuted") or []), *previous["open"]]}
    kept = {claim["id"]: claim for claim in previous["claims"] if claim["id"] not in doubted}
    hopeless = _given_up(prompt)
    made: list[Claim] = []
    for point in points(prompt):
        matters = _matters(one for one in known if one.topic == point.name)
        if not matters:
            made.append(_open(point.name, point.name, "no document gives a figure"))
        for name, group in matters.items():
            if name in hopeless:
                made.append(_open(name, point.name, "every answer was refuted"))
            elif name in kept:
                made.append(kept[name])
            else:
                made.append(_weighed(name, group) if name in doubted else _newest(name, group))
    claims, unknown = [one for one in made if "why" not in one], [one for one in made if "why" in one]
    document: dict[str, object] = {"claims": claims, "open": unknown}
    return Answer(document, f"{len(claims)} claims, {len(unknown)} points open.")


def _assessed(prompt: str) -> list[Claim]:
    return [claim for assessment in data(prompt, "assessments") or [] for claim in assessment["claims"]]


def _given_up(prompt: str) -> set[str]:
    """The claims that the guidance no longer wants."""
    found = re.search(r"open points: ([\w, -]+)", section(prompt, "guidance") or "")
    return set(found[1].split(", ")) if found else set()


def _matters(found: Iterable[Statement]) -> dict[str, list[Statement]]:
    """The statements by what they are about: `cost`, `energy-2021`."""
    groups: dict[str, list[Statement]] = {}
    for one in found:
        groups.setdefault(f"{one.topic}-{one.year}" if one.year else one.topic, []).append(one)
    return groups


def _newest(name: str, group: list[Statement]) -> Claim:
    one = max(group, key=lambda each: (each.date, each.file))
    return _claim(name, one, [one], [])


def _weighed(name: str, group: list[Statement]) -> Claim:
    """What was measured counts; where measurements differ, that is the finding; where there is none, nothing is."""
    measured = [one for one in group if one.support == "measured"]
    if not measured:
        heard = ", ".join(f"{show(one.value)} {one.unit} ({one.file})" for one in group)
        return _open(name, group[0].topic, f"nobody has measured it; what is said: {heard}")
    first = max(measured, key=lambda each: (each.date, each.file))
    agreeing = [one for one in group if one.agrees(first)]
    rest = [one for one in group if one not in agreeing]
    if all(one.agrees(first) for one in measured):
        return _claim(name, first, agreeing, rest)
    said = ", ".join(f"{show(one.value)} {one.unit} ({one.file})" for one in measured)
    dispute = _claim(name, first, measured, [one for one in group if one not in measured])
    return {**dispute, "kind": "disputed", "value": None, "statement": f"Measurements differ: {said}."}


def _open(name: str, topic: str, why: str) -> Claim:
    return {"id": name, "topic": topic, "why": why}


def _claim(name: str, one: Statement, evidence: list[Statement], dissent: list[Statement]) -> Claim:
    return {
        "id": name,
        "topic": one.topic,
        "kind": "figure",
        "statement": one.statement,
        "value": one.value,
        "unit": one.unit,
        "year": one.year,
        "evidence": [_shown(each) for each in evidence],
        "dissent": [_shown(each) for each in dissent],
    }


def _shown(one: Statement) -> dict[str, object]:
    return {"file": one.file, "line": one.line, "quote": one.quote}
