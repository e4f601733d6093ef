"""Which labels may meet which operations: the rules of policies about what flows where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orchestra.nodes.guards import covers
from orchestra.nodes.op import Op
from orchestra.nodes.policy_rules import FlowRule, Rules
from orchestra.values.tagged import joined

__all__ = ["forbidden_flow", "is_untrusted"]

# Rule → the label it is about and the risk that a value with it must not reach.
REACHES = {
    "no-secret-exfil": ("secret", "exfil"),
    "no-sensitive-exfil": ("sensitive", "exfil"),
    "no-untrusted-destructive": ("untrusted", "destructive"),
    "no-untrusted-privileged": ("untrusted", "privileged"),
    "no-influenced-advice": ("influenced", "advice"),
}

# Rule → the risk, and the label that the first argument needs.
NEEDS = {
    "no-send-to-unknown": ("exfil:send", "known"),
    "no-send-to-external": ("exfil:send", "known:internal"),
    "no-destroy-unknown": ("destructive:targeted", "known"),
}


def forbidden_flow(op: Op, rules: Sequence[Rules]) -> tuple[Rules, str, str] | None:
    """The policy that forbids the operation, its rule, and why; None if none does."""
    targets = _targets(op, rules)
    carried = [_labels(value, rules) for value in op.inputs]
    for policy in rules:
        found = _built_in(policy, targets, carried) or _own(policy, rules, targets, carried)
        if found is not None:
            return policy, *found
    return None


def is_untrusted(value: Any, rules: Sequence[Rules]) -> bool:
    return any(covers("untrusted", label) for label in _labels(value, rules))


def _targets(op: Op, rules: Sequence[Rules]) -> list[str]:
    """The labels of the operation, with the risks that policies see in them."""
    found = list(op.labels)
    for policy in rules:
        for risk, names in policy.operations.items():
            if any(covers(name, label) for name in names for label in op.labels):
                found.append(risk)
    return list(dict.fromkeys(found))


def _labels(value: Any, rules: Sequence[Rules]) -> list[str]:
    """What a value carries; where it carries nothing but its provenance, what policies think of such values."""
    meta = joined((value,), deep=True)
    found = list(dict.fromkeys((*meta.labels, *meta.taint)))
    if found and not meta.labels and any(policy.unlabeled == "untrusted" for policy in rules):
        found.append("untrusted")
    return found


def _built_in(policy: Rules, targets: list[str], carried: list[list[str]]) -> tuple[str, str] | None:
    for rule in policy.rules:
        if rule in REACHES:
            label, risk = REACHES[rule]
            reached = any(covers(risk, target) for target in targets)
            if reached and any(covers(label, own) for labels in carried for own in labels):
                return rule, f"{label} may not reach {risk}"
        elif rule in NEEDS:
            risk, label = NEEDS[rule]
            first = carried[0] if carried else []
            if any(covers(risk, target) for target in targets) and not any(covers(label, own) for own in first):
                return rule, f"{risk} needs a first argument that is {label}"
    return None


def _own(policy: Rules, rules: Sequence[Rules], targets: list[str], carried: list[list[str]]) -> tuple[str, str] | None:
    """The `labels` of one policy: the most specific denial counts, unless an exception has more segments."""
    for labels in carried:
        for label, rule in policy.labels.items():
            if not any(covers(label, own) for own in labels):
                continue
            denied = _best(rule.deny, targets)
            if denied is not None and _segments(_best(rule.allow, targets)) <= _segments(denied):
                return f"labels.{label}.deny", f"{label} may not reach {denied}"
            if denied is None and _confined(rule, labels, rules) and _best(rule.allow, targets) is None:
                return f"labels.{label}.allow", f"{label} may only reach {', '.join(rule.allow)}"
    return None


def _confined(rule: FlowRule, labels: list[str], rules: Sequence[Rules]) -> bool:
    """Whether the exceptions are all that is permitted: for values that nobody vouched for."""
    sourced = all(label.startswith(("src:", "dir:")) or label == "untrusted" for label in labels)
    return bool(rule.allow) and sourced and any(policy.unlabeled == "untrusted" for policy in rules)


def _best(patterns: Iterable[str], targets: list[str]) -> str | None:
    """The most specific of the patterns that meet an operation."""
    met = [pattern for pattern in patterns if any(covers(pattern, target) for target in targets)]
    return max(met, key=_segments, default=None)


def _segments(pattern: str | None) -> int:
    return 0 if pattern is None else len(pattern.split(":"))
