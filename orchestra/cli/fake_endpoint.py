"""`orch fake-endpoint --models FILE`: serve recorded replies over HTTP, so that HTTP providers can be tried offline.

What is answered is decided in `providers.replay_server`; here are the sockets.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click

from orchestra.cli.clicked import invoke
from orchestra.cli.flag_values import usage
from orchestra.cli.shell import Shell
from orchestra.providers.replay_server import FORMATS, Answer, Endpoint, Format, Refusal

__all__ = ["FakeEndpoint", "main"]

LEFT_OVER = 2
LARGEST = 64 * 1024 * 1024  # bytes of a request


def main(argv: list[str], shell: Shell) -> int:
    return invoke(fake_endpoint, argv, shell)


@click.command(name="fake-endpoint")
@click.option("--models", required=True, metavar="FILE", help="The replies, as for orch run --models.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0, the default, takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--strict-models", "strict", is_flag=True, help="Exit with 2 if replies are left over.")
@click.pass_obj
def fake_endpoint(shell: Shell, models: str, port: int, host: str, strict: bool) -> int:
    """Serve recorded replies as the Messages API and the Chat Completions API, until Ctrl-C.

    Serves /v1/messages, /v1/chat/completions, /v1/models and /api/tags. The address is printed first.
    """
    endpoint = Endpoint.of_file(shell.cwd / models)
    try:
        server = FakeEndpoint((host, port), endpoint)
    except OSError as error:
        raise usage(f"cannot listen on {host}:{port}: {error.strerror}", "--port 0 takes a free one") from None
    with server:
        _serve(server, shell)
    unused = endpoint.unused()
    if unused and strict:
        shell.note(f"{len(unused)} recorded replies answered nothing: {', '.join(unused[:10])}")
        return LEFT_OVER
    return 0


def _serve(server: FakeEndpoint, shell: Shell) -> None:
    """Until SIGINT or SIGTERM. Who reads the address can rely on both."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    worker = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    worker.start()
    shell.say(f"http://{server.server_address[0]!s}:{server.server_port}")
    shell.stdout.flush()
    try:
        ended.wait()
    finally:
        server.shutdown()
        worker.join()
        for number, handler in before.items():
            signal.signal(number, handler)


class FakeEndpoint(ThreadingHTTPServer):
    """A server on a port of its own."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeEndpoint

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was asked can be written down by whoever asks."""

    def do_GET(self) -> None:
        names = self.server.endpoint.names
        path = self.path.partition("?")[0]
        if path == "/v1/models":
            entries = [{"id": name, "object": "model", "type": "model", "display_name": name} for name in names]
            self._send(200, {"object": "list", "data": entries, "has_more": False})
        elif path == "/api/tags":
            self._send(200, {"models": [{"name": name, "model": name, "size": 0} for name in names]})
        else:
            self._refuse(Refusal(404, f"there is no {path}"))

    def do_POST(self) -> None:
        form = FORMATS.get(self.path.partition("?")[0])
        try:
            body = self._body()
            if form is None:
                raise Refusal(404, f"there is no {self.path}")
            answer = self.server.endpoint.answer(body, form)
        except Refusal as refusal:
            return self._refuse(refusal)
        time.sleep(answer.delay)
        if body.get("stream"):
            return self._stream(answer, body, form)
        return self._send(200, form.whole(answer.reply))

    def _body(self) -> dict[str, Any]:
        """The request as JSON. Read whole even if it is refused, so that the connection stays usable."""
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LARGEST:
            self.close_connection = True
            raise Refusal(400, "a content-length is needed")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise Refusal(400, f"not JSON: {error}") from None
        if not isinstance(body, dict):
            raise Refusal(400, "a request is an object")
        return body

    def _send(self, status: int, body: dict[str, Any], **headers: str) -> None:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {"content_type": "application/json", "content_length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, refusal: Refusal) -> None:
        wait = refusal.retry_after
        self._send(refusal.status, refusal.body, **({} if wait is None else {"retry_after": f"{wait:g}"}))

    def _stream(self, answer: Answer, body: dict[str, Any], form: Format) -> None:
        """Events without a length: the end of the connection is the end of the answer."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for name, data in form.pieces(answer.reply, body):
            head = f"event: {name}\n" if name is not None else ""
            told = "[DONE]" if data is None else json.dumps(data, ensure_ascii=False)
            self.wfile.write(f"{head}data: {told}\n\n".encode("utf-8", "replace"))
            self.wfile.flush()
