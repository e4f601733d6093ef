"""What can go wrong between us and a server, for each wire format: how often is asked, and that nothing gets lost."""

from __future__ import annotations

import email.utils
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import chat_wire
import messages_wire
import pytest
import trio
from loopback import CLOSE, HANG, RESET, Answer, Loopback, Request, http, in_turn

from orchestra.errors import OrchError
from orchestra.runtime.agent import Agent
from orchestra.runtime.calls import LLMRequest, LLMResult
from orchestra.runtime.tools.specs import parse_tools

KEY = "key-of-the-model-42"
PAGE = b"<html><head><title>Bad\n gateway</title></head><body>nginx</body></html>"


class Setting:
    """A project folder, and a server that speaks one of the formats."""

    def __init__(self, wire: ModuleType, root: Path) -> None:
        self.wire = wire
        self.root = root
        self.table: dict[str, Any] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.requests: list[Request] = []
        self.chance = 0.0

    def ask(self, *answers: Answer, **fields: Any) -> LLMResult:
        with Loopback(in_turn(*answers)) as server:
            self.requests = server.requests
            return self.at(server, **fields)

    def at(self, server: Loopback, **fields: Any) -> LLMResult:
        return trio.run(self.call, server.base, fields)

    async def call(self, base: str, fields: dict[str, Any]) -> LLMResult:
        agent = Agent(
            root=self.root,
            config={"provider": self.wire.NAME, "providers": {self.wire.NAME: self.wire.table(base, **self.table)}},
            environment={"MODEL_KEY": KEY},
            emit=lambda kind, data: self.events.append((kind, data)),
            archive_dir=lambda: None,
            chance=lambda: self.chance,
        )
        request = {"call_id": "c", "fn": "ask", "prompt": "hi", "model": self.wire.MODEL, "dir": self.root, **fields}
        try:
            return await agent.call(LLMRequest(**request))
        finally:
            await agent.close()

    def fails(self, code: str, *answers: Answer, **fields: Any) -> OrchError:
        with pytest.raises(OrchError) as caught:
            self.ask(*answers, **fields)
        assert caught.value.code == code, caught.value.message
        return caught.value

    @property
    def waits(self) -> list[float]:
        return [data["delay"] for kind, data in self.events if kind == "llm:retry"]

    def survives(self, fault: Answer, **fields: Any) -> LLMResult:
        """The fault, then an answer: exactly one more request, and the whole of the answer."""
        result = self.ask(fault, self.wire.says("who", "le"), **fields)
        assert (result.text, result.attempts, len(self.requests)) == ("whole", 2, 2)
        assert self.requests[0].body == self.requests[1].body
        return result


@pytest.fixture(params=[messages_wire, chat_wire], ids=["messages", "chat"])
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    return Setting(request.param, tmp_path)


# ── limits and overload ──────────────────────────────────────────────────────────────────────────


def test_a_limit_without_a_time(setting: Setting) -> None:
    setting.survives(setting.wire.fails(429, "slow down", type="rate_limit_error"))
    assert setting.waits == [0]


def test_a_limit_with_seconds(setting: Setting) -> None:
    setting.survives(setting.wire.fails(429, "slow down", "retry-after: 0.2"))
    assert setting.waits == [0.2]
    assert setting.requests[1].at - setting.requests[0].at >= 0.2


def test_a_limit_with_a_date_of_the_servers_clock(setting: Setting) -> None:
    dates = [email.utils.formatdate(moment, usegmt=True) for moment in (1_000_000_000, 1_000_000_090)]
    error = setting.fails(
        "E711", setting.wire.fails(429, "slow", f"date: {dates[0]}", f"retry-after: {dates[1]}"), timeout=60
    )
    assert (error.details["retryAfter"], len(setting.requests)) == (90, 1)


def test_a_limit_with_a_date_that_has_passed(setting: Setting) -> None:
    setting.survives(setting.wire.fails(429, "slow down", "retry-after: Wed, 21 Oct 2015 07:28:00 GMT"))
    assert setting.waits == [0]


def test_a_limit_with_nonsense(setting: Setting) -> None:
    setting.survives(setting.wire.fails(429, "slow down", "retry-after: soon"))
    assert setting.waits == [0]


def test_a_limit_that_stays(setting: Setting) -> None:
    error = setting.fails("E711", *[setting.wire.fails(429, "slow down")] * 9)
    assert (len(setting.requests), error.exit, error.retryable) == (9, 75, True)
    assert error.message == f"{setting.wire.NAME}: slow down (429)"


def test_overload_before_a_stream(setting: Setting) -> None:
    setting.survives(setting.wire.fails(529, "Overloaded", type="overloaded_error"))


def test_overload_in_the_middle_of_a_stream(setting: Setting) -> None:
    setting.survives(setting.wire.overloaded_midway("half"))


# ── connections ──────────────────────────────────────────────────────────────────────────────────


