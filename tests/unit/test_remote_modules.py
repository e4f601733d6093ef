"""Modules from the net: fetched from a server on this machine, kept as long as the import says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from orchestra.cli.in_process import Finished, run_in_process

SHELF = {
    "/lib/paint.mld": 'var @hue = "crimson"\nexe @mix(a) = `@a and @hue`\nshow "never"\nexport { @hue, @mix }\n',
    "/prices.json": '{"tea": 3}',
    "/notes.md": '# Notes\n/var @topic = "tea"\n',
    "/broken.mld": "var @x =\n",
}


@pytest.fixture
def served() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that it was asked for."""
    asked: list[str] = []

    class Shelf(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            text = SHELF.get(self.path)
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write((text or "gone").encode())

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def run(code: str, folder: Path) -> Finished:
    (folder / "main.mld").write_text(code)
    return run_in_process(["main.mld"], folder, "", {"PATH": "/usr/bin:/bin", "HOME": str(folder)})


def test_names_come_from_the_net(tmp_path: Path, served: tuple[str, list[str]]) -> None:
    address, _ = served
    done = run(
        f'import {{ mix }} from "{address}/lib/paint.mld"\n'
        f'import "{address}/prices.json" as @prices\n'
        f"import {{ topic }} from <{address}/notes.md>\n"
        'show `@mix("blue") @prices.tea @topic`\n',
        tmp_path,
    )
    assert (done.stdout, done.exit) == ("blue and crimson 3 tea\n", 0), done.stderr


@pytest.mark.parametrize(("kind", "times"), [("", 1), ("cached(1h) ", 1), ("live ", 2)])
def test_kept_as_long_as_the_import_says(tmp_path: Path, served: tuple[str, list[str]], kind: str, times: int) -> None:
    address, asked = served
    code = f'import {kind}{{ hue }} from "{address}/lib/paint.mld"\nshow @hue\n'
    assert [run(code, tmp_path).stdout for _ in range(2)] == ["crimson\n"] * 2
    assert len(asked) == times


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ('import { a } from "ADDRESS/none.mld"', "E406"),
        ('import static { hue } from "ADDRESS/lib/paint.mld"', "E414"),
        ('import { x } from "ADDRESS/broken.mld"', "E101"),
        ('import { shade } from "ADDRESS/lib/paint.mld"', "E411"),
    ],
)
def test_what_goes_wrong(tmp_path: Path, served: tuple[str, list[str]], statement: str, code: str) -> None:
    done = run(statement.replace("ADDRESS", served[0]), tmp_path)
    assert f"error[{code}]" in done.stderr
    assert done.exit > 0
