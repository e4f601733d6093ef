"""Constructs that are read and laid out, and refused before anything runs: `sign`, `verify`, some of `box`.

Each of them promises protection, so that a script with one must not run without it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from orchestra.errors import OrchError
from orchestra.nodes.base import Node, node
from orchestra.nodes.templates import Template
from orchestra.values.scope import Scope

__all__ = ["Sign", "Unbuilt", "Verify"]


class Unbuilt(Node):
    """A construct that nothing enforces yet."""

    __slots__ = ()
    word: ClassVar[str]

    def refusal(self) -> OrchError | None:
        """E605, unless this use of it is kept to."""
        message = f"{self.word} is not enforced by this version, so the script is refused as a whole"
        help = "remove it only if you can do without its protection"
        return OrchError("E605", message, self.span, help=help, exit=2)

    def eval(self, scope: Scope) -> Any:
        raise AssertionError("refused before anything runs")


@node
class Sign(Unbuilt):
    """`sign @name by "who" with sha256`."""

    word = "sign"
    token: str
    who: Template | None
    method: str | None


@node
class Verify(Unbuilt):
    """`verify @name`."""

    word = "verify"
    token: str
