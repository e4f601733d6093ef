"""What providers that are asked over HTTP share: the client, and what it means when something goes wrong on the way.

What is sent and how an answer is read is left to the modules of the wire formats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx2

from orchestra.errors import OrchError
from orchestra.providers.choice import is_local
from orchestra.providers.faults import ProviderError

__all__ = [
    "address",
    "damage",
    "excerpt",
    "misdirection",
    "open_client",
    "retry_wait",
    "silence",
    "transport_fault",
]

CONNECT = 20.0  # seconds
IDLE_CONNECTIONS = 100
LONGEST_EXCERPT = 200
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<(?:style|script).*?</(?:style|script)>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def address(name: str, base: str) -> str:
    """The address of a server without a slash at its end. Raises E812 if it is none."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        example = base if "//" not in base else "localhost:11434/v1"
        raise OrchError("E812", f'base of provider "{name}" is no address: "{base}"', help=f'base = "http://{example}"')
    return base.rstrip("/")


def silence(name: str, settings: Mapping[str, Any], default: float) -> float:
    """`timeout` of a provider's table: seconds without a byte after which a connection counts as lost."""
    seconds = settings.get("timeout", default)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        raise OrchError("E812", f'timeout of provider "{name}" must be a number of seconds', help="timeout = 60")
    return float(seconds)


def open_client(base: str, seconds: float) -> httpx2.AsyncClient:
    """A client for one server, which may be silent for so many seconds.

    Redirects are not followed: a prompt goes where the configuration says. A proxy of the environment gets nothing
    that is meant for this machine.
    """
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT, seconds), pool=None),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=IDLE_CONNECTIONS),
        follow_redirects=False,
        trust_env=not is_local(base),
    )


def retry_wait(headers: Mapping[str, str], clock: Callable[[], float]) -> float | None:
    """Seconds that a server asks to wait: as a number, or as a date by the server's clock if it shows it."""
    told = headers.get("retry-after")
    if told is None:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        until, now = _moment(told), _moment(headers.get("date", ""))
        return None if until is None else max(0.0, until - (clock() if now is None else now))


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def transport_fault(name: str, base: str, error: BaseException, seconds: float) -> ProviderError:
    """What it means that a request found no server, or its answer no end."""
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        help = "start it, or correct base" if is_local(base) else "check base and the network"
        return ProviderError("transient", f"{name}: there is no server at {base}", help=help)
    if isinstance(error, httpx2.TimeoutException):
        help = f"timeout of provider {name} is how many seconds it may be silent"
        return ProviderError("timeout", f"{name}: nothing came for {seconds:g} s", help=help)
    return ProviderError("transient", f"{name}: the answer broke off: {error or type(error).__name__}")


def damage(name: str, error: Exception) -> ProviderError:
    """The bytes of an answer make no sense, as when they were cut or mixed up on the way."""
    what = "is not UTF-8" if isinstance(error, UnicodeError) else "is damaged"
    return ProviderError("transient", f"{name}: the answer {what}")


def misdirection(
    name: str, base: str, response: httpx2.Response, path: str, kinds: Collection[str]
) -> ProviderError | None:
    """The fault of an answer that no model gave: a redirect, or a page.

    path:  what was asked for below `base`
    kinds: the content types that answers of models have
    """
    location = response.headers.get("location")
    if response.is_redirect and location:
        target = str(response.url.join(location))
        moved = target.removesuffix(path)
        help = f'base = "{moved}"' if moved != target else "correct base"
        message = f"{name}: {base} sends on to {target} ({response.status_code})"
        return ProviderError("request", message, help=help)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.is_success and kind not in kinds:
        message = f"{name}: {base} answered with {kind or 'something without a type'} instead of a stream of events"
        return ProviderError("broken", message, help="check base: is it the address of the interface for programs?")
    return None


def excerpt(body: str) -> str:
    """What an error answer says, on one line: the message in its JSON, the title of its page, or its beginning."""
    title = TITLE.search(body)
    text = unescape(title[1] if title else TAG.sub(" ", body)) if body.lstrip().startswith("<") else _message(body)
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_EXCERPT else line[:LONGEST_EXCERPT] + "…"


def _message(body: str) -> str:
    try:
        data = json.loads(body)
    except ValueError:
        return body
    error = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(error, dict):
        error = next((error[key] for key in ("message", "detail", "msg") if error.get(key)), error)
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
