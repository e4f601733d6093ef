"""Recorded answers for programs that ask over HTTP: what is asked becomes a turn, the reply the body of an answer.

Serving it is the business of `orch fake-endpoint`, which case answers of `replay_cases`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

from orchestra.providers.faults import Kind, ProviderError
from orchestra.providers.prices import ALIASES
from orchestra.providers.protocol import Reply, Turn
from orchestra.providers.replay import ReplayModel
from orchestra.providers.replay_cases import load_cases

__all__ = ["FORMATS", "Answer", "Endpoint", "Format", "Refusal"]

UNSEEN = frozenset({"fn", "agent", "purpose", "item"})  # nobody says them over HTTP

STATUS: dict[Kind, int] = {
    "auth": 401,
    "money": 402,
    "request": 400,
    "rate": 429,
    "overload": 529,
    "transient": 500,
    "timeout": 504,
    "broken": 502,
    "replay": 404,
}
TYPES = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and the seconds after which it is given."""

    reply: Reply
    delay: float


class Refusal(Exception):
    """A request that is answered with an error. `body` is what both formats have in common."""

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        kind = TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        self.body: Body = {"type": "error", "error": {"type": kind, "message": message, "code": status}}


@dataclass(slots=True)
class _Talk:
    """A conversation, known by its beginning. `answered`: the next one that begins so is another."""

    number: int = 0
    answered: bool = False


@dataclass(slots=True)
class Endpoint:
    """All conversations with one set of cases. May be asked by several threads."""

    model: ReplayModel
    names: list[str]
    _talks: dict[str, _Talk] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of_file(cls, path: Path) -> Endpoint:
        cases = load_cases(path, UNSEEN)
        names = [ALIASES.get(name, name) for name in cases.models()] or ["scripted"]
        return cls(ReplayModel("fake endpoint", cases), list(dict.fromkeys(names)))

    def answer(self, body: Body, form: Format) -> Answer:
        """Raises Refusal."""
        turn = self._turn(body, form)
        try:
            with self._lock:
                turn, talk = self._placed(turn)
                delay = self.model.begin(turn) or 0.0
                reply = self.model.reply(turn)
                talk.answered = True
        except ProviderError as error:
            told = " · ".join((error.message, *error.notes))
            raise Refusal(STATUS[error.kind], told, error.retry_after) from None
        return Answer(reply, delay)

    def _turn(self, body: Body, form: Format) -> Turn:
        messages, model = body.get("messages"), body.get("model")
        if not isinstance(messages, list) or not messages or not isinstance(model, str):
            raise Refusal(400, "model and messages are needed")
        asked = next((alias for alias, id in ALIASES.items() if id == model), model)
        prompt = next((_text(message) for message in messages if _role(message) == "user"), "")
        return Turn("", "", prompt, asked, model, messages, Path("."), form.system(body))

    def _placed(self, turn: Turn) -> tuple[Turn, _Talk]:
        """The turn with the id of its conversation. One without answers begins anew, unless it failed so far."""
        start = json.dumps([turn.model, turn.system, turn.prompt])
        talk = self._talks.setdefault(start, _Talk())
        if talk.answered and not any(_role(message) == "assistant" for message in turn.messages):
            talk.number, talk.answered = talk.number + 1, False
        call_id = f"{start}{talk.number}"
        return Turn(call_id, "", turn.prompt, turn.asked, turn.model, turn.messages, turn.dir, turn.system), talk

    def unused(self) -> list[str]:
        return self.model.unused()


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else None


def _text(message: Body) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


# ── the two formats ──────────────────────────────────────────────────────────────────────────────


class Format:
    """How one API writes requests and answers."""

    def system(self, body: Body) -> str | None:
        raise NotImplementedError

    def whole(self, reply: Reply) -> Body:
        """The answer in one piece."""
        raise NotImplementedError

    def pieces(self, reply: Reply, body: Body) -> Iterator[tuple[str | None, Body | None]]:
        """The answer as events: a name where there is one, and data; None is the mark of the end."""
        raise NotImplementedError


