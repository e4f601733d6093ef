"""Pages as scripts load them, from a server on this machine: fetched anew, within the limits of the project."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from orchestra.cli.in_process import Finished, run_in_process


class Handler(BaseHTTPRequestHandler):
    """`/count` says how often it was asked, `/page` is HTML, `/moved` leads there, the rest is missing."""

    asked = 0

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.answer(302, "", ("Location", "/page"))
        elif self.path == "/page":
            self.answer(200, "<title>Tea</title><h1>Tea</h1><h2>Pot</h2><p>warm</p>", ("Content-Type", "text/html"))
        elif self.path == "/count":
            type(self).asked += 1
            self.answer(200, str(self.asked), ("Content-Type", "text/plain"))
        else:
            self.answer(404, "none")

    def answer(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(text)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())


@pytest.fixture
def site() -> Iterator[str]:
    Handler.asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(folder: Path, site: str, program: str, security: str = "") -> Finished:
    (folder / "orch.toml").write_text(f"[security]\n{security}\n")
    (folder / "x.mld").write_text(f'var @site = "{site}"\n{program}\n')
    return run_in_process(["x.mld"], folder, "", {"HOME": str(folder)})


def test_a_page_is_asked_for_each_time(tmp_path: Path, site: str) -> None:
    done = run(tmp_path, site, "var @a = <@site/count>\nvar @b = <@site/count>\nshow `@a @b`")
    assert done.stdout == "1 2\n", done.stderr


def test_selectors_and_facts_of_a_page_behind_a_redirect(tmp_path: Path, site: str) -> None:
    program = 'var @p = <@site/moved>\nshow `@p.mx.title @p.mx.status`\nshow <@site/moved # Pot> as "# Kettle"'
    assert run(tmp_path, site, program).stdout == "Tea 200\n# Kettle\n\nwarm\n"


def test_a_missing_page_is_null_a_warning_or_an_error(tmp_path: Path, site: str) -> None:
    done = run(tmp_path, site, 'show <@site/no>? ?? "none"\nshow `[<@site/no>]`\nshow <@site/no>')
    assert done.stdout == "none\n[]\n"
    assert "warning[E406]" in done.stderr
    assert "error[E406]" in done.stderr and "x.mld:4:6" in done.stderr and "status 404" in done.stderr
    assert done.exit == 1


@pytest.mark.parametrize(
    ("security", "code"),
    [
        ('allowedDomains = ["tea.test"]', "E602"),
        ('blockedDomains = ["127.0.0.1"]', "E602"),
        ("urlMaxSize = 10", "E406"),
    ],
)
def test_limits_come_from_the_project(tmp_path: Path, site: str, security: str, code: str) -> None:
    done = run(tmp_path, site, "show <@site/page>", security)
    assert f"error[{code}]" in done.stderr
    assert done.stdout == ""


def test_an_allowed_domain(tmp_path: Path, site: str) -> None:
    assert run(tmp_path, site, "show <@site/count>", 'allowedDomains = ["127.0.0.1"]').stdout == "1\n"
