"""`parallel [ name = value … ]`: different things at the same time, each under its name."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any

from orchestra.errors import OrchError, nearest
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.items import STOPPED
from orchestra.nodes.tails import With
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

__all__ = ["Branch", "ParallelBlock"]

POLICIES = ("fail-fast", "continue", "ignore")
ANY = re.compile(r"any\((\d+)\)")


@node
class Branch(Node):
    """`name = value`."""

    token: str
    value: Node
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.token.removeprefix("@")


@node
class ParallelBlock(Node):
    """The results by name, in written order.

    `join`: `all` (default), `first` or `any(n)`: how many successes end the block; the rest is cancelled.
    `onFail`: `fail-fast` (default) raises the first error, `continue` leaves an error item, `ignore` null.
    """

    branches: list[Node]

    def eval(self, scope: Scope) -> dict[str, Any]:
        return self.run(scope, None)

    def run(self, scope: Scope, options: With | None) -> dict[str, Any]:
        branches = [branch for branch in self.branches if isinstance(branch, Branch)]
        enough = self._enough(options, scope, len(branches))
        policy = self._policy(options, scope)
        width = unwrap(options.value("parallel", scope)) if options is not None else None

        def work(index: int) -> Any:
            return present(branches[index].value.whole(scope.child()))

        outcomes = scope.run.parallel(
            len(branches), int(width or len(branches)), 0.0, work, scope,
            label="branches", patient=True, enough=enough, fail_fast=policy == "fail-fast",
        )  # fmt: skip
        return self._named(branches, outcomes, policy, scope)

    def _named(self, branches: list[Branch], outcomes: list[Any], policy: str, scope: Scope) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for index, (branch, outcome) in enumerate(zip(branches, outcomes, strict=True)):
            if outcome is STOPPED:
                continue
            if isinstance(outcome, OrchError):
                made[branch.name] = self._failure(index, branch, outcome, policy, scope)
            else:
                made[branch.name] = outcome
        return made

    def _failure(self, index: int, branch: Branch, error: OrchError, policy: str, scope: Scope) -> Any:
        if policy == "ignore":
            return None
        return scope.run.failed_item(ErrorItem(index, branch.name, error.message, None), error, scope)

    def _enough(self, options: With | None, scope: Scope, total: int) -> int | None:
        join = str(unwrap(options.value("join", scope, "all"))) if options is not None else "all"
        if join == "all":
            return None
        count = 1 if join == "first" else int(match.group(1)) if (match := ANY.fullmatch(join)) else 0
        if not 0 < count <= total:
            raise OrchError(
                "E304", f"join {join!r} does not fit {total} branches", self.span, help="all, first or any(n)"
            )
        return count

    def _policy(self, options: With | None, scope: Scope) -> str:
        policy = str(unwrap(options.value("onFail", scope, POLICIES[0]))) if options is not None else POLICIES[0]
        if policy not in POLICIES:
            meant = nearest(policy, POLICIES)
            help = f"did you mean {meant}?" if meant else "one of " + ", ".join(POLICIES)
            raise OrchError("E304", f"there is no failure policy {policy!r}", self.span, help=help)
        return policy
