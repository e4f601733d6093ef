"""Bodies that run again: which of their model requests are answered as before, and which are asked anew.

How the answers are kept has tests beside the store; a process that is killed between two requests is in `test_crash`.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.in_process import Finished, run_in_process

TRIP = """\
import { @claude } from @orch/llm
exe llm @trip(place) = [
  let @plan = @claude(`plan @place`)
  let @price = @claude(`price @plan`)
  => `@plan for @price`
]
show @trip("Oslo")
"""
EDITED = TRIP.replace("`@plan for @price`", "`@plan costs @price`")
REPLIES = [
    {"match": {"contains": "plan Oslo"}, "reply": "walk", "usage": {"input": 1000, "output": 500}},
    {"match": {"contains": "price walk"}, "reply": "9 kr", "usage": {"input": 1000, "output": 500}},
    {"match": {"contains": "price run"}, "reply": "8 kr"},
]


class Desk:
    """A project with one script and recorded replies; `run` tells what was asked of models."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done = Finished(0, "", "")
        self.put("orch.toml", "")
        self.replies(*REPLIES)

    def put(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def replies(self, *cases: dict[str, Any]) -> None:
        self.put("replies.jsonl", "".join(json.dumps(case) + "\n" for case in cases))

    def run(self, script: str, *words: str, exit: int = 0) -> list[str]:
        self.put("s.mld", script)
        (self.root / "calls").unlink(missing_ok=True)
        argv = ["s.mld", "--models", "replies.jsonl", "--calls-out", "calls", *words]
        self.done = run_in_process(argv, self.root, "", {})
        assert self.done.exit == exit, self.done.stderr
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["messages"][0]["content"][0]["text"] for line in lines]

    def orch(self, *words: str) -> str:
        done = run_in_process(list(words), self.root, "", {})
        assert done.exit == 0, done.stderr
        return done.stdout

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.root / ".orch" / "store.db") as raw:
            return raw.execute(sql).fetchall()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


BOTH = ["plan Oslo", "price walk"]


# ── stale ────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_behind_the_requests_costs_nothing(desk: Desk) -> None:
    assert desk.run(TRIP) == BOTH
    assert desk.run(EDITED) == []
    assert desk.done.stdout == "walk costs 9 kr\n"
    assert "0 calls, 2 reused, " in desk.done.stderr
    assert desk.run(EDITED) == []
    assert "1 cached" in desk.done.stderr


def test_an_edited_prompt_is_asked_and_what_comes_before_is_not(desk: Desk) -> None:
    desk.run(TRIP)
    assert desk.run(TRIP.replace("price @plan", "price @plan!")) == ["price walk!"]
    assert "1 call, 1 reused, " in desk.done.stderr
    assert desk.run(TRIP) == []  # the old answer is still there


def test_a_changed_answer_leads_to_another_request(desk: Desk) -> None:
    desk.run(TRIP)
    desk.replies({"match": {"contains": "plan Oslo now"}, "reply": "run"}, *REPLIES)
    assert desk.run(TRIP.replace("plan @place", "plan @place now")) == ["plan Oslo now", "price run"]


@pytest.mark.parametrize(
    "changed", ["{ system: \"short\" }", "{ maxTokens: 50 }", "{ model: \"opus\" }", "{ effort: \"low\" }",
                "{ tools: \"Read\" }", "{ schema: { type: \"string\" } }"],
)  # fmt: skip
def test_another_setting_is_another_request(desk: Desk, changed: str) -> None:
    desk.replies({"reply": '"walk"'})
    desk.run(TRIP)
    asked = desk.run(TRIP.replace("@claude(`plan @place`)", f"@claude(`plan @place`, {changed})"))
    assert len(asked) >= 1 and asked[0].startswith("plan Oslo")


