"""Runs a function in the stand-in's head, to know before an edit whether it would help.

Whether it did help is for the project's own tests to say, which are run as commands.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from standin.issue import Case

SECONDS = 0.2


class TooLong(Exception):
    """The code did not come to an end."""


def passes(source: str, cases: list[Case]) -> bool:
    """Whether all cases hold with this source."""
    names: dict[str, Any] = {"__name__": "trial"}
    try:
        with _limited():
            exec(compile(source, "trial", "exec"), names)
            return all(bool(eval(f"({case.call}) == ({case.expected})", names)) for case in cases)
    except Exception:  # whatever the code under trial may raise
        return False


@contextmanager
def _limited() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
