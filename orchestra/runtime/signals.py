"""What ends a whole run from outside the script."""

from __future__ import annotations

__all__ = ["Interrupted"]


class Interrupted(BaseException):
    """The user asked to stop: calls in flight were finished and stored, nothing new was started."""
