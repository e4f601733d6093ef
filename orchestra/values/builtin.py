"""The entry of a table of built-in methods or transformers: the function with what its documentation shows.

The tables lie beside the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestra.values.tagged import Value

__all__ = ["Builtin", "table"]


@dataclass(frozen=True, slots=True)
class Builtin:
    """What a table says about one function.

    text:    what it does, in a line
    example: an expression that uses it, and `result` that expression's template text
    needs:   how many arguments it cannot do without
    """

    name: str
    text: str
    example: str
    result: str
    function: Callable[..., Value]
    needs: int = 0


def table(*entries: Builtin) -> dict[str, Builtin]:
    """The entries by name."""
    return {entry.name: entry for entry in entries}