class Messages(Format):
    """The Messages API."""

    def system(self, body: Body) -> str | None:
        system = body.get("system")
        return _text({"content": system}) if system else None

    def whole(self, reply: Reply) -> Body:
        usage = reply.usage
        return {
            "id": "msg_replayed",
            "type": "message",
            "role": "assistant",
            "model": reply.model,
            "content": reply.content,
            "stop_reason": reply.stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage.input,
                "output_tokens": usage.output,
                "cache_creation_input_tokens": usage.cache_write,
                "cache_read_input_tokens": usage.cache_read,
            },
        }

    def pieces(self, reply: Reply, body: Body) -> Iterator[tuple[str | None, Body | None]]:
        whole = self.whole(reply)
        message = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 0}}
        yield _event("message_start", message=message)
        for index, block in enumerate(reply.content):
            empty: Body = {"text": ""} if block["type"] == "text" else {"input": {}}
            yield _event("content_block_start", index=index, content_block={**block, **empty})
            for delta in _deltas(block):
                yield _event("content_block_delta", index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        stop = {"stop_reason": reply.stop, "stop_sequence": None}
        yield _event("message_delta", delta=stop, usage={"output_tokens": reply.usage.output})
        yield _event("message_stop")


def _event(name: str, **data: Any) -> tuple[str, Body]:
    return name, {"type": name, **data}


def _deltas(block: Body) -> Iterator[Body]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in _cut(block["text"]))
    else:
        pieces = _cut(json.dumps(block["input"], ensure_ascii=False))
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)


def _cut(text: str) -> list[str]:
    return [text[start : start + 40] for start in range(0, len(text), 40)]


class Chat(Format):
    """The Chat Completions API."""

    FINISHES: ClassVar = {"tool_use": "tool_calls", "max_tokens": "length", "refusal": "content_filter"}

    def system(self, body: Body) -> str | None:
        return next((_text(message) for message in body["messages"] if _role(message) in ("system", "developer")), None)

    def whole(self, reply: Reply) -> Body:
        message: Body = {"role": "assistant", "content": reply.text or None}
        if calls := self._calls(reply):
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": self._finish(reply)}
        return {**self._head(reply, "chat.completion"), "choices": [choice], "usage": self._usage(reply)}

    def pieces(self, reply: Reply, body: Body) -> Iterator[tuple[str | None, Body | None]]:
        head = self._head(reply, "chat.completion.chunk")

        def chunk(delta: Body, finish: str | None = None) -> tuple[None, Body]:
            return None, {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

        yield chunk({"role": "assistant", "content": ""})
        for piece in _cut(reply.text):
            yield chunk({"content": piece})
        for index, call in enumerate(self._calls(reply)):
            yield chunk({"tool_calls": [{"index": index, **call}]})
        yield chunk({}, self._finish(reply))
        options = body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage"):
            yield None, {**head, "choices": [], "usage": self._usage(reply)}
        yield None, None

    def _head(self, reply: Reply, kind: str) -> Body:
        return {"id": "chatcmpl-replayed", "object": kind, "created": 0, "model": reply.model}

    def _calls(self, reply: Reply) -> list[Body]:
        return [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.input, ensure_ascii=False)},
            }
            for call in reply.calls
        ]

    def _finish(self, reply: Reply) -> str:
        return self.FINISHES.get(reply.stop, "stop")

    def _usage(self, reply: Reply) -> Body:
        usage = reply.usage
        total = usage.prompt + usage.output
        return {"prompt_tokens": usage.prompt, "completion_tokens": usage.output, "total_tokens": total}


# Path of a request → how it is read and answered.
FORMATS: dict[str, Format] = {"/v1/messages": Messages(), "/v1/chat/completions": Chat()}
