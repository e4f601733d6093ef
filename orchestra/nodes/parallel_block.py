"""`parallel [ name = value … ]`: different things at the same time, each under its name."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from orchestra.errors import Note, OrchError
from orchestra.nodes.base import Node, node, present
from orchestra.nodes.items import STOPPED
from orchestra.nodes.joining import Joiner, Joining, joining
from orchestra.values.error_item import ErrorItem
from orchestra.values.scope import Scope
from orchestra.values.tagged import unwrap

__all__ = ["Branch", "ParallelBlock"]


@node
class Branch(Node):
    """`name = value`."""

    token: str
    value: Node
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.token.removeprefix("@")


@node
class ParallelBlock(Joiner):
    """The results by name, in written order.

    `join`: `all` (default), `first` or `any(n)`: how many successes end the block; the rest is cancelled.
    `onFail`: `fail-fast` (default) raises the first error, `continue` leaves an error item, `ignore` null.
    """

    branches: list[Branch]

    def __post_init__(self) -> None:
        self.options = None
        first: dict[str, Branch] = {}
        for branch in self.branches:
            if (before := first.setdefault(branch.name, branch)) is not branch:
                raise OrchError(
                    "E107", f"there are two branches {branch.name}", branch.span, help="give each its own name",
                    notes=[Note("the first is here", before.span)], exit=2,
                )  # fmt: skip

    def eval(self, scope: Scope) -> dict[str, Any]:
        branches = self.branches
        how = joining(self.options, scope, len(branches), "branches", self)
        width = unwrap(self.options.value("parallel", scope)) if self.options is not None else None

        def work(index: int) -> Any:
            return present(branches[index].value.whole(scope.child()))

        outcomes = scope.run.parallel(
            len(branches), int(width or len(branches)), 0.0, work, scope, label="branches",
            patient=True, enough=how.enough, fail_fast=how.policy in (None, "fail-fast"),
        )  # fmt: skip
        how.check(outcomes, "branches", self)
        return self._named(outcomes, how, scope)

    def exec_statement(self, scope: Scope) -> None:
        self.eval(scope)

    def _named(self, outcomes: list[Any], how: Joining, scope: Scope) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for index, (branch, outcome) in enumerate(zip(self.branches, outcomes, strict=True)):
            if outcome is STOPPED:
                continue
            if not isinstance(outcome, OrchError):
                made[branch.name] = outcome
            elif how.policy == "ignore":
                made[branch.name] = None
            else:
                item = ErrorItem(index, branch.name, outcome.message, None)
                made[branch.name] = scope.run.failed_item(item, outcome, scope)
        return made