def test_a_helper_or_constant_that_changed_is_no_reason_to_ask(desk: Desk) -> None:
    script = 'var @unit = "kr"\nexe @shown(x) = `<@x @unit>`\n' + TRIP.replace("`@plan for @price`", "@shown(@price)")
    desk.run(script)
    assert desk.run(script.replace('"kr"', '"SEK"')) == []
    assert desk.run(script.replace("`<@x", "`[@x")) == []


def test_equal_requests_of_one_call_have_an_answer_each(desk: Desk) -> None:
    desk.replies(*({"match": {"nth": n}, "reply": f"idea {n}"} for n in (1, 2, 3, 4)))
    script = 'import { @claude } from @orch/llm\nexe llm @ideas(n) = for @i in [1, 2, 3] => @claude("an idea")\n'
    desk.run(script + "show @ideas(1)\n")
    assert desk.run(script.replace("[1, 2, 3] =>", "[1, 2, 3] when @i > 0 =>") + "show @ideas(1)\n") == []
    assert json.loads(desk.done.stdout) == ["idea 1", "idea 2", "idea 3"]


def test_facts_of_a_reused_answer_are_those_of_the_first(desk: Desk) -> None:
    script = TRIP.replace("=> `@plan for @price`", "=> `@price.mx.llm.cost @price.mx.llm.cached @price.mx.taint`")
    desk.run(script)
    first = desk.done.stdout
    desk.run(script.replace("=> `@price", "=> `now @price"))
    assert "false" in first and desk.done.stdout == "now " + first.replace("false", "true")


# ── not reused ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", [("--resume", "@trip"), ("--new",), ("--no-checkpoint",)])
@pytest.mark.parametrize("script", [TRIP, EDITED], ids=["same", "edited"])
def test_who_asks_for_new_answers_gets_them(desk: Desk, words: tuple[str, ...], script: str) -> None:
    desk.run(TRIP)
    assert desk.run(script, *words) == BOTH


def test_a_redo_that_was_cut_off_goes_on_without_the_old_answers(desk: Desk) -> None:
    desk.run(TRIP)
    desk.replies(REPLIES[0])
    desk.run(EDITED, "--resume", "@trip", exit=1)  # nobody answers the second request
    desk.replies(*REPLIES)
    assert desk.run(EDITED) == ["price walk"]


def test_restored_answers_are_reused_again(desk: Desk) -> None:
    desk.run(TRIP)
    desk.orch("checkpoint", "clean", "s.mld")
    desk.orch("checkpoint", "restore", "s.mld")
    assert desk.run(EDITED) == []


def test_a_call_without_cache_is_asked_each_time(desk: Desk) -> None:
    script = TRIP.replace("`price @plan`", "`price @plan`, { cache: false }")
    desk.run(script)
    assert desk.run(script) == BOTH
    assert desk.run(script.replace(" for ", " at ")) == BOTH


def test_a_sample_and_a_retry_are_asked_anew(desk: Desk) -> None:
    desk.replies({"reply": "walk"})
    script = TRIP.replace('@trip("Oslo")', '@trip("Oslo") with { sample: 2 }')
    desk.run(script)
    assert len(desk.run(script.replace(" for ", " at "))) == 2
    desk.put("s.mld", "")
    gate = "exe @gate(x) = when [ @mx.try < 2 => retry; * => @x ]\nexe @priced(p) = @claude(`price @p`)\nexe llm"
    again = TRIP.replace("@claude(`price @plan`)", "@priced(@plan) | @gate").replace("exe llm", gate)
    assert len(desk.run(again)) == 3
    assert desk.run(again.replace(" for ", " at ")) == ["price walk"]  # the second try


def test_manual_mode_reuses_on_demand_only(desk: Desk) -> None:
    desk.run("resume: manual\n" + TRIP)
    assert desk.run("resume: manual\n" + EDITED) == BOTH
    assert desk.run("resume: manual\n" + TRIP, "--resume") == []


