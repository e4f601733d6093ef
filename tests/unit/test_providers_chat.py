"""The Chat Completions API: what is sent, and the ways in which servers of that form differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chat_wire
import pytest
from chat_wire import DONE, MODEL, USAGE, call, chunk, end, event, fails, head, says, stream, texts, uses
from loopback import CLOSE, HANG, Answer, Loopback, http
from test_providers_faults import KEY, Setting

from orchestra.cli.in_process import run_in_process
from orchestra.errors import OrchError
from orchestra.providers import Surroundings, open_provider
from orchestra.providers.faults import ProviderError
from orchestra.runtime.tools.specs import parse_tools

ALPHA = json.dumps({"file_path": "a.txt"})
SCHEMA = {"type": "object", "required": ["mark"], "properties": {"mark": {"type": "number"}}}


@pytest.fixture
def lab(tmp_path: Path) -> Setting:
    (tmp_path / "a.txt").write_text("alpha\n")
    return Setting(chat_wire, tmp_path)


def bare(*chunks: dict[str, Any], done: bool = True) -> Answer:
    return [head(), b"".join(map(event, chunks)) + (DONE if done else b"")]


def read_twice(lab: Setting, asks: Answer) -> list[dict[str, Any]]:
    """The messages of the turn after a use of tools."""
    assert lab.ask(asks, says("done"), tools=parse_tools("Read")).text == "done"
    messages: list[dict[str, Any]] = lab.requests[1].body["messages"]
    return messages[1:]


def test_what_is_sent(lab: Setting) -> None:
    result = lab.ask(says("Hel", "lo"), system="be brief", effort="max", max_tokens=500, stream=True)
    assert (result.text, result.provider, result.model) == ("Hello", "lab", MODEL)
    assert (result.usage.input, result.usage.output, result.usage.estimated) == (100, 20, False)
    assert [data["text"] for kind, data in lab.events if kind == "llm:text"] == ["Hel", "lo"]
    assert lab.requests[0].path == "/v1/chat/completions"
    assert lab.requests[0].body == {
        "model": MODEL,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "max_tokens": 500,
        "reasoning_effort": "high",
    }


def test_tools_go_and_come_in_their_form(lab: Setting) -> None:
    messages = read_twice(lab, uses("Read", '{"file_', 'path": "a.txt"}', id="call_9"))
    tool = lab.requests[0].body["tools"][0]
    assert (tool["type"], tool["function"]["name"]) == ("function", "Read")
    assert tool["function"]["parameters"]["required"] == ["file_path"]
    function = {"name": "Read", "arguments": ALPHA}
    assert messages == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_9", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_9", "content": "     1\talpha"},
    ]


# ── answers that deviate ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "asks",
    [
        stream(call(ALPHA, id="1", name="Read"), *end("tool_calls")),
        stream(call({"file_path": "a.txt"}, id="1", name="Read"), *end("tool_calls")),
        stream(call(ALPHA, id="1", name="Read"), *end("stop")),
        stream(call(ALPHA, id="1", name="Read"), chunk({}, None)),
        stream(call(ALPHA, index=None, id="1", name="Read"), *end("tool_calls")),
        stream(call(ALPHA[:9], index=None, id="1", name="Read"), call(ALPHA[9:], index=None), *end("tool_calls")),
        stream(call(ALPHA[:9], id="1", name="Read"), call(ALPHA[9:], id="1", name="Read"), *end("tool_calls")),
        bare(call(ALPHA, name="Read"), chunk({}, "tool_calls"), done=False),
    ],
    ids=[
        "one piece",
        "object",
        "a normal end",
        "no reason",
        "no index",
        "no index, pieces",
        "repeated",
        "no id, no DONE",
    ],
)
def test_forms_of_tool_calls(lab: Setting, asks: Answer) -> None:
    first, second = read_twice(lab, asks)
    assert first["tool_calls"][0]["function"] == {"name": "Read", "arguments": ALPHA}
    assert second["content"] == "     1\talpha"
    assert first["tool_calls"][0]["id"] == second["tool_call_id"] != ""


@pytest.mark.parametrize("index", [0, None])
def test_calls_of_one_index_are_told_apart(lab: Setting, index: int | None) -> None:
    two = stream(call(ALPHA, index, id="1", name="Read"), call(ALPHA, index, id="2", name="Read"), *end("tool_calls"))
    assert [message.get("tool_call_id") for message in read_twice(lab, two)] == [None, "1", "2"]


def test_a_tool_without_input(lab: Setting) -> None:
    _, result = read_twice(lab, stream(call("", id="1", name="Read"), *end("tool_calls")))
    assert "file_path" in result["content"]


@pytest.mark.parametrize(
    "answer",
    [
        bare(*texts("all"), chunk({}, "stop")),
        bare(*texts("all"), chunk({}, "stop"), done=False),
        bare(*texts("all")),
        bare(chunk({"content": [{"type": "text", "text": "al"}]}), chunk({"content": "l"}, "stop")),
        bare(chunk({"role": "assistant"}), chunk({"reasoning_content": "hm"}), *texts("all"), chunk({}, "stop")),
        bare({"choices": None}, {"choices": []}, *texts("all"), {**chunk({}, "stop"), "usage": None}),
        [head(), b"".join(map(event, (*texts("all"), chunk({}, "stop")))).replace(b"\n", b"\r\n")],
        [head(), b": keep-alive\n\n", 0.02, b"data:" + event(chunk({"content": "all"}, "stop"))[6:]],
        [head("content-length: 9999\r\n"), b"".join(map(event, (*texts("all"), chunk({}, "stop")))), CLOSE],
    ],
    ids=[
        "no usage",
        "no DONE",
        "only DONE",
        "parts",
        "reasoning",
        "empty choices",
        "CRLF",
        "comments",
        "torn at the end",
    ],
)
def test_forms_of_answers(lab: Setting, answer: Answer) -> None:
    result = lab.ask(answer)
    assert (result.text, result.attempts, result.usage.estimated) == ("all", 1, True)


def test_an_answer_that_is_not_streamed(lab: Setting) -> None:
    message = {"role": "assistant", "content": "all at once"}
    body = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": USAGE}
    result = lab.ask([http(200, json.dumps(body).encode(), "application/json; charset=utf-8")])
    assert (result.text, result.usage.output) == ("all at once", 20)


def test_a_server_that_leaves_the_stream_open(lab: Setting) -> None:
    assert lab.ask([head(), b"".join(map(event, (*texts("all"), *end("stop")))) + DONE, HANG]).text == "all"


def test_what_came_from_the_cache_of_a_server(lab: Setting) -> None:
    usage = {**USAGE, "prompt_tokens_details": {"cached_tokens": 60}}
    lab.table = {"price": {"input": 1, "output": 10}}
    result = lab.ask(bare(*texts("all"), {**chunk({}, "stop"), "usage": usage}))
    assert (result.usage.input, result.usage.cache_read) == (40, 60)
    assert result.cost == pytest.approx((100 * 1 + 20 * 10) / 1e6)


def test_a_refusal_in_its_own_field(lab: Setting) -> None:
    lab.fails("E708", bare(chunk({"refusal": "no"}), chunk({}, "stop")))


def test_an_unknown_end_is_an_error(lab: Setting) -> None:
    assert lab.fails("E718", says("all", stop="tired")).message == 'lab: unknown stop reason "tired"'


# ── what a server does not take ──────────────────────────────────────────────────────────────────


def test_usage_is_not_asked_for_twice_where_it_is_not_known(lab: Setting) -> None:
    no = fails(400, "Unrecognized request argument: stream_options")
    assert lab.ask(no, uses("Read", ALPHA), says("done"), tools=parse_tools("Read")).text == "done"
    assert ["stream_options" in request.body for request in lab.requests] == [True, False, False]


def test_the_other_name_of_max_tokens(lab: Setting) -> None:
    no = fails(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    assert lab.ask(no, says("done"), max_tokens=70).text == "done"
    assert "max_tokens" not in lab.requests[1].body
    assert lab.requests[1].body["max_completion_tokens"] == 70


def test_a_bound_that_does_not_fit_into_the_model_is_left_out(lab: Setting) -> None:
    no = fails(400, "'max_tokens' or 'max_completion_tokens' is too large: 32000")
    assert lab.ask(no, no, says("done")).text == "done"
    assert not {"max_tokens", "max_completion_tokens"} & lab.requests[2].body.keys()


def test_a_schema_is_told_to_the_server_that_can_use_it(lab: Setting) -> None:
    assert lab.ask(says('{"mark": 4}'), schema=SCHEMA).data == {"mark": 4}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    assert lab.requests[0].body["response_format"] == form


def test_a_schema_is_kept_where_the_server_cannot_use_it(lab: Setting) -> None:
    no = fails(400, "response_format is not supported by this model")
    assert lab.ask(no, says('{"mark": "x"}'), says('{"mark": 5}'), schema=SCHEMA).data == {"mark": 5}
    assert ["response_format" in request.body for request in lab.requests] == [True, False, False]


def test_a_schema_is_not_told_when_tools_may_be_used(lab: Setting) -> None:
    lab.ask(says('{"mark": 4}'), schema=SCHEMA, tools=parse_tools("Read"))
    assert "response_format" not in lab.requests[0].body


def test_servers_that_load_a_model_are_waited_for(lab: Setting) -> None:
    assert lab.ask(*[fails(503, "Loading model")] * 7, says("done")).attempts == 8


def test_an_exhausted_account(lab: Setting) -> None:
    error = lab.fails("E711", fails(429, "You exceeded your quota", type="insufficient_quota"))
    assert (error.fatal, error.exit, len(lab.requests)) == (True, 75, 1)


def test_errors_in_other_forms(lab: Setting) -> None:
    assert lab.fails("E718", [http(404, b'{"error": "model not found, try pulling it"}')]).message == (
        "lab: model not found, try pulling it (404)"
    )
    assert lab.fails("E718", [http(422, b'{"detail": [{"msg": "wrong"}]}')]).message == 'lab: [{"msg": "wrong"}] (422)'
    assert (
        lab.fails("E718", [http(400, b"nothing of the kind", "text/plain")]).message == "lab: nothing of the kind (400)"
    )
    assert lab.fails("E718", [http(400, b"", "text/plain")]).message == "lab: X (400)"
    assert lab.fails("E716", bare({"error": "out of memory"}), retries=0).message == "lab: out of memory"


# ── its table ────────────────────────────────────────────────────────────────────────────────────


def opened(environment: dict[str, str], **table: Any) -> Any:
    return open_provider("my-lab", {"type": "openai", **table}, Surroundings(Path("."), environment))


def test_where_the_key_is(lab: Setting) -> None:
    local = {"base": "http://127.0.0.1:1/v1"}
    assert "authorization" not in opened({}, **local, key="none")._headers
    assert "authorization" not in opened({}, **local)._headers
    assert opened({"MY_LAB_API_KEY": "x"}, **local)._headers["authorization"] == "Bearer x"
    assert opened({"MY_LAB_API_KEY": "x"}, **local, key="y")._headers["authorization"] == "Bearer y"
    assert opened({"OTHER": "z"}, **local, keyEnv="OTHER")._headers["authorization"] == "Bearer z"
    for table in ({**local, "keyEnv": "OTHER"}, {"keyEnv": "OTHER"}):
        with pytest.raises(ProviderError) as caught:
            opened({}, **table)
        assert (caught.value.kind, caught.value.message) == ("auth", "my-lab: there is no key")
        assert caught.value.help == "export OTHER=…"


@pytest.mark.parametrize(
    ("table", "message", "help"),
    [
        ({"base": "localhost:11434/v1"}, 'base of provider "my-lab" is no address: "localhost:11434/v1"',
         'base = "http://localhost:11434/v1"'),
        ({"timeout": 0}, 'timeout of provider "my-lab" must be a number of seconds', "timeout = 60"),
    ],
)  # fmt: skip
def test_a_wrong_table(table: dict[str, Any], message: str, help: str) -> None:
    with pytest.raises(OrchError) as caught:
        opened({"MY_LAB_API_KEY": "x"}, **table)
    assert (caught.value.code, caught.value.message, caught.value.help) == ("E812", message, help)


def test_a_key_in_the_table_is_a_secret(lab: Setting) -> None:
    lab.table = {"key": "a-key-in-the-file"}
    with Loopback(lambda request: fails(400, "no a-key-in-the-file")) as server, pytest.raises(OrchError) as caught:
        lab.at(server)
    assert caught.value.message == "lab: no [redacted:key of lab] (400)"
    assert server.requests[0].headers["authorization"] == "Bearer a-key-in-the-file"
    assert KEY not in str(server.requests)


def test_a_key_that_nobody_reads() -> None:
    with pytest.raises(OrchError) as caught:
        opened({}, base="http://localhost/v1", keyenv="X")
    assert (caught.value.code, caught.value.message, caught.value.help) == (
        "E812",
        'provider "my-lab" has the unknown key "keyenv"',
        'did you mean "keyEnv"?',
    )


# ── orch models ──────────────────────────────────────────────────────────────────────────────────


def listed(tmp_path: Path, *words: str, body: bytes = b'{"data": [{"id": "small"}, {"id": "big"}]}') -> Any:
    with Loopback(lambda request: [http(200, body)]) as server:
        tables = [f'[llm.providers.lab]\ntype = "openai"\nbase = "{server.base}/v1"\n']
        tables.append('[llm.providers.cloud]\ntype = "anthropic"\nkeyEnv = "CLOUD_KEY"\n')
        tables.append('[llm.providers.own]\ntype = "command"\ncommand = ["true"]\n')
        (tmp_path / "orch.toml").write_text("\n".join(tables))
        return run_in_process(["models", *words], tmp_path, "", {"HOME": str(tmp_path), "PATH": ""})


def test_models_are_listed(tmp_path: Path) -> None:
    done = listed(tmp_path, "lab", "own")
    assert (done.exit, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["provider", "model"],
        ["lab", "big"],
        ["lab", "small"],
        ["own", "(it", "has", "no", "list)"],
    ]
    assert json.loads(listed(tmp_path, "lab", "--json").stdout) == {"lab": ["big", "small"]}


def test_a_provider_that_cannot_be_asked_does_not_hide_the_others(tmp_path: Path) -> None:
    done = listed(tmp_path)
    assert done.exit == 1
    assert "error[E703]: cloud: there are no credentials" in done.stderr
    assert "lab" in done.stdout


def test_a_list_of_another_form(tmp_path: Path) -> None:
    done = listed(tmp_path, "lab", body=b"[]")
    assert (done.exit, "the list of models has an unknown form" in done.stderr) == (1, True)


def test_models_of_nobody(tmp_path: Path) -> None:
    assert 'there is no provider "lob"' in listed(tmp_path, "lob").stderr
