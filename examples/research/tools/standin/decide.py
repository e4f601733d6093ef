"""Infers the phase from what exists, by the rules that the decision prompt states, in their order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from standin.dialogue import Answer, Talk
from standin.protocol import NotUnderstood
from standin.reading import data

State = dict[str, Any]

VERSIONS = 3  # in which a claim may be refuted before it is given up


def decide(prompt: str) -> Talk:
    """The next action, with what it needs."""
    yield from ()
    state = data(prompt, "state")
    if not isinstance(state, dict):
        raise NotUnderstood("the prompt shows no state: expected JSON between <state> and </state>")
    decision = _next(state, data(prompt, "history") or [])
    return Answer(decision, f"Next: {decision['action']}.")


def _next(state: State, history: list[State]) -> dict[str, object]:
    sources, synthesis = state["sources"], state["synthesis"]
    if sources is None or state["unseen"]:
        return {"reasoning": "some documents have not been looked at", "action": "discover"}
    missing = [one for one in sources["chosen"] if one not in state["assessed"]]
    if missing:
        return {"reasoning": "chosen documents are not assessed", "action": "assess", "sources": missing}
    if synthesis is None or state["unused"]:
        why = "there are assessments that no synthesis takes into account"
        return {"reasoning": why, "action": "synthesize", "guidance": "Answer every point of the question."}
    verdicts = synthesis["verdicts"]
    untried = [claim for claim in synthesis["claims"] if claim not in verdicts]
    if untried:
        return {"reasoning": "claims that nobody attacked yet", "action": "invalidate", "claims": untried}
    refuted = [claim for claim in synthesis["claims"] if verdicts[claim] != "confirmed"]
    if refuted:
        return {"reasoning": "claims did not survive", "action": "synthesize", "guidance": _advice(refuted, history)}
    claims, unknown = len(synthesis["claims"]), len(synthesis["open"])
    summary = f"Claims that survived the attack: {claims}. Points that stay open: {unknown}."
    return {"reasoning": "nothing is left to refute", "action": "complete", "summary": summary}


def _advice(refuted: list[str], history: list[State]) -> str:
    """What to work out again, and what to give up because it was refuted too often."""
    verdicts = [one for event in history if event["event"] == "attacked" for one in event["verdicts"]]
    times = Counter(one["id"] for one in verdicts if one["verdict"] != "confirmed")
    hopeless = [claim for claim in refuted if times[claim] >= VERSIONS]
    advice = f"Work out again, from how each figure is known: {', '.join(refuted)}."
    return f"{advice} Move to the open points: {', '.join(hopeless)}." if hopeless else advice