def test_secrets_are_not_kept(desk: Desk) -> None:
    desk.replies({"reply": "the key is opensesame1234"})
    environ = {"DESK_API_KEY": "opensesame1234"}
    desk.put("s.mld", TRIP)
    assert run_in_process(["s.mld", "--models", "replies.jsonl"], desk.root, "", environ).exit == 0
    assert desk.rows("SELECT count(*) FROM calls WHERE request IS NOT NULL") == [(0,)]


# ── bodies without a result ──────────────────────────────────────────────────────────────────────

STRICT = TRIP.replace("=> `@plan for", 'if @price == "9 kr" [ throw "too dear" ]\n  => `@plan for')


def test_a_body_that_fails_by_itself_gets_other_answers_unless_it_was_edited(desk: Desk) -> None:
    assert desk.run(STRICT, exit=1) == BOTH
    assert desk.run(STRICT, exit=1) == BOTH
    assert desk.run(STRICT.replace("throw", "show")) == []


def test_new_code_that_fails_keeps_the_answers_of_a_result(desk: Desk) -> None:
    desk.run(TRIP)
    assert desk.run(STRICT, exit=1) == []
    assert desk.run(STRICT, exit=1) == []
    assert desk.run(TRIP) == []


def test_another_try_gets_other_answers(desk: Desk) -> None:
    desk.run(TRIP)
    assert desk.run(STRICT.replace('("Oslo")', '("Oslo") with { retry: 2 }'), exit=1) == [*BOTH, *BOTH]


def test_a_model_that_fails_is_no_reason_to_ask_the_others_again(desk: Desk) -> None:
    desk.replies(REPLIES[0])
    assert desk.run(TRIP, exit=1) == BOTH
    desk.replies(*REPLIES)
    assert desk.run(TRIP) == ["price walk"]
    assert desk.orch("cost", "--json")


@pytest.mark.parametrize("words", [("--resume", "@trip"), ("--resume", "two"), ("--new",)])
def test_unfinished_calls_are_redone_on_demand(desk: Desk, words: tuple[str, ...]) -> None:
    script = TRIP.replace("show", 'checkpoint "two"\nshow')
    desk.replies(REPLIES[0])
    desk.run(script, exit=1)
    desk.replies(*REPLIES)
    assert desk.run(script, *words) == BOTH


# ── tools and files ──────────────────────────────────────────────────────────────────────────────

WRITES = """\
import { @claudePoll } from @orch/llm
exe llm @review(x) = [
  let @r = @claudePoll(`review @x`, "sonnet", "@root", "Read,Write", "@root/out.txt")
  => `got @r`
]
show @review("a")
"""


def _tool(name: str, **input: str) -> dict[str, Any]:
    return {"tool": name, "input": input}


POLL = _tool("Write", file_path="$POLL", content="fine")


def test_a_poll_file_is_written_again(desk: Desk) -> None:
    desk.put("notes.md", "soil")
    desk.replies({"turns": [_tool("Read", file_path="notes.md"), POLL, {"text": "done"}]})
    desk.run(WRITES)
    (desk.root / "out.txt").unlink()
    assert desk.run(WRITES.replace("got", "had")) == []
    assert (desk.done.stdout, (desk.root / "out.txt").read_text()) == ("had fine\n", "fine")
    desk.put("out.txt", "edited by hand")
    assert desk.run(WRITES.replace("got", "has")) == []
    assert (desk.root / "out.txt").read_text() == "fine"
    assert (desk.root / "out.txt.prev").read_text() == "edited by hand"


def test_a_poll_file_is_written_again_to_the_last_byte(desk: Desk) -> None:
    held = WRITES.replace('"sonnet", "@root", "Read,Write", "@root/out.txt"', "@settings")
    settings = 'var @settings = { tools: ["Write"], poll: "@root/out.txt", schema: { kind: "text" } }\n'
    script = held.replace("exe llm", f"{settings}exe llm").replace("got @r", "got @r.kind")
    written = '{ "kind": "oak" }\n\n'
    desk.replies({"turns": [_tool("Write", file_path="$POLL", content=written), {"text": "done"}]})
    desk.run(script)
    (desk.root / "out.txt").unlink()
    assert desk.run(script.replace("got", "had")) == []
    assert (desk.done.stdout, (desk.root / "out.txt").read_text()) == ("had oak\n", written)