def test_a_reset_in_the_middle_of_a_stream(setting: Setting) -> None:
    setting.survives([setting.wire.half("half"), 0.05, RESET])


def test_a_reset_before_any_answer(setting: Setting) -> None:
    setting.survives([RESET])


def test_a_stream_that_ends_too_early(setting: Setting) -> None:
    setting.survives([setting.wire.half("half")])


def test_a_stream_that_is_shorter_than_it_says(setting: Setting) -> None:
    body = setting.wire.half("half").removeprefix(setting.wire.head())
    setting.survives([setting.wire.head("content-length: 100000\r\n"), body, CLOSE])


def test_a_stream_of_nothing(setting: Setting) -> None:
    setting.survives([setting.wire.head()])


def test_an_event_that_is_cut(setting: Setting) -> None:
    setting.survives([setting.wire.half("one", "two")[:-20]])


def test_an_event_that_is_no_json(setting: Setting) -> None:
    setting.survives([setting.wire.half("half") + b'data: {"type": "content_blo\n\n'])


def test_invalid_utf_8_is_no_answer(setting: Setting) -> None:
    head, body = setting.wire.says("gr@n")
    setting.survives([head, body.replace(b"gr@n", b"gr\xfcn")])


def test_a_character_in_two_packets(setting: Setting) -> None:
    head, body = setting.wire.says("gr@n")
    before, _, after = body.partition(b"@")
    assert setting.ask([head, before + b"\xc3", 0.05, b"\xbc" + after]).text == "grün"


def test_a_server_that_never_answers(setting: Setting) -> None:
    setting.table = {"timeout": 0.2}
    error = setting.fails("E706", *[[HANG]] * 3, retries=2)
    assert len(setting.requests) == 3
    assert error.message == f"{setting.wire.NAME}: nothing came for 0.2 s"


def test_a_server_that_stops_answering(setting: Setting) -> None:
    setting.table = {"timeout": 0.2}
    setting.survives([setting.wire.half("half"), HANG])


def test_a_call_that_has_to_end_in_time(setting: Setting) -> None:
    error = setting.fails("E706", [HANG], timeout=0.2)
    assert (len(setting.requests), error.message) == (1, "no answer within 0.2 s")


def test_no_server(setting: Setting) -> None:
    with Loopback(in_turn()) as server:
        pass
    with pytest.raises(OrchError) as caught:
        setting.at(server, retries=0)
    assert caught.value.code == "E716"
    assert caught.value.message.startswith(f"{setting.wire.NAME}: there is no server at http://127.0.0.1:")
    assert caught.value.help == "start it, or correct base"


# ── what is answered ─────────────────────────────────────────────────────────────────────────────


def test_half_the_input_of_a_tool_is_not_used(setting: Setting) -> None:
    wire = setting.wire
    half = wire.uses("Write", '{"file_path": "a.txt", "con', 'tent": "on')
    whole = wire.uses("Write", '{"file_path": "a.txt", ', '"content": "one"}', id="second")
    assert setting.ask(half, whole, wire.says("done"), tools=parse_tools("Write")).text == "done"
    assert wire.results(setting.requests[1].body)[0].startswith("the input of Write is no complete JSON")
    assert (setting.root / "a.txt").read_text() == "one"
    assert len(setting.requests) == 3


def test_an_empty_answer_is_an_error(setting: Setting) -> None:
    assert setting.fails("E717", setting.wire.says()).message == "the model answered nothing"
    assert len(setting.requests) == 1


def test_a_refusal_is_not_asked_for_again(setting: Setting) -> None:
    assert setting.fails("E708", setting.wire.says("I ", stop=setting.wire.REFUSAL)).code == "E708"
    assert len(setting.requests) == 1


def test_a_tool_call_that_was_cut_is_asked_for_again_with_more_room(setting: Setting) -> None:
    wire = setting.wire
    cut = wire.uses("Write", '{"file_path": "a.txt"', stop=wire.CUT)
    assert setting.ask(cut, wire.says("done"), tools=parse_tools("Write"), max_tokens=100).text == "done"
    assert [request.body["max_tokens"] for request in setting.requests] == [100, 200]
    assert not (setting.root / "a.txt").exists()
    assert len(setting.requests[1].body["messages"]) == 1


def test_a_tool_call_that_is_cut_again_fails(setting: Setting) -> None:
    cut = setting.wire.uses("Write", '{"file_path": "a.txt"', stop=setting.wire.CUT)
    assert setting.fails("E707", cut, cut, tools=parse_tools("Write"), max_tokens=100).code == "E707"
    assert len(setting.requests) == 2


def test_a_model_that_goes_on_for_ever(setting: Setting) -> None:
    (setting.root / "a.txt").write_text("a")
    again = setting.wire.uses("Read", '{"file_path": "a.txt"}')
    error = setting.fails("E710", *[again] * 7, tools=parse_tools("Read"), max_turns=7)
    assert (len(setting.requests), error.message) == (7, "the model was not done after 7 turns")


