"""The parts around the loop: retry arithmetic, gates, redaction, schemas from files, the archive."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from orchestra.errors import OrchError
from orchestra.providers.faults import Kind, ProviderError, classify
from orchestra.runtime.archive import Archive
from orchestra.runtime.limits import Gate
from orchestra.runtime.pace import Pace
from orchestra.runtime.redact import Redactor, is_secret_name
from orchestra.runtime.retry import next_delay
from orchestra.runtime.schema import candidate, load_schema, repair_message


def timed(main: Callable[[], Awaitable[Any]]) -> Any:
    return trio.run(main, clock=MockClock(autojump_threshold=0))


# ── retry ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "attempt", "after", "delay"),
    [
        ("rate", 1, None, 1.0),
        ("rate", 1, 20.0, 21.0),
        ("overload", 3, None, 4.0),
        ("overload", 8, None, 30.0),
        ("overload", 9, None, None),
        ("transient", 4, None, 8.0),
        ("transient", 5, None, None),
        ("timeout", 1, None, 1.0),
        ("auth", 1, None, None),
        ("money", 1, 5.0, None),
        ("request", 1, None, None),
        ("broken", 1, None, None),
        ("replay", 1, None, None),
    ],
)
def test_delays(kind: Kind, attempt: int, after: float | None, delay: float | None) -> None:
    error = ProviderError(kind, "x", retry_after=after)
    assert next_delay(attempt, error, retries=8, chance=0.5) == delay


def test_a_final_fault_and_no_retries() -> None:
    assert next_delay(1, ProviderError("overload", "x", final=True), retries=8, chance=0.5) is None
    assert next_delay(1, ProviderError("overload", "x"), retries=0, chance=0.5) is None


@pytest.mark.parametrize(
    ("status", "type", "detail", "kind"),
    [
        (401, None, None, "auth"),
        (403, None, None, "auth"),
        (402, None, None, "money"),
        (429, "rate_limit_error", None, "rate"),
        (429, None, "org_spend_limit", "money"),
        (529, None, None, "overload"),
        (200, "overloaded_error", None, "overload"),
        (200, "rate_limit_error", None, "rate"),
        (200, "api_error", None, "transient"),
        (None, None, None, "transient"),
        (408, None, None, "transient"),
        (503, None, None, "transient"),
        (404, None, None, "request"),
        (413, None, None, "request"),
    ],
)
def test_kinds_of_faults(status: int | None, type: str | None, detail: str | None, kind: str) -> None:
    assert classify(status, type, detail) == kind


# ── gates ────────────────────────────────────────────────────────────────────────────────────────


async def widest(gate: Gate, tasks: int) -> int:
    """How many of the tasks are inside at the same time."""
    inside = most = 0

    async def one() -> None:
        nonlocal inside, most
        async with gate.slot():
            inside += 1
            most = max(most, inside)
            await trio.sleep(1)
            inside -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(one)
    return most


@pytest.mark.parametrize(("gate", "most"), [((2, True), 2), ((7, False), 7), ((None, True), 2), ((None, False), 30)])
def test_width(gate: tuple[int | None, bool], most: int) -> None:
    assert timed(lambda: widest(Gate(*gate), 30)) == most


async def served(gate: Gate, slots: int, items: int, refuses: bool = False) -> tuple[int, list[float]]:
    """How many of the items, asked for by twenty workers, were most at a server that answers `slots` at a time.

    With the widths that the gate had. Who comes too many waits at the server, or is sent away.
    """
    at_server = most = 0
    widths: list[float] = []
    server = trio.CapacityLimiter(slots)
    left = iter(range(items))

    async def turn(since: float) -> bool:
        if refuses and server.available_tokens == 0:
            gate.slowed(since, 0.1)
            return False
        async with server:
            gate.accepted(since)
            await trio.sleep(1)
        return True

    async def worker() -> None:
        nonlocal at_server, most
        for _ in left:
            done = False
            while not done:
                async with gate.slot() as since:
                    at_server += 1
                    most = max(most, at_server)
                    done = await turn(since)
                    at_server -= 1
            gate.succeeded(since)
            widths.append(gate.width)

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(worker)
    assert len(widths) == items
    return most, widths


@pytest.mark.parametrize("refuses", [False, True])
def test_a_local_server_gets_hardly_more_than_it_can_answer(refuses: bool) -> None:
    most, _ = timed(lambda: served(Gate(local=True), 2, 229, refuses))
    assert most == 3


def test_a_local_gate_grows_to_what_the_server_can_answer() -> None:
    most, widths = timed(lambda: served(Gate(local=True), 6, 400))
    assert (widths[0], max(widths), widths[-1], most) == (2, 7, 6, 7)


def widths(pace: Pace, *rounds: tuple[int, float]) -> list[int]:
    """The widths after so many turns of so many seconds each, one after the other."""
    now, found = 0.0, []
    for turns, seconds in rounds:
        for _ in range(turns):
            width, now = pace.after(now, now + seconds), now + seconds
        found.append(width)
    return found


def test_a_cold_server_does_not_make_the_next_width_look_good() -> None:
    assert widths(Pace(), (2, 60.0), (8, 1.0), (3, 1.5), (9, 1.5)) == [2, 3, 3, 2]
    assert widths(Pace(), (2, 1.0), (5, 1.0), (3, 60.0), (3, 1.5), (9, 1.5)) == [2, 2, 3, 3, 2]


def test_turns_that_are_too_short_say_nothing() -> None:
    assert widths(Pace(), (10, 0.2), (3, 0.2), (9, 0.2)) == [3, 3, 2]


def test_a_width_that_was_of_no_use_is_tried_again_later() -> None:
    pace = Pace()
    assert widths(pace, (10, 1.0), (12, 1.5), (101, 1.0), (1, 1.0), (3, 1.0), (9, 1.0)) == [3, 2, 2, 3, 3, 4]


def test_after_a_complaint_one_call_tries_and_the_others_follow() -> None:
    async def main() -> list[float]:
        gate = Gate(declared=20)
        sent: list[float] = []

        async def call() -> None:
            async with gate.slot() as since:
                await trio.sleep(1)
            gate.slowed(since, 2.0)
            async with gate.slot() as since:
                sent.append(since)
                await trio.sleep(1)
                gate.accepted(since)
                await trio.sleep(10)

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(call)
        return sent

    assert [round(at, 6) for at in timed(main)] == [3.0, *[4.0] * 9, 14.0, *[15.0] * 9]


def test_the_next_one_tries_when_the_first_is_given_up() -> None:
    async def main() -> list[float]:
        gate = Gate()
        gate.slowed(trio.current_time(), 1)
        sent: list[float] = []

        async def call(limit: float) -> None:
            with trio.move_on_after(limit):
                async with gate.slot() as since:
                    sent.append(since)
                    await trio.sleep(100)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, 5)
            await trio.sleep(1.5)
            nursery.start_soon(call, 1)  # gives up while it waits
            nursery.start_soon(call, 8)
            nursery.start_soon(call, 8)
        return sent

    assert timed(main) == [1, 5]


def test_a_declared_gate_shrinks_and_recovers_up_to_its_width() -> None:
    async def main() -> list[float]:
        gate = Gate(4)
        widths = []
        async with gate.slot() as since, gate.slot(), gate.slot():
            gate.slowed(since, 0)
            gate.slowed(since, 0)  # a second one of the same round
            widths.append(gate.width)
        await trio.sleep(1)
        async with gate.slot():
            gate.slowed(trio.current_time(), 0)
            widths.append(gate.width)
        for _ in range(60):
            gate.succeeded(trio.current_time())
        return [*widths, gate.width]

    assert timed(main) == [2, 1, 4]


def test_an_undeclared_gate_halves_what_was_in_flight() -> None:
    async def main() -> float:
        gate = Gate()
        async with gate.slot() as since, gate.slot(), gate.slot(), gate.slot(), gate.slot():
            gate.slowed(since, 0)
        return gate.width

    assert timed(main) == 3


def test_everybody_waits_together_and_holds_no_slot() -> None:
    async def main() -> tuple[float, float]:
        gate = Gate(1)
        gate.slowed(trio.current_time(), 30)

        async def waiting() -> None:
            async with gate.slot():
                pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiting)
            await trio.sleep(1)
            borrowed = gate._slots.borrowed_tokens
        return borrowed, trio.current_time()

    borrowed, now = timed(main)
    assert borrowed == 0
    assert now == pytest.approx(30)


def test_who_gets_a_slot_after_the_server_complained_waits_again() -> None:
    async def main() -> float:
        gate = Gate(1)

        async def complains() -> None:
            async with gate.slot():
                await trio.sleep(1)
                gate.slowed(trio.current_time(), 10)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(complains)
            await trio.sleep(0.5)
            async with gate.slot():
                return trio.current_time()

    assert timed(main) == pytest.approx(11)


# ── redaction ────────────────────────────────────────────────────────────────────────────────────


def test_secrets_in_all_their_forms() -> None:
    secret = "p@ss word/42"
    redactor = Redactor(
        {"DB_PASSWORD": secret, "HOME": "/home/someone", "SHORT_TOKEN": "abc", "MULTI_KEY": "first-line\nx"}
    )
    coded = base64.b64encode(secret.encode()).decode()
    text = f"{secret} p%40ss%20word%2F42 {coded} /home/someone abc first-line"
    assert redactor.clean(text) == (
        "[redacted:DB_PASSWORD] [redacted:DB_PASSWORD] [redacted:DB_PASSWORD] /home/someone abc [redacted:MULTI_KEY]"
    )


def test_longer_secrets_win_and_data_is_cleaned_at_every_depth() -> None:
    redactor = Redactor({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefgh"})
    assert redactor.clean_data({"abcdefgh": ["abcdef", 1, None, {"x": "abcdefgh!"}]}) == {
        "[redacted:B_TOKEN]": ["[redacted:A_TOKEN]", 1, None, {"x": "[redacted:B_TOKEN]!"}]
    }


def test_known_shapes() -> None:
    redactor = Redactor({})
    assert redactor.clean("use sk-ant-api03-abcdefghijklmnopqrst now") == "use [redacted:api-key] now"
    assert redactor.clean("AKIAABCDEFGHIJKLMNOP") == "[redacted:aws-key]"
    key = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"
    assert redactor.clean(f"a {key} b") == "a [redacted:private-key] b"
    assert redactor.clean("task-force sk-1") == "task-force sk-1"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("LAB_API_KEY", True),
        ("GITHUB_TOKEN", True),
        ("CLIENT_SECRET", True),
        ("ANTHROPIC_AUTH_TOKEN", True),
        ("ANTHROPIC_CUSTOM_HEADERS", True),
        ("ANTHROPIC_BASE_URL", False),
        ("ANTHROPIC_MODEL", False),
        ("PATH", False),
        ("KEYBOARD", False),
    ],
)
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────


def test_a_schema_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"type": "object"}')
    assert load_schema("s.json", tmp_path) == {"type": "object"}
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    for name, message in {
        "none.json": 'the schema "none.json" cannot be read: No such file or directory',
        "bad.json": 'the schema "bad.json" is not JSON: Expecting property name enclosed in double quotes: '
        "line 1 column 2 (char 1)",
        "list.json": 'the schema "list.json" must be an object',
    }.items():
        with pytest.raises(OrchError) as caught:
            load_schema(name, tmp_path)
        assert (caught.value.code, caught.value.message) == ("E713", message)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (' {"a": 1} ', ('{"a": 1}', {"a": 1})),
        ("7", ("7", 7)),
        ('x\n```json\n[1]\n```\n{"b": 2}', ("[1]", [1])),
        ('```\nnot json\n```\n then {"b": [2]} end', ('{"b": [2]}', {"b": [2]})),
        ("[ {", None),
        ("", None),
    ],
)
def test_the_json_of_an_answer(text: str, found: tuple[str, Any] | None) -> None:
    assert candidate(text) == found


def test_at_most_ten_problems_are_listed() -> None:
    message = repair_message([f"/{number}: wrong" for number in range(12)])
    assert message.count("wrong") == 10
    assert "- and 2 more" in message


# ── archive ──────────────────────────────────────────────────────────────────────────────────────


def test_numbers_go_on_after_those_of_another_process(tmp_path: Path) -> None:
    archive = Archive(lambda: tmp_path / "prompts", Redactor({}))
    first = archive.begin("ask", {"model": "x", "poll": None}, "hello")
    assert first is not None and first.name == "0001-ask"
    assert (tmp_path / "prompts/0001-ask.prompt.md").read_text() == "---\nmodel: x\n---\n\nhello\n"
    (tmp_path / "prompts/0002-ask.prompt.md").touch()
    second = archive.begin("ask", {}, "x")
    assert second is not None and second.name == "0003-ask"
    fresh = Archive(lambda: tmp_path / "prompts", Redactor({})).begin("review", {}, "x")
    assert fresh is not None and fresh.name == "0004-review"


def test_no_folder_no_archive() -> None:
    assert Archive(lambda: None, Redactor({})).begin("ask", {}, "x") is None
