"""What ends a whole run from outside the script, and what is allowed to finish first.

Who listens for signals is `launch`; who starts nothing more is every part of the run that asks `interrupted`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["FINISHING", "Interrupted", "finishing"]

# True inside a labelled call that has begun. Tasks that it starts inherit the mark.
FINISHING: Final[ContextVar[bool]] = ContextVar("finishing", default=False)


class Interrupted(BaseException):
    """The run is to stop: calls in flight are finished and stored, nothing new is started."""


@contextmanager
def finishing() -> Iterator[None]:
    """What is done within comes to its end although the run is to stop: it has been paid for in part."""
    token = FINISHING.set(True)
    try:
        yield
    finally:
        FINISHING.reset(token)
