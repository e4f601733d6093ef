"""The wire between the interpreter and a model that is a program: one process for each turn.

The request comes as JSON on standard input, the reply goes to standard output as JSON. Who answers what is left to
the talks that the caller hands in; a request that none of them understands ends with exit code 2 and a message on
standard error. The file is the same in every example, so that each can be copied by itself.
"""

from __future__ import annotations

import json
import os.path
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from standin.dialogue import Answer, Call, GaveUp, Result, Talk, as_json

Request = dict[str, Any]
Reply = dict[str, Any]
Block = dict[str, Any]
Choose = Callable[[str], Talk]  # the talk that a prompt asks for; raises NotUnderstood

CHARACTERS_PER_TOKEN = 4


class NotUnderstood(Exception):
    """The request is none that the stand-in can answer; the message says why."""


def serve(choose: Choose) -> int:
    """Answer the turn on standard input. Returns the exit code of the program."""
    try:
        reply = answer(read_request(sys.stdin.read()), choose)
    except NotUnderstood as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
        return 2
    json.dump(reply, sys.stdout, ensure_ascii=False)
    return 0


def read_request(text: str) -> Request:
    """The request, checked as far as it is used. Raises NotUnderstood."""
    try:
        request = json.loads(text)
    except ValueError as error:
        raise NotUnderstood(f"the request is not JSON: {error}") from None
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        raise NotUnderstood("the request has no list of messages")
    if request.get("version") != 1:
        raise NotUnderstood(f"version {request.get('version')!r} of the protocol is unknown, only 1 is known")
    return request


def answer(request: Request, choose: Choose) -> Reply:
    """The reply to one turn: the next tool calls of the talk, or its closing words."""
    prompt = _prompt(request)
    results = list(_results(request))
    tools = {str(tool.get("name")) for tool in request.get("tools") or []}
    content = _next_turn(choose(prompt), results, tools, section(prompt, "answer_path"))
    stop = "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"
    usage = {"input": _tokens(request["messages"]), "output": _tokens(content)}
    return {"content": content, "stop": stop, "usage": usage}


def section(prompt: str, tag: str) -> str | None:
    """The text between `<tag>` and `</tag>`, where both begin a line or share one."""
    found = re.search(rf"^<{tag}>\n(.*?)\n</{tag}>$|^<{tag}>(.*)</{tag}>$", prompt, re.DOTALL | re.MULTILINE)
    return None if found is None else (found[1] if found[1] is not None else found[2])


def _next_turn(talk: Talk, results: list[Result], tools: set[str], path: str | None) -> list[Block]:
    """Play the talk with the results so far; what it asks for next is the reply."""
    position = 0
    try:
        calls = next(talk)
        while len(results) >= position + len(calls):
            position += len(calls)
            calls = talk.send(results[position - len(calls) : position])
    except StopIteration as end:
        return _ending(end.value, results[position:], tools, path, position)
    except GaveUp as error:
        return [{"type": "text", "text": str(error)}]
    missing = sorted({call.name for call in calls} - tools)
    if missing:
        return [{"type": "text", "text": f"I cannot go on without the tool {missing[0]}."}]
    return _uses(calls, position)


def _ending(done: Answer, rest: list[Result], tools: set[str], path: str | None, used: int) -> list[Block]:
    """Write the document, then close; without a place to write it, the document is the answer."""
    document = as_json(done.document)
    if path is None or "Write" not in tools:
        return [{"type": "text", "text": document}]
    if not rest:
        return _uses([Call("Write", {"file_path": path, "content": document})], used)
    return [{"type": "text", "text": document if rest[0].failed else done.words}]


def _uses(calls: Sequence[Call], used: int) -> list[Block]:
    return [
        {"type": "tool_use", "id": f"call-{used + number}", "name": call.name, "input": call.input}
        for number, call in enumerate(calls, 1)
    ]


def _prompt(request: Request) -> str:
    first = next((one for one in request["messages"] if isinstance(one, dict) and one.get("role") == "user"), {})
    text = "\n".join(block["text"] for block in _blocks(first, "text"))
    if not text:
        raise NotUnderstood("the request has no prompt")
    return text


def _results(request: Request) -> Iterator[Result]:
    for message in request["messages"]:
        for block in _blocks(message, "tool_result"):
            yield Result(_text(block.get("content")), bool(block.get("is_error")))


def _blocks(message: dict[str, Any], kind: str) -> list[Block]:
    content = message.get("content") or []
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block for block in blocks if isinstance(block, dict) and block.get("type") == kind]


def _text(content: object) -> str:
    """The text of a tool result, which is a string or a list of text blocks."""
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return str(content or "")


def _tokens(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False)) // CHARACTERS_PER_TOKEN
