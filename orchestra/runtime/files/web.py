"""Pages of the web: fetched within limits, kept on disk for as long as asked, made into documents.

The one module of this package that waits. Whether a script may use the network is settled before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import trio

from orchestra.errors import OrchError
from orchestra.location import public_url
from orchestra.runtime.files.contents import decode, markdown_of, parse
from orchestra.runtime.files.documents import Document
from orchestra.runtime.files.facts import TextFacts
from orchestra.runtime.files.writer import write
from orchestra.values.tagged import Meta

__all__ = ["Page", "Web", "WebLimits"]

HIDDEN_HEADERS = frozenset({"set-cookie", "set-cookie2"})


@dataclass(frozen=True, slots=True)
class WebLimits:
    """`timeout` in seconds for the whole answer, `size` in bytes; a domain stands for its subdomains too."""

    timeout: float = 30.0
    size: int = 20_000_000
    allowed: tuple[str, ...] = ()  # empty: every domain that is not blocked
    blocked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """An answer as it is kept on disk. `url` is the one that answered, `fetched` in Unix seconds."""

    url: str
    status: int
    headers: dict[str, str]
    text: str
    fetched: float


class Web:
    """Fetches pages. `cache` is the folder for kept answers, `clock` gives Unix seconds."""

    def __init__(
        self,
        cache: Path,
        clock: Callable[[], float],
        limits: WebLimits | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.cache = cache
        self.clock = clock
        self.limits = limits or WebLimits()
        self.transport = transport

    async def get(self, url: str, ttl: float = 0) -> Document:
        """The page at `url`, at most `ttl` seconds old. E406 if it cannot be had, E602 if it is not allowed.

        Only answers that were asked for with a `ttl` are kept.
        """
        self._permit(url)
        page = self._kept(url, ttl) if ttl > 0 else None
        if page is None:
            page = await self._fetch(url)
            if ttl > 0:
                self._keep(url, page)
        return _document(public_url(url), page)

    def _permit(self, url: str) -> None:
        domain = _domain(url)
        if _covered(domain, self.limits.blocked):
            raise OrchError("E602", f"{domain} is a blocked domain")
        if self.limits.allowed and not _covered(domain, self.limits.allowed):
            allowed = ", ".join(self.limits.allowed)
            raise OrchError("E602", f"{domain} is not an allowed domain", help=f"allowed are {allowed}")

    def _place(self, url: str) -> Path:
        return self.cache / f"{sha256(url.encode('utf-8', 'replace')).hexdigest()}.json"

    def _keep(self, url: str, page: Page) -> None:
        with suppress(OrchError):  # a page that cannot be kept is still a page
            write(self._place(url), json.dumps(asdict(page), ensure_ascii=False))

    def _kept(self, url: str, ttl: float) -> Page | None:
        try:
            page = Page(**json.loads(self._place(url).read_text("utf-8")))
        except (OSError, ValueError, TypeError):  # not there, or written by another version
            return None
        if not 0 <= self.clock() - page.fetched < ttl:
            return None
        self._permit(page.url)
        return page

    async def _fetch(self, url: str) -> Page:
        name = public_url(url)
        try:
            with trio.fail_after(self.limits.timeout):
                return await self._request(url, name)
        except trio.TooSlowError:
            seconds = f"{self.limits.timeout:g}"
            raise OrchError("E406", f"{name} did not answer within {seconds} s", retryable=True) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise OrchError("E406", f"{name} cannot be loaded: {reason}", retryable=_passing(error)) from None

    async def _request(self, url: str, name: str) -> Page:
        async def permit(request: httpx2.Request) -> None:
            self._permit(str(request.url))

        async with (
            httpx2.AsyncClient(
                transport=self.transport,
                timeout=None,  # one limit for everything stands around the request
                follow_redirects=True,
                event_hooks={"request": [permit]},
            ) as client,
            client.stream("GET", url) as response,
        ):
            if not response.is_success:
                raise OrchError(
                    "E406",
                    f"{name} answered with status {response.status_code}",
                    details={"status": response.status_code},
                    retryable=response.status_code in (408, 429) or response.status_code >= 500,
                )
            raw = await self._body(response, name)
        return Page(
            public_url(str(response.url)),
            response.status_code,
            _headers(response),
            _text(raw, response, name),
            self.clock(),
        )

    async def _body(self, response: httpx2.Response, name: str) -> bytes:
        raw = bytearray()
        async for part in response.aiter_bytes():
            raw += part
            if len(raw) > self.limits.size:
                raise OrchError("E406", f"{name} is larger than {self.limits.size} bytes")
        return bytes(raw)


def _domain(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        raise OrchError("E406", f"{public_url(url)} is not a valid URL") from None


def _covered(domain: str, domains: tuple[str, ...]) -> bool:
    return any(domain == name.lower() or domain.endswith("." + name.lower()) for name in domains)


def _passing(error: Exception) -> bool:
    return isinstance(error, httpx2.TransportError) and not isinstance(error, httpx2.UnsupportedProtocol)


def _headers(response: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in HIDDEN_HEADERS}


def _text(raw: bytes, response: httpx2.Response, name: str) -> str:
    """The body in the character set the server names, else as UTF-8."""
    charset = response.charset_encoding
    if charset is None or charset.lower() in ("utf-8", "utf8"):
        return decode(raw, name)
    try:
        return raw.decode(charset)
    except (LookupError, UnicodeDecodeError):
        raise OrchError("E403", f"{name} is not text in its character set {charset}") from None


def _document(name: str, page: Page) -> Document:
    kind = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    own: dict[str, Any] = {
        "url": page.url,
        "domain": _domain(page.url),
        "status": page.status,
        "headers": page.headers,
        "title": None,
        "description": None,
        "html": None,
        "md": None,
    }
    return Document(name, _facts(page, kind, own), Meta(taint=("src:network",), sources=(name,)))


def _facts(page: Page, kind: str, own: Mapping[str, Any]) -> TextFacts:
    if kind in ("text/html", "application/xhtml+xml"):
        markdown, about = markdown_of(page.text, page.url)
        return TextFacts(markdown, markdown, ".md", own={**own, **about, "html": page.text, "md": markdown})
    if kind == "application/json" or kind.endswith("+json"):
        return TextFacts(page.text, parse(page.text, ".json", page.url), ".json", own=own)
    return TextFacts(page.text, page.text, Path(urlsplit(page.url).path).suffix.lower(), own=own)
