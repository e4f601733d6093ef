"""A server of both wire formats that takes its time: `python bench/model_server.py DELAY SLOTS REFUSALS`.

It prints its port, serves until its standard input ends, and then prints as JSON what it saw: the number of requests,
how many were there at once at most, and when each came. The first REFUSALS requests get 429 with `retry-after: 2`.
"""

from __future__ import annotations

import json
import sys
from functools import partial

import trio

CHAT = (
    {"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "a short answer"}}]},
    {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"model": "m", "choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 4}},
)
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
    "stop_sequence": None, "usage": {"input_tokens": 20, "output_tokens": 1},
}  # fmt: skip
MESSAGES = (
    {"type": "message_start", "message": MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a short answer"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
)


def answer(status: str, kind: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


CHAT_ANSWER = answer(
    "200 OK",
    "text/event-stream",
    b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in CHAT) + b"data: [DONE]\n\n",
)
MESSAGES_ANSWER = answer(
    "200 OK",
    "text/event-stream",
    b"".join(b"event: %b\ndata: %b\n\n" % (str(one["type"]).encode(), json.dumps(one).encode()) for one in MESSAGES),
)
LIMITED = answer("429 Too Many", "application/json", b'{"error": {"message": "slow down"}}', "retry-after: 2")


class Seen:
    """What happened."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.times: list[float] = []
        self.there = self.most = 0


async def serve(seen: Seen, slots: trio.CapacityLimiter, delay: float, connection: trio.SocketStream) -> None:
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = await connection.receive_some()
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        size = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        while len(data) < size:
            data += await connection.receive_some()
        data = data[size:]
        await connection.send_all(await respond(seen, slots, delay, b"/chat/" in head))


async def respond(seen: Seen, slots: trio.CapacityLimiter, delay: float, chat: bool) -> bytes:
    seen.times.append(trio.current_time())
    seen.there += 1
    seen.most = max(seen.most, seen.there)
    try:
        if len(seen.times) <= seen.refusals:
            return LIMITED
        async with slots:
            await trio.sleep(delay)
        return CHAT_ANSWER if chat else MESSAGES_ANSWER
    finally:
        seen.there -= 1


async def main(delay: float, slots: int, refusals: int) -> None:
    seen = Seen(refusals)
    async with trio.open_nursery() as nursery:
        handler = partial(serve, seen, trio.CapacityLimiter(slots), delay)
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handler, listeners)
        print(listeners[0].socket.getsockname()[1], flush=True)
        await trio.to_thread.run_sync(sys.stdin.read)
        nursery.cancel_scope.cancel()
    first = min(seen.times, default=0.0)
    print(json.dumps({"most": seen.most, "times": [time - first for time in seen.times]}))


if __name__ == "__main__":
    trio.run(main, float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
