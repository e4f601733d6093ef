"""What the parser can take next, exactly: a token counts only if the reductions it causes end in a shift."""

from __future__ import annotations

from typing import Any

from lark.parsers.lalr_analysis import Shift

__all__ = ["Expected"]


class Expected:
    """`kind in expected` asks whether the parser takes a token of this kind in its present state.

    The rows of an LALR table also hold look-aheads that belong to other places in the script; following the
    reductions on the stack tells them apart.
    """

    __slots__ = ("_stack", "_table")

    def __init__(self, table: Any, stack: list[Any]) -> None:
        self._table = table
        self._stack = stack

    def __contains__(self, kind: str) -> bool:
        action = self._table[self._stack[-1]].get(kind)
        if action is None:
            return False
        return action[0] is Shift or self._follows(kind, action[1])

    def _follows(self, kind: str, rule: Any) -> bool:
        """Whether the token is shifted after reducing by `rule` and whatever follows from it."""
        height, pushed = len(self._stack), list[Any]()
        while True:
            size = len(rule.expansion)
            dropped = min(size, len(pushed))
            del pushed[len(pushed) - dropped :]
            height -= size - dropped
            state = pushed[-1] if pushed else self._stack[height - 1]
            pushed.append(self._table[state][rule.origin.name][1])
            action = self._table[pushed[-1]].get(kind)
            if action is None:
                return False
            if action[0] is Shift:
                return True
            rule = action[1]