def test_a_long_answer_is_whole(setting: Setting) -> None:
    text = "0123456789abcdef" * 1024
    result = setting.ask(setting.wire.says(*[text] * 320))
    assert len(result.text) == 5 * 1024 * 1024
    assert result.text == text * 320


def test_a_long_answer_in_one_piece(setting: Setting) -> None:
    text = "x" * (5 * 1024 * 1024)
    assert setting.ask(setting.wire.says(text)).text == text


def test_what_is_not_known_is_passed_over(setting: Setting) -> None:
    result = setting.ask(setting.wire.with_unknown_events("as ever"))
    assert (result.text, len(setting.requests)) == ("as ever", 1)


@pytest.mark.parametrize(("kind", "named"), [("text/html", "text/html"), ("", "something without a type")])
def test_a_page_instead_of_an_answer(setting: Setting, kind: str, named: str) -> None:
    error = setting.fails("E718", [http(200, PAGE, kind)])
    assert f" answered with {named} instead of a stream of events" in error.message
    assert error.help == "check base: is it the address of the interface for programs?"
    assert len(setting.requests) == 1


def test_an_error_page_is_told_by_its_title(setting: Setting) -> None:
    setting.survives([http(502, PAGE, "text/html")])
    reason = next(data["reason"] for kind, data in setting.events if kind == "llm:retry")
    assert reason == f"{setting.wire.NAME}: Bad gateway (502)"


def test_a_redirect_is_not_followed(setting: Setting) -> None:
    with Loopback(in_turn()) as elsewhere:
        moved = http(308, b"", "", f"location: {elsewhere.base}/new{setting.wire.PATH}")
        error = setting.fails("E718", [moved])
        assert elsewhere.requests == []
    base = f"{elsewhere.base}/new" + ("/v1" if setting.wire is chat_wire else "")
    assert (error.help, len(setting.requests)) == (f'base = "{base}"', 1)


# ── refusals of the server ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "code", "fatal", "exit", "help"),
    [
        (400, "E718", False, 1, None),
        (401, "E703", True, 1, "check the key in MODEL_KEY"),
        (402, "E711", True, 75, "the same command goes on when the account is in credit again"),
        (403, "E703", True, 1, "check the key in MODEL_KEY"),
        (404, "E718", False, 1, "`orch models {name}` lists its models"),
        (413, "E718", False, 1, None),
    ],
)
def test_what_is_refused_is_not_asked_for_again(
    setting: Setting, status: int, code: str, fatal: bool, exit: int, help: str | None
) -> None:
    name = setting.wire.NAME
    error = setting.fails(code, setting.wire.fails(status, f"no {KEY}", type="x"))
    assert (error.message, error.fatal, error.exit) == (f"{name}: no [redacted:MODEL_KEY] ({status})", fatal, exit)
    assert (error.help or "").startswith((help or "").format(name=name))
    assert len(setting.requests) == 1


def test_a_server_that_wants_no_second_try(setting: Setting) -> None:
    setting.fails("E716", setting.wire.fails(500, "broken", "x-should-retry: false"))
    assert len(setting.requests) == 1


def test_faults_of_the_server_are_tried_five_times(setting: Setting) -> None:
    setting.fails("E716", *[setting.wire.fails(500, "broken")] * 5)
    assert len(setting.requests) == 5


# ── the way to the server ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with Loopback(in_turn()) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, server.base)
            monkeypatch.setenv(name.lower(), server.base)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield server


def test_a_proxy_gets_nothing_that_is_meant_for_this_machine(setting: Setting, proxy: Loopback) -> None:
    assert setting.ask(setting.wire.says("direct")).text == "direct"
    assert proxy.requests == []


def test_the_key_goes_to_the_server_and_nowhere_else(setting: Setting) -> None:
    setting.ask(
        setting.wire.uses("Bash", json.dumps({"command": f"echo {KEY}; env"})),
        setting.wire.says(f"it is {KEY}"),
        tools=parse_tools("Bash"),
        prompt=f"what is {KEY}?",
    )
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in setting.requests)
    assert KEY not in str(setting.events)


def test_connections_are_used_again(setting: Setting) -> None:
    head, body = setting.wire.says("ok")
    again = setting.wire.uses("Bash", '{"command": "true"}')
    lasting = [
        [setting.wire.head(f"content-length: {len(answer[1])}\r\n"), answer[1]] for answer in (again, (head, body))
    ]
    with Loopback(in_turn(*lasting)) as server:
        assert setting.at(server, tools=parse_tools("Bash")).text == "ok"
        assert server.connections == 1


def test_a_prompt_that_is_no_text(setting: Setting) -> None:
    if setting.wire is messages_wire:
        assert setting.fails("E718", prompt="\ud800").message.endswith("the prompt holds characters that are no text")
    else:
        assert setting.ask(setting.wire.says("ok"), prompt="\ud800").text == "ok"
