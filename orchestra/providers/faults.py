"""What can go wrong between us and a model, sorted by what to do about it.

How long to wait before the next attempt is decided in `runtime.retry`.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from orchestra.providers.protocol import Usage

__all__ = ["Kind", "ProviderError", "classify", "classify_text", "fault"]

Kind = Literal[
    "auth",  # the run fails: the next call would fail too
    "money",  # the run stops and can be resumed once somebody has paid
    "request",  # this call fails: the same request would be refused again
    "rate",  # too many requests or tokens; the server says how long to wait
    "overload",  # the server has too much to do
    "transient",  # broken connections and server errors
    "timeout",  # no answer in time
    "broken",  # the provider answered, but nothing that makes sense
    "replay",  # no recorded answer fits
]

KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}

BY_STATUS: dict[int, Kind] = {
    401: "auth",
    402: "money",
    403: "auth",
    408: "transient",
    409: "transient",
    429: "rate",
    529: "overload",
}

# What programs say of faults that they have no status for; the first that is found counts.
BY_WORDS: dict[Kind, str] = {
    "auth": r"invalid api key|please run /login|not logged in|authentication_error|\b401\b",
    "money": r"credit balance|usage limit|limit reached|hit your limit|spend(?:ing)? limit",
    "rate": r"rate.?limit|too many requests|\b429\b",
    "overload": r"overloaded|\b529\b",
    "transient": r"\b50[0234]\b|connection error|econnreset|etimedout|socket hang up|fetch failed",
}


class ProviderError(Exception):
    """A turn that brought no reply.

    retry_after: seconds the server asks us to wait, if it said so
    final:       trying again is known to be useless, whatever the kind says
    notes:       further lines for the user, such as the end of a program's stderr
    usage:       tokens that are billed all the same, where the provider told them before it failed
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        retry_after: float | None = None,
        final: bool = False,
        notes: tuple[str, ...] = (),
        help: str | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
        self.final = final
        self.notes = notes
        self.help = help
        self.usage = usage


def classify(status: int | None, type: str | None = None, detail: str | None = None) -> Kind:
    """The kind of an error answer.

    status: of HTTP; a stream that breaks in the middle has 200, so that only `type` tells
    type:   the error's type in the body, e.g. `overloaded_error`
    detail: the stable code that names the cause, e.g. of an exhausted spend limit
    """
    if type == "overloaded_error":
        return "overload"
    if status == 429 and detail is not None and "spend" in detail:
        return "money"
    if type == "rate_limit_error":
        return "rate"
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status is None or status < 400 or status >= 500:
        return "transient"
    return "request"


def classify_text(told: str) -> Kind | None:
    """The kind of a fault that is told in words only, None if they tell nothing."""
    return next((kind for kind, words in BY_WORDS.items() if re.search(words, told, re.IGNORECASE)), None)


def fault(data: object, provider: str) -> ProviderError:
    """The error described by `{"status", "type", "message", "error_code", "retry_after", "usage"}`, all optional.

    Recorded errors name their `kind`, have the whole `message`, and say if they are `final`.
    """
    described = data if isinstance(data, dict) else {"message": str(data)}
    status, type = described.get("status"), described.get("type")
    named = KINDS.get(str(described.get("kind")))
    kind = named or classify(_whole(status), type, described.get("error_code"))
    told = described.get("message") or type or f"status {status}"
    wait = described.get("retry_after")
    return ProviderError(
        kind,
        str(told) if named else f"{provider}: {told}",
        retry_after=float(wait) if isinstance(wait, int | float) else None,
        final=described.get("final") is True,
        usage=_billed(described.get("usage")),
    )


def _billed(counts: object) -> Usage | None:
    if not isinstance(counts, dict):
        return None
    number = {name: int(count) for name, count in counts.items() if isinstance(count, int)}
    return Usage(
        number.get("input", 0), number.get("output", 0), number.get("cache_write", 0), number.get("cache_read", 0)
    )


def _whole(status: object) -> int | None:
    return status if isinstance(status, int) else None
