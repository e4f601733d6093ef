"""What turns of one function with one model were like so far, from which it is guessed what the next one needs.

How much may be spent is decided in `budget`.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable

from orchestra.providers.protocol import Usage

__all__ = ["Habits"]

BYTES_PER_TOKEN = 3  # on the safe side: prose has four and more
UNKNOWN_ANSWER = 1024  # tokens that the first answer of a function should have room for
FEW = 100  # answers up to which the longest of them counts


class Habits:
    """Of each function and model there is one.

    lengths: tokens of the longest turn of calls that were made earlier
    """

    def __init__(self, lengths: Iterable[int] = ()) -> None:
        self._lengths = sorted(lengths)
        self._unseen: int | None = None  # tokens of a prompt beyond those its size tells of, such as instructions

    @property
    def known(self) -> bool:
        """Whether a turn of this execution has told how its tokens are counted."""
        return self._unseen is not None

    def prompt(self, size: int) -> int:
        """The tokens of a prompt of so many bytes, rather too many than too few."""
        return math.ceil(size / BYTES_PER_TOKEN) + (self._unseen or 0)

    def answer(self, longest: int) -> int:
        """The tokens without which a turn is not worth beginning. `longest` is what it may take at most."""
        count = len(self._lengths)
        if not count:
            return min(longest, UNKNOWN_ANSWER)
        return min(longest, self._lengths[-1 if count < FEW else math.ceil(0.99 * count) - 1])

    def learn(self, size: int, usage: Usage) -> None:
        """A turn with a prompt of so many bytes has been answered."""
        self._unseen = max(self._unseen or 0, usage.prompt - math.ceil(size / BYTES_PER_TOKEN))
        insort(self._lengths, usage.output)
