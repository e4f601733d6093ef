"""Pages of the web: what they become, what is refused, what is kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trio
import trio.testing

from orchestra.errors import OrchError
from orchestra.location import is_url, public_url
from orchestra.runtime.files.loader import Loader
from orchestra.runtime.files.selectors import parse_selector
from orchestra.runtime.files.web import Web, WebLimits
from orchestra.values.tagged import Tagged, plain

PAGE = """<html><head><title>Docs</title><meta name="description" content="All of it"></head>
<body><h1>Docs</h1><p>intro</p><h2>Usage</h2><p>call <code>it</code></p></body></html>"""


class Site:
    """Answers by path and remembers what it was asked for."""

    def __init__(self, answers: dict[str, httpx2.Response | Callable[[], Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url))
        answer = self.answers.get(request.url.path, httpx2.Response(404))
        if isinstance(answer, httpx2.Response):
            return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)
        result: httpx2.Response = await answer()
        return result


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def loader(folder: Path, site: Site, limits: WebLimits | None = None, clock: Clock | None = None) -> Loader:
    web = Web(folder / ".orch/cache", clock or Clock(), limits, httpx2.MockTransport(site))
    return Loader(folder, web=lambda: web)


def fetch(folder: Path, site: Site, url: str, *args: Any, limits: WebLimits | None = None) -> Any:
    return trio.run(partial(loader(folder, site, limits).fetch, url, *args), clock=trio.testing.MockClock(0, 0))


def refused(folder: Path, site: Site, url: str, limits: WebLimits | None = None) -> OrchError:
    with pytest.raises(OrchError) as caught:
        fetch(folder, site, url, limits=limits)
    return caught.value


def answer(kind: str, content: str | bytes, **headers: str) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": kind, **headers}, content=content)


def test_html_becomes_markdown(tmp_path: Path) -> None:
    site = Site({"/p": answer("text/html; charset=utf-8", PAGE)})
    value = fetch(tmp_path, site, "https://docs.test/p")
    assert isinstance(value, Tagged)
    assert value.data == "# Docs\n\nintro\n\n## Usage\n\ncall `it`\n"
    assert (value.meta.taint, value.meta.sources) == (("src:network",), ("https://docs.test/p",))
    facts = value.meta.facts
    assert facts is not None
    assert (facts["url"], facts["domain"], facts["status"]) == ("https://docs.test/p", "docs.test", 200)
    assert (facts["title"], facts["description"]) == ("Docs", "All of it")
    assert (facts["html"], facts["md"], facts["text"]) == (PAGE, value.data, value.data)
    assert facts["headers"]["content-type"] == "text/html; charset=utf-8"


def test_sections_of_a_page(tmp_path: Path) -> None:
    site = Site({"/p": answer("text/html", PAGE)})
    value = fetch(tmp_path, site, "https://docs.test/p", parse_selector("# usage"))
    assert value.data == "## Usage\n\ncall `it`"
    assert value.meta.facts["title"] == "Docs"


@pytest.mark.parametrize(
    ("kind", "content", "data"),
    [
        ("application/json", '{"a": [1]}', {"a": [1]}),
        ("application/problem+json", "[1]", [1]),
        ("text/plain", "[1]", "[1]"),
        ("text/plain; charset=latin-1", "ü".encode("latin-1"), "ü"),
        ("", "text", "text"),
    ],
)
def test_data_by_content_type(tmp_path: Path, kind: str, content: str | bytes, data: Any) -> None:
    assert plain(fetch(tmp_path, Site({"/p": answer(kind, content)}), "http://docs.test/p")) == data


def test_code_selectors_work_on_program_files(tmp_path: Path) -> None:
    site = Site({"/x.py": answer("text/plain", "def f(): pass\n")})
    assert plain(fetch(tmp_path, site, "https://raw.test/x.py", parse_selector("{ fn?? }"))) == ["f"]


def test_cookies_are_not_shown(tmp_path: Path) -> None:
    site = Site({"/p": answer("text/plain", "x", **{"set-cookie": "id=secret"})})
    assert "set-cookie" not in fetch(tmp_path, site, "https://docs.test/p").meta.facts["headers"]


def test_redirects_are_followed(tmp_path: Path) -> None:
    moved = httpx2.Response(302, headers={"location": "https://new.test/q"})
    site = Site({"/p": moved, "/q": answer("text/plain", "here")})
    value = fetch(tmp_path, site, "https://docs.test/p")
    assert (value.data, value.meta.facts["url"], value.meta.facts["domain"]) == (
        "here",
        "https://new.test/q",
        "new.test",
    )


async def no_connection() -> None:
    raise httpx2.ConnectError("connection refused")


@pytest.mark.parametrize(
    ("path", "message", "retryable"),
    [
        ("/gone", "https://docs.test/gone answered with status 404", False),
        ("/busy", "https://docs.test/busy answered with status 503", True),
        ("/off", "https://docs.test/off cannot be loaded: connection refused", True),
        ("/slow", "https://docs.test/slow did not answer within 30 s", True),
        ("/large", "https://docs.test/large is larger than 20000000 bytes", False),
    ],
)
def test_pages_that_cannot_be_had(tmp_path: Path, path: str, message: str, retryable: bool) -> None:
    site = Site(
        {
            "/busy": httpx2.Response(503),
            "/off": no_connection,
            "/slow": partial(trio.sleep, 3600),
            "/large": answer("text/plain", b"x" * 20_000_001),
        }
    )
    error = refused(tmp_path, site, "https://docs.test" + path)
    assert (error.code, error.message, error.retryable) == ("E406", message, retryable)
    assert fetch(tmp_path, site, "https://docs.test" + path, None, True) is None


@pytest.mark.parametrize(
    ("kind", "content", "code"), [("application/json", "{", "E403"), ("text/plain", b"\xff", "E403")]
)
def test_a_damaged_page_is_an_error_even_if_it_is_optional(
    tmp_path: Path, kind: str, content: str | bytes, code: str
) -> None:
    with pytest.raises(OrchError) as caught:
        fetch(tmp_path, Site({"/p": answer(kind, content)}), "https://docs.test/p", None, True)
    assert caught.value.code == code


@pytest.mark.parametrize("url", ["http://[", "https://docs.test:port/"])
def test_urls_that_are_none(tmp_path: Path, url: str) -> None:
    assert refused(tmp_path, Site({}), url).code == "E406"


def test_domains_are_limited_on_every_hop(tmp_path: Path) -> None:
    moved = httpx2.Response(302, headers={"location": "https://evil.test/q"})
    site = Site({"/p": moved, "/q": answer("text/plain", "secret"), "/ok": answer("text/plain", "ok")})
    blocked = WebLimits(blocked=("evil.test",))
    allowed = WebLimits(allowed=("docs.test",))
    assert fetch(tmp_path, site, "https://api.DOCS.test/ok", limits=allowed).data == "ok"
    assert refused(tmp_path, site, "https://docs.test/p", blocked).message == "evil.test is a blocked domain"
    error = refused(tmp_path, site, "https://docs.test/p", allowed)
    assert (error.code, error.message) == ("E602", "evil.test is not an allowed domain")
    assert error.help == "allowed are docs.test"
    assert refused(tmp_path, site, "https://notdocs.test/ok", allowed).code == "E602"
    assert "https://evil.test/q" not in site.asked


def test_answers_are_kept_for_as_long_as_asked(tmp_path: Path) -> None:
    site = Site({"/p": answer("text/html", PAGE)})
    clock = Clock()
    pages = loader(tmp_path, site, clock=clock)

    async def twice() -> None:
        first = await pages.fetch_cached("https://docs.test/p", 300)
        clock.now += 299
        again = await pages.fetch_cached("https://docs.test/p", 300)
        assert (again.data, again.meta.facts["title"]) == (first.data, "Docs")
        assert len(site.asked) == 1
        clock.now += 1
        await pages.fetch_cached("https://docs.test/p", 300)
        assert len(site.asked) == 2
        await pages.fetch("https://docs.test/p")
        assert len(site.asked) == 3

    trio.run(twice)
    assert len(list((tmp_path / ".orch/cache").iterdir())) == 1


def test_a_damaged_or_unwritable_cache_is_no_obstacle(tmp_path: Path) -> None:
    site = Site({"/p": answer("text/plain", "x")})
    pages = loader(tmp_path, site)
    trio.run(pages.fetch_cached, "https://docs.test/p", 300)
    next((tmp_path / ".orch/cache").iterdir()).write_text("{broken")
    assert trio.run(pages.fetch_cached, "https://docs.test/p", 300).data == "x"
    (tmp_path / "file").write_text("")
    web = Web(tmp_path / "file/cache", Clock(), transport=httpx2.MockTransport(site))
    assert trio.run(Loader(tmp_path, web=lambda: web).fetch_cached, "https://docs.test/p", 300).data == "x"


def test_a_page_from_the_disk_obeys_the_limits_of_today(tmp_path: Path) -> None:
    moved = httpx2.Response(302, headers={"location": "https://new.test/q"})
    site = Site({"/p": moved, "/q": answer("text/plain", "x")})
    trio.run(loader(tmp_path, site).fetch_cached, "https://docs.test/p", 300)
    strict = loader(tmp_path, site, WebLimits(blocked=("new.test",)))
    with pytest.raises(OrchError, match=r"^new\.test is a blocked domain$"):
        trio.run(strict.fetch_cached, "https://docs.test/p", 300)


def test_without_network_nothing_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(OrchError, match="this run has no access to the network"):
        trio.run(Loader(tmp_path).fetch, "https://docs.test/p")


def test_user_names_and_passwords_are_sent_but_not_shown(tmp_path: Path) -> None:
    site = Site({"/p": answer("text/plain", "x")})
    value = fetch(tmp_path, site, "https://ann:pw@docs.test/p")
    assert (value.meta.sources, value.meta.facts["url"]) == (("https://docs.test/p",), "https://docs.test/p")
    error = refused(tmp_path, site, "https://ann:pw@docs.test/gone")
    assert error.message == "https://docs.test/gone answered with status 404"
    assert public_url("https://a:b@docs.test?to=x@y.z") == "https://docs.test?to=x@y.z"


def test_a_real_connection(tmp_path: Path) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some(65536)
        await stream.send_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            b'content-length: 7\r\nconnection: close\r\n\r\n{"a":1}'
        )

    async def main() -> Any:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            web = Web(tmp_path, Clock())
            value = await Loader(tmp_path, web=lambda: web).fetch(f"http://127.0.0.1:{port}/p")
            nursery.cancel_scope.cancel()
        return value

    assert plain(trio.run(main)) == {"a": 1}


def test_what_is_a_url() -> None:
    assert is_url("https://a") and is_url("HTTP://a") and not is_url("httpx://a") and not is_url("a.md")
