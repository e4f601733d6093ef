"""Decides what is done next, by the rules that the decision prompt states, in their order."""

from __future__ import annotations

from typing import Any

from standin.dialogue import Answer, Talk
from standin.issue import Issue, answer_for, data, read_issue
from standin.protocol import NotUnderstood, section

ATTEMPTS = 3  # of one issue before a person is asked

State = dict[str, Any]
Decision = dict[str, Any]


class Situation:
    """The issues and events in the prompt, and what the rules ask about them."""

    def __init__(self, issues: list[State], history: list[State], answers: str) -> None:
        self.issues = issues
        self.history = history
        self.answers = answers
        self.open = [read_issue(one["text"]) for one in self.issues if one["status"] == "open"]

    def last(self, issue: Issue) -> State:
        """The last thing that happened to an issue; empty if it was never touched."""
        return next((one for one in reversed(self._of(issue)) if one["event"] in ("worked", "verified")), {})

    def attempts(self, issue: Issue) -> int:
        return sum(one["event"] == "worked" for one in self._of(issue))

    def waits(self, issue: Issue) -> bool:
        """Whether a person has to say something first."""
        asked = bool(issue.question) and answer_for(issue, self.answers) is None
        return asked or self.attempts(issue) >= ATTEMPTS

    def attacked(self) -> State | None:
        """The last attack on the whole, if nothing was changed since."""
        last = next((one for one in reversed(self.history) if one["event"] in ("worked", "attacked")), {})
        return last if last.get("event") == "attacked" else None

    def _of(self, issue: Issue) -> list[State]:
        return [one for one in self.history if one.get("issue") == issue.id]


def decide(prompt: str) -> Talk:
    """The next action, with what it needs."""
    yield from ()
    issues = data(prompt, "state")
    if not isinstance(issues, list):
        raise NotUnderstood("the prompt shows no issues: expected a list as JSON between <state> and </state>")
    now = Situation(issues, data(prompt, "history") or [], section(prompt, "answers") or "")
    decision = next(found for rule in RULES if (found := rule(now)))
    return Answer(decision, f"Next: {decision['action']}.")


def _close(now: Situation) -> Decision | None:
    done = [one.id for one in now.open if now.last(one).get("verdict") == "holds"]
    return {"reasoning": "nothing broke them", "action": "close_issue", "issues": done} if done else None


def _verify(now: Situation) -> Decision | None:
    fixed = [one.id for one in now.open if now.last(one).get("status") == "fixed"]
    return {"reasoning": "said to be fixed, not attacked yet", "action": "verify", "issues": fixed} if fixed else None


def _work(now: Situation) -> Decision | None:
    """One issue for each file, so that workers do not edit the same file at once."""
    by_file: dict[str, Issue] = {}
    for one in now.open:
        if not now.waits(one):
            by_file.setdefault(one.file, one)
    tasks = [{"issue": one.id, "guidance": _guidance(now, one)} for one in by_file.values()]
    return {"reasoning": "open issues that can be worked on", "action": "work", "tasks": tasks} if tasks else None


def _guidance(now: Situation, issue: Issue) -> str:
    if now.last(issue).get("verdict") == "refuted":
        return "The last attempt was refuted: make every counterexample come out right."
    return f"Change {issue.function} only."


def _blocked(now: Situation) -> Decision | None:
    questions = [
        {
            "issue": one.id,
            "question": one.question or f"{ATTEMPTS} attempts failed: what is {one.function} to do?",
            "options": [f"{letter}: `{case.call}` is `{case.expected}`" for letter, case in one.options.items()],
        }
        for one in now.open
    ]
    if not questions:
        return None
    return {"reasoning": "the rest needs a person", "action": "blocked", "questions": questions}


def _create(now: Situation) -> Decision | None:
    known = {one["id"] for one in now.issues}
    found = [one for one in (now.attacked() or {}).get("findings", []) if one["id"] not in known]
    return {"reasoning": "the attack found something", "action": "create_issue", "new": found} if found else None


def _attack(now: Situation) -> Decision | None:
    if now.attacked():
        return None
    return {"reasoning": "no issue is open", "action": "attack", "focus": "every test and every example"}


def _complete(now: Situation) -> Decision:
    names = ", ".join(one["id"] for one in now.issues)
    return {"reasoning": "the attack found nothing new", "action": "complete", "summary": f"Solved: {names}."}


RULES = (_close, _verify, _work, _create, _blocked, _attack, _complete)
