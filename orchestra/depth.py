"""How deep a script may nest, and the room that reading, checking and running such a script takes.

A tree from the cache never meets the parser, so whoever hands out trees makes room for them. The depth of calls that
call themselves is the runtime's business.
"""

from __future__ import annotations

import sys
from typing import Final

__all__ = ["DEEPEST", "make_room"]

DEEPEST: Final = 1200  # levels of the parser's tree
_FRAMES: Final = 20 * DEEPEST  # of Python; no pass over a tree takes more on one level


def make_room() -> None:
    """Let this process go as deep as the deepest script."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES))
