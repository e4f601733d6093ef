"""The policies of a run: what operations may happen at all, and which labels may reach them.

How a policy is read is told in `nodes.policy_rules`, patterns and flows have modules of their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.denial import Denial, Guarding
from orchestra.nodes.op import Op
from orchestra.nodes.policies import ActivePolicy
from orchestra.nodes.policy_rules import Rules, read_rules
from orchestra.runtime.security.flow import forbidden_flow, is_untrusted
from orchestra.runtime.security.inputs import named_arguments
from orchestra.runtime.security.labels import relabelled
from orchestra.runtime.security.operations import EXECUTORS, VALUES, command_of, simple_commands
from orchestra.runtime.security.patterns import (
    allows_command,
    covers_executor,
    covers_file,
    denies_command,
    denies_file,
)
from orchestra.runtime.tools.danger import forbidden_command, forbidden_read, forbidden_write
from orchestra.runtime.tools.shell_words import Opaque
from orchestra.runtime.tools.shell_wrappers import possible
from orchestra.source import Span

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Policies"]

NETWORK_WORDS = {"net": "network"}
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")


class Policies:
    """Several narrow each other: everything that one denies is denied, and each list of what is allowed counts."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.rules: list[Rules] = []

    def __bool__(self) -> bool:
        return bool(self.rules)

    def add(self, policy: ActivePolicy) -> None:
        self.rules += self.read(policy)

    def read(self, policy: ActivePolicy) -> list[Rules]:
        """E607 and E605 for what a policy must not hold."""
        return [read_rules(policy.name, part, policy.span) for part in policy.parts]

    def narrower(self, value: ActivePolicy, span: Span) -> tuple[Rules, ...]:
        """A policy for one call only. It can take away and never give."""
        rules = self.read(value)
        if any(policy.danger for policy in rules):
            raise OrchError("E607", "with { policy } cannot allow what is dangerous", span, help="leave danger out")
        for policy in rules:
            if any(pattern.kind.startswith("fs:") for pattern in (*(policy.allow or ()), *policy.deny)):
                message = "files cannot be narrowed by with { policy } in this version"
                raise OrchError("E605", message, span, help="declare a policy for the whole run")
        return tuple(rules)

    def credential(self, name: str) -> Any:
        """What a policy says about `auth:name`; the last one counts."""
        return next((policy.auth[name] for policy in reversed(self.rules) if name in policy.auth), None)

    @property
    def trust_conflict(self) -> str:
        told = [policy.trustconflict for policy in self.rules if policy.trustconflict is not None]
        return "error" if "error" in told else told[-1] if told else "warn"

    # ── what may happen at all ───────────────────────────────────────────────────────────────────

    def check_capability(self, op: Op, guarding: Guarding) -> None:
        """E602 for a command or code that some policy does not let run."""
        rules = [policy for policy in (*self.rules, *guarding.policies) if policy.capable]
        if not rules or (op.kind != "run" and not (op.kind == "tool" and op.name == "Bash")):
            return
        executor = EXECUTORS[str(op.facts.get("subtype", "cmd"))]
        if executor == "cmd":
            self._check_command(command_of(op), rules, op.span)
        else:
            self._check_executor(executor, rules, op.span)

    def _check_executor(self, executor: str, rules: Sequence[Rules], span: Span | None) -> None:
        for policy in rules:
            if any(covers_executor(pattern, executor) for pattern in policy.deny):
                raise _refused(policy, f"deny {executor}", f"{executor} code", span)
            if policy.allow is not None and not any(covers_executor(pattern, executor) for pattern in policy.allow):
                raise _refused(policy, "allow", f"{executor} code", span, f"add {executor} to its allow list")

    def _check_command(self, text: str, rules: Sequence[Rules], span: Span | None) -> None:
        commands = simple_commands(text)
        if commands is None:
            help = "write it without substitutions, here-documents and groups"
            raise _refused(rules[0], "what cannot be taken apart", f"`{text}`", span, help)
        for words in commands:
            inner = _carried(words, rules, span)
            for policy in rules:
                self._check_words(words, inner, policy, span)
            for command in inner:
                danger = forbidden_command(command)
                if danger is not None and not all(_accepted(command, policy) for policy in rules):
                    shown = f"`{' '.join(words)}`"
                    help = f'danger: ["cmd:{":".join(command)}"] accepts it'
                    raise _refused(rules[0], f"danger ({danger})", shown, span, help)

    def _check_words(self, words: list[str], inner: list[list[str]], policy: Rules, span: Span | None) -> None:
        """`inner` are the command and those that it may start: what is denied is denied in them as well."""
        allowed = [pattern for pattern in policy.allow or () if allows_command(pattern, words)]
        denied = [pattern for pattern in policy.deny if any(denies_command(pattern, command) for command in inner)]
        shown = f"`{' '.join(words)}`"
        best = max((pattern.weight for pattern in allowed), default=-1)
        for pattern in denied:
            if best <= pattern.weight:
                raise _refused(policy, f"deny {pattern.text}", shown, span)
        if policy.allow is not None and not allowed:
            raise _refused(policy, "allow", shown, span, f"add cmd:{':'.join(words[:2])} to its allow list")

    def permits(self, wishes: Mapping[str, Any], span: Span) -> bool:
        """Whether commands, executors and network that a script would like to have are open to it."""
        rules = [policy for policy in self.rules if policy.capable]
        commands = wishes.get("cmd", [])
        try:
            for name in wishes.keys() - {"cmd"}:
                self._check_executor(EXECUTORS.get(name, NETWORK_WORDS.get(name, name)), rules, span)
            for command in commands if isinstance(commands, (list, dict)) else []:
                self._check_command(str(command), rules, span)
        except OrchError:
            return False
        return True

    def check_file(self, mode: str, path: Path) -> None:
        """E602 for a file that some policy does not let be read (`r`) or written (`w`)."""
        rules = [policy for policy in self.rules if policy.capable]
        if not rules:
            return
        real, root = Path(os.path.realpath(path)), self._run.root
        shown = f"{'reading' if mode == 'r' else 'writing'} {self._run.project_name(path)}"
        for policy in rules:
            allowed = [pattern for pattern in policy.allow or () if covers_file(pattern, mode, real, root)]
            best = max((pattern.weight for pattern in allowed), default=-1)
            for pattern in policy.deny:
                if denies_file(pattern, mode, real, root) and best <= pattern.weight:
                    raise _refused(policy, f"deny {pattern.text}", shown, None)
            if not allowed and any(pattern.kind.startswith("fs:") for pattern in policy.allow or ()):
                raise _refused(policy, "allow", shown, None, f"add an fs:{mode} pattern to its allow list")
        forbidden = forbidden_read if mode == "r" else forbidden_write
        accepted = all(any(covers_file(p, mode, real, root) for p in policy.danger) for policy in rules)
        if forbidden(real) and not accepted:
            raise _refused(rules[0], "danger", shown, None, f'danger: ["fs:{mode}:…"] accepts it')

    def check_network(self, url: str) -> None:
        """E602 where some policy keeps the run off the network."""
        for policy in (policy for policy in self.rules if policy.capable):
            if any(covers_executor(pattern, "network") for pattern in policy.deny):
                raise _refused(policy, "deny network", url, None)
            if policy.allow is not None and not any(covers_executor(pattern, "network") for pattern in policy.allow):
                raise _refused(policy, "allow", url, None, "add network to its allow list")

    # ── what may flow where ──────────────────────────────────────────────────────────────────────

    def flow_denial(self, op: Op, guarding: Guarding) -> Denial | None:
        """The denial of an operation that a value must not reach, if there is one."""
        rules = [*self.rules, *guarding.policies]
        if not rules or op.kind not in VALUES:
            return None
        found = forbidden_flow(op, rules)
        if found is None:
            return None
        policy, rule, reason = found
        what = f"{op.kind} @{op.name}" if op.name else op.kind
        facts: dict[str, Any] = {"name": None, "rule": rule, "policy": policy.name, "reason": reason}
        facts |= {"decision": "deny", "timing": "before", "locked": any(policy.locked for policy in rules)}
        message = f"policy @{policy.name} denies {what}: {reason} ({rule})"
        return Denial("E603", message, facts, named_arguments(op), f"@{policy.name}", span=op.span)

    def influenced(self, op: Op, result: Any) -> Any:
        """The answer of a model that was told something untrusted, where a policy wants to know that."""
        wanted = any("untrusted-llms-get-influenced" in policy.rules for policy in self.rules)
        if not wanted or "op:llm" not in op.labels or not any(is_untrusted(v, self.rules) for v in op.inputs):
            return result
        return relabelled(result, ("influenced",))


def _carried(words: list[str], rules: Sequence[Rules], span: Span | None) -> list[list[str]]:
    """The command without its assignments, and the commands that it starts. E602 where they cannot be told."""
    own = list(dropwhile(ASSIGNMENT.match, words))
    try:
        found = [command for command in possible(own) if command] if own else []
    except Opaque as opaque:
        raise _refused(rules[0], f"{opaque} cannot be checked", f"`{' '.join(words)}`", span) from None
    if any(command[0].startswith("$") for command in found):
        raise _refused(rules[0], "a program from a variable cannot be checked", f"`{' '.join(words)}`", span)
    return found


def _accepted(words: list[str], policy: Rules) -> bool:
    return any(denies_command(pattern, words) and pattern.kind == "cmd" for pattern in policy.danger)


def _refused(policy: Rules, rule: str, what: str, span: Span | None, help: str | None = None) -> OrchError:
    message = f"policy @{policy.name} does not let this run: {what} ({rule})"
    details: Mapping[str, Any] = {"policy": policy.name, "rule": rule, "operation": what}
    return OrchError("E602", message, span, help=help, details=dict(details))
