"""Commands that look into the store: runs, show, cost, checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_desk import Desk

from orchestra.store import CallRow, Execution, Store, make_key

SCRIPT = "llm/run/audit.mld"
OUT = "llm/output/audit/2026-01-02-1"
STARTED = "2026-01-02T03:04:05.678Z"


@contextmanager
def store(desk: Desk) -> Iterator[Store]:
    opened = Store.open(desk.root / ".orch" / "store.db", now=lambda: STARTED, mounts=lambda: "")
    yield opened
    opened.close()


def start(opened: Store, script: str = SCRIPT, payload: str = "{}") -> Execution:
    return opened.start(script, payload, ["run", "audit"], new=False, read_digest=lambda path: None)


def call(id: str, cost: float | None = 0.02, **changes: object) -> CallRow:
    facts = {
        "fn": "review",
        "provider": "anthropic",
        "model": "m-1",
        "started": STARTED,
        "ms": 2500,
        "turns": 2,
    }
    tokens = {"input": 1500, "output": 300, "cache_write": 0, "cache_read": 12000}
    rest = {
        "stop": "end_turn",
        "attempts": 1,
        "cached": False,
        "archive": None,
        "phase": "review",
        "error": None,
    }
    return CallRow(id=id, cost=cost, **{**facts, **tokens, **rest, **changes})  # type: ignore[arg-type]


def put(execution: Execution, fn: str, argument: str, value: object, phase: str | None = None) -> None:
    execution.checkpoints.put(
        make_key(SCRIPT, fn, [argument]),
        {"code": "c"},
        value,
        preview=argument,
        first_arg=argument,
        phase=phase,
        site=0,
        place="audit.mld:1:1",
        seq=0,
        ms=5,
        meta={},
        deps={},
    )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "project")
    desk.write("orch.toml")
    desk.write(SCRIPT)
    return desk


@pytest.fixture
def used(desk: Desk) -> Desk:
    desk.write(f"{OUT}/prompts/0001-review.prompt.md", "Please review.\n")
    desk.write(f"{OUT}/prompts/0001-review.result.md", "All good.\n")
    with store(desk) as opened:
        audit = start(opened, payload='{"topic": "moss"}')
        audit.choose_out_dir(OUT)
        audit.calls.put(call("c1", archive="0001-review"))
        audit.calls.put(call("c2", cost=None, fn="verify", stop=None, error="E706 timed out"))
        put(audit, "review", "fig", "three", "rating")
        put(audit, "review", "plum", {"n": 4}, "rating")
        put(audit, "sum", "[3,4]", 7)
        audit.finish(0)
        start(opened, "llm/run/gone.mld")
    return desk


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    "words", [["runs"], ["show"], ["cost"], ["checkpoint", "list"], ["checkpoint", "clean", "audit"]]
)
def test_a_project_without_a_store(desk: Desk, words: list[str]) -> None:
    assert desk.orch(*words) == 1
    assert desk.err.startswith("error[E806]: nothing is stored yet: there is no store.db in ")
    assert not (desk.root / ".orch").exists()


# ── runs, show, cost ─────────────────────────────────────────────────────────────────────────────


def test_runs_latest_first(used: Desk) -> None:
    assert used.orch("runs") == 0
    heading, gone, audit = rows(used.out)
    assert heading == ["run", "script", "no.", "started", "state", "times", "calls", "cost"]
    assert gone == ["r2", "llm/run/gone.mld", "1", "2026-01-02", "03:04", "running", "1", "0"]
    assert audit == ["r1", SCRIPT, "1", "2026-01-02", "03:04", "done", "1", "2", "at", "least", "$0.02"]


def test_runs_of_one_script(used: Desk) -> None:
    for name in ("audit", SCRIPT):
        used.orch("runs", name, "--json")
        assert [run["id"] for run in json.loads(used.out)] == ["r1"]
    used.orch("runs", "audit.mld", "--json", cwd="llm/run")
    assert [run["id"] for run in json.loads(used.out)] == ["r1"]
    used.orch("runs", "llm/run/gone.mld", "--json")
    assert [run["id"] for run in json.loads(used.out)] == ["r2"]
    used.orch("runs", "-n", "1", "--json")
    assert [run["id"] for run in json.loads(used.out)] == ["r2"]


def test_one_run(used: Desk) -> None:
    assert used.orch("show", "r1") == 0
    lines = used.out.splitlines()
    assert lines[0] == f"r1: {SCRIPT}, number 1, done"
    assert lines[1] == '  payload      {"topic": "moss"}'
    assert f"  output       {OUT}" in lines
    assert "  stored       3 results" in lines
    assert rows(used.out)[-2:] == [
        ["c1", "review", "m-1", "review", "2.5", "s", "2", "1.5k", "300", "$0.02", "end_turn"],
        ["c2", "verify", "m-1", "review", "2.5", "s", "2", "1.5k", "300", "E706", "timed", "out"],
    ]


def test_the_latest_run_is_shown_unless_named(used: Desk) -> None:
    used.orch("show")
    assert used.out.startswith("r2: llm/run/gone.mld, number 1, running\n")
    used.orch("show", "last", "--json")
    assert json.loads(used.out)["summary"]["id"] == "r2"


def test_one_call_with_prompt_and_answer(used: Desk) -> None:
    assert used.orch("show", "r1", "c1") == 0
    assert "fn           review\n" in used.out
    prompts = used.root / OUT / "prompts"
    assert used.out.endswith(
        f"\n── prompt ── {prompts}/0001-review.prompt.md\nPlease review.\n"
        f"\n── answer ── {prompts}/0001-review.result.md\nAll good.\n"
    )
    used.orch("show", "r1", "c2", "--json")
    assert json.loads(used.out)["error"] == "E706 timed out"


def test_runs_and_calls_that_are_not_there(used: Desk) -> None:
    assert used.orch("show", "r9") == 2
    assert used.err == 'error[E810]: there is no run "r9"\n   = help: did you mean r1?\n'
    assert used.orch("show", "nonsense") == 2
    assert used.err.endswith("   = help: orch runs lists them\n")
    assert used.orch("show", "r1", "zzz") == 2
    assert used.err == 'error[E810]: run r1 has no call "zzz"\n   = help: orch show r1 lists them\n'


def test_cost(used: Desk) -> None:
    assert used.orch("cost") == 0
    assert rows(used.out)[1:] == [
        ["review", "m-1", "1", "0", "1.5k", "300", "12k", "$0.02"],
        ["verify", "m-1", "1", "1", "1.5k", "300", "12k", "unknown"],
        ["total", "2", "1", "3k", "600", "24k", "at", "least", "$0.02"],
    ]
    used.orch("cost", "r1", "--json")
    assert [total["fn"] for total in json.loads(used.out)] == ["review", "verify"]
    assert used.orch("cost", "last") == 0
    assert used.out == "No model calls yet.\n"


def test_cost_by_phase_and_run(used: Desk) -> None:
    assert used.orch("cost", "--by", "run", "--by", "function") == 0
    assert [row[:2] for row in rows(used.out)[1:]] == [["r1", "review"], ["r1", "verify"], ["total", "2"]]
    assert used.orch("cost", "r1", "--by", "function", "--json") == 0
    assert [(sum["fn"], sum["cost"], sum["unpriced"]) for sum in json.loads(used.out)] == [
        ("review", 0.02, 0),
        ("verify", None, 1),
    ]
    assert used.orch("cost", "--by", "colour") == 2


# ── checkpoint ───────────────────────────────────────────────────────────────────────────────────


def test_list(used: Desk) -> None:
    assert used.orch("checkpoint", "list", "audit") == 0
    key = make_key(SCRIPT, "review", ["fig"]).digest
    lines = used.out.splitlines()
    assert lines[0] == "Checkpoint entries for audit:"
    assert f"- review | fig | sha256:{key[:8]}…" in lines
    assert lines[-1] == "Total: 3"


@pytest.mark.parametrize(
    ("filters", "previews"),
    [
        (["--fn", "review"], ["fig", "plum"]),
        (["--fn", "@sum"], ["[3,4]"]),
        (["--phase", "rating"], ["fig", "plum"]),
        (["--key", make_key(SCRIPT, "review", ["fig"]).digest[:10]], ["fig"]),
        (["--fn", "none"], []),
    ],
)
def test_list_filtered(used: Desk, filters: list[str], previews: list[str]) -> None:
    used.orch("checkpoint", "list", "audit", "--json", *filters)
    assert [entry["preview"] for entry in json.loads(used.out)] == previews


def test_list_without_script(used: Desk) -> None:
    used.orch("checkpoint", "list")
    audit, gone = used.out.splitlines()
    assert audit.startswith(f"{SCRIPT}: 3 entries, ")
    assert gone == "llm/run/gone.mld: 0 entries, 0 bytes"


def test_inspect(used: Desk) -> None:
    assert used.orch("checkpoint", "inspect", "audit") == 0
    data = json.loads(used.out)
    assert (data["script"], data["checkpoints"]) == (SCRIPT, {"rating": 2})
    assert data["location"] == str(used.root / ".orch" / "store.db")
    assert data["records"][0]["validity"] == {"code": "c"}


def test_show_a_value(used: Desk) -> None:
    fig = make_key(SCRIPT, "review", ["fig"]).digest
    assert used.orch("checkpoint", "show", "audit", f"sha256:{fig[:8]}…") == 0
    assert used.out == "three\n"
    plum = make_key(SCRIPT, "review", ["plum"]).digest
    assert used.orch("checkpoint", "show", "audit", plum) == 0
    assert json.loads(used.out) == {"n": 4}
    assert used.orch("checkpoint", "show", "audit", "xyz") == 2
    assert used.err.startswith('error[E810]: no key begins with "xyz"\n')
    assert used.orch("checkpoint", "show", "audit", "") == 2
    assert used.err.startswith('error[E810]: several keys begin with ""\n')


def test_clean_and_restore(used: Desk) -> None:
    assert used.orch("checkpoint", "clean", "audit") == 0
    assert used.out == 'Cleared checkpoint cache for "audit".\n'
    assert used.err == "3 results are kept until they are made again; orch checkpoint restore audit\n"
    used.orch("checkpoint", "list", "audit")
    assert used.out.count(" | to be made again\n") == 3
    assert used.orch("checkpoint", "restore", "audit") == 0
    assert used.out == "3 results of audit are served again.\n"
    assert used.orch("checkpoint", "clean", "audit", "--fn", "@review") == 0
    assert used.err.startswith("2 results are kept")
    assert used.orch("checkpoint", "clean", "audit", "--fn", "revew") == 2
    assert used.err.startswith('error[E803]: unknown function "@revew"')


def test_a_script_is_named(used: Desk) -> None:
    assert used.orch("checkpoint", "clean") == 2
    assert used.err.startswith("error[E810]: missing argument 'SCRIPT'\n")


def test_verify(used: Desk) -> None:
    assert used.orch("checkpoint", "verify") == 0
    assert used.out.startswith("The store is whole: 2 runs, ")
    assert used.orch("checkpoint", "verify", "--json") == 0
    assert json.loads(used.out)["runs"] == 2
    file = used.root / ".orch/store.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\xa5" * (file.stat().st_size - 4096))
    assert used.orch("checkpoint", "verify") == 1
    assert used.err.startswith("the store was damaged and is kept as store.db.damaged-")
    assert "error[E806]: the store was damaged\n   = help: sqlite3 store.db.damaged-" in used.err
    assert used.orch("checkpoint", "verify") == 0
