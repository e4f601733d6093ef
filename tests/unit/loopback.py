"""A server on 127.0.0.1 whose every byte, pause and broken connection is up to the test.

What the bytes mean is written in `messages_wire` and `chat_wire`, one for each wire format.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

__all__ = ["CLOSE", "HANG", "RESET", "Answer", "Loopback", "Request", "http", "in_turn"]

RESET = "reset"  # the connection is torn down
CLOSE = "close"  # it ends here, whatever was announced
HANG = 3600.0

# What is done one after the other: bytes are sent, numbers are seconds of silence.
Answer = Sequence[bytes | float | str]


@dataclass(frozen=True)
class Request:
    """One request. `at` is the time on the monotonic clock, `headers` have small letters."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


def http(status: int, body: bytes, kind: str = "application/json", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *([f"content-type: {kind}"] if kind else [])]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    """One answer after the other; the request after the last one is an error of the test."""
    left = list(answers)
    return lambda request: left.pop(0)


class Loopback(socketserver.ThreadingTCPServer):
    """Use as a context. `respond` is called in a thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 100

    def __init__(self, respond: Callable[[Request], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.respond = respond
        self.requests: list[Request] = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.in_flight = self.most = self.connections = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Loopback:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def count(self, more: int) -> None:
        with self.lock:
            self.in_flight += more
            self.most = max(self.most, self.in_flight)


class _Handler(socketserver.StreamRequestHandler):
    server: Loopback
    disable_nagle_algorithm = True
    timeout = 10  # a client that waits for what does not come is a failing test, and not one without an end

    def handle(self) -> None:
        self.server.connections += 1
        with suppress(ConnectionError, TimeoutError):
            while (request := self._request()) is not None:
                self.server.count(1)
                try:
                    self.server.requests.append(request)
                    if not self._send(self.server.respond(request)):
                        return
                finally:
                    self.server.count(-1)

    def _request(self) -> Request | None:
        first = self.rfile.readline().decode().split()
        if not first:
            return None
        headers = {}
        while (line := self.rfile.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        return Request(first[1], headers, json.loads(body or b"{}"), time.monotonic())

    def _send(self, answer: Answer) -> bool:
        """Whether the connection can be used again: an answer without a length ends with it."""
        lasting = False
        for piece in answer:
            if isinstance(piece, bytes):
                lasting = lasting or b"content-length" in piece[:500]
                self.wfile.write(piece)
            elif piece == CLOSE:
                return False
            elif piece == RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return False
            else:
                self.server.over.wait(float(piece))
        return lasting
