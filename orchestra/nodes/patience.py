"""Waiting out a rate limit that foreign code reports. Models have limits of their own, kept by the providers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.values.scope import Scope

__all__ = ["patiently"]

WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further attempt

LIMITED: Final = re.compile(r"rate limit|\bstatus(?: code)?\W{0,3}429\b|\b429 too many", re.IGNORECASE)


def patiently(work: Callable[[], Any], scope: Scope) -> Any:
    """Do `work`, and again after a pause while a command or code in it says that it is being asked too often."""
    for pause in WAITS:
        try:
            return work()
        except OrchError as error:
            if not _is_limit(error):
                raise
        scope.run.sleep(pause)
    return work()


def _is_limit(error: OrchError) -> bool:
    if error.code not in ("E501", "E504"):
        return False
    told = error.details.get("stderr") if error.details else None
    return LIMITED.search(f"{error.message}\n{told or ''}") is not None