@pytest.mark.parametrize("step", [_tool("Write", file_path="b.txt", content="x"), _tool("Bash", command="true")])
def test_other_effects_are_not_given_back_so_the_request_is_made(desk: Desk, step: dict[str, Any]) -> None:
    desk.replies({"turns": [step, POLL, {"text": "done"}]})
    script = WRITES.replace('"Read,Write"', '"Write,Bash(true)"')
    desk.run(script)
    assert desk.run(script.replace("got", "had")) != []


def test_a_function_that_was_a_tool_is_called_again(desk: Desk) -> None:
    desk.replies({"turns": [{"tool": "note", "input": {"x": "1"}}, {"text": "noted"}]})
    script = """\
import { @claude } from @orch/llm
exe @note(x) = `noted @x`
exe llm @ask(q) = [ let @a = @claude(@q, { tools: [@note] }) => `got @a` ]
show @ask("q")
"""
    desk.run(script)
    assert desk.run(script.replace("got", "had")) != []


# ── where it can be seen ─────────────────────────────────────────────────────────────────────────


def test_it_is_told_everywhere(desk: Desk) -> None:
    desk.run(TRIP)
    desk.run(EDITED, "--explain")
    assert 'reused  @trip(place: "Oslo"): 2 of 2 model requests had an answer' in desk.done.stderr
    assert "2 of 2 model requests had an answer from before" in desk.orch("why", "@trip")
    (total,) = json.loads(desk.orch("cost", "--json"))
    assert (total["calls"], total["reused"], total["output"]) == (2, 2, 1000)
    shown = json.loads(desk.orch("show", "--json"))
    assert [(call["cached"], call["cost"], call["turns"]) for call in shown["calls"][2:]] == [(True, 0.0, 0)] * 2
    assert shown["summary"]["calls"] == 2
    assert "reused" in desk.orch("show")


def test_events_tell_of_it(desk: Desk) -> None:
    desk.run(TRIP)
    desk.run(EDITED, "--json")
    events = [json.loads(line) for line in desk.done.stderr.splitlines() if line.startswith("{")]
    assert [event["fn"] for event in events if event["event"] == "llm:reused"] == ["trip", "trip"]
    (end,) = [event for event in events if event["event"] == "call:end"]
    assert (end["asked"], end["reused"]) == (0, 2)


def test_a_reused_answer_needs_no_budget(desk: Desk) -> None:
    desk.run(TRIP, "--budget", "calls=2")
    assert desk.run(EDITED, "--budget", "calls=2") == []


# ── growth ───────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_that_is_the_result_is_kept_once(desk: Desk) -> None:
    desk.replies({"reply": "a long answer with many words " * 100})
    desk.run('import { @claude } from @orch/llm\nexe llm @ask(q) = @claude(@q)\nshow @ask("q")\n')
    blobs = desk.rows("SELECT value_blob FROM checkpoints UNION SELECT answer_blob FROM calls")
    assert len(blobs) == 1 and blobs[0][0] is not None


def test_gc_drops_what_no_result_needs(desk: Desk) -> None:
    desk.run(TRIP)
    desk.run(TRIP.replace("price @plan", "price @plan!"))
    desk.orch("checkpoint", "gc")
    assert desk.rows("SELECT count(*) FROM calls WHERE answer IS NOT NULL") == [(2,)]
    assert desk.run(TRIP.replace("price @plan", "price @plan!").replace(" for ", " at ")) == []
    desk.orch("checkpoint", "gc", "--keep", "0s")
    assert desk.rows("SELECT count(*) FROM calls WHERE request IS NOT NULL") == [(0,)]
