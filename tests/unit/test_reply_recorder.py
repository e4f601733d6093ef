"""Recorded runs: what is written, in which order, and that playing it gives the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_desk import Desk

from orchestra.paths import cache_dir

SCRIPT = """\
import { @haiku, @claude, @claudePoll } from @orch/llm
exe llm @name(garden) = @haiku(`Name a bed for @garden`)
var @beds = for parallel(3) @g in ["north", "south", "east"] => @name(@g)
show @beds.join(",")
show @claude("Keep notes", { tools: ["Write"], dir: "notes" })
show @claudePoll("Report", { poll: "report.md" })
show @claude("Refuse", { onFail: "null" }) ?? "nothing"
show @claude("Again", { retries: 1 })
"""
REPLIES: list[dict[str, Any]] = [
    {"match": {"contains": "north"}, "reply": "kale", "delay": 0.02},
    {"match": {"contains": "south"}, "reply": "peas", "delay": 0.01},
    {"match": {"contains": "east"}, "reply": "figs"},
    {
        "match": {"contains": "notes"},
        "turns": [
            [{"text": "I write"}, {"tool": "Write", "input": {"file_path": "$DIR/a.txt", "content": "a $HOME"}}],
            {"tool": "Write", "input": {"file_path": "../no.txt", "content": "outside"}},
            {"text": "hush-hush-hush is kept"},
        ],
        "usage": {"input": 10, "output": 4, "cache_read": 3},
    },
    {
        "match": {"contains": "Report"},
        "turns": [{"tool": "Write", "input": {"file_path": "$POLL", "content": "all well"}}, {"text": "done"}],
    },
    {"match": {"contains": "Refuse"}, "turns": [{"stop": "refusal", "category": "weeds"}]},
    {
        "match": {"contains": "Again"},
        "turns": [{"error": {"status": 529, "type": "overloaded_error", "message": "busy"}}, {"text": "at last"}],
    },
]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "garden", environ={"BED_SECRET": "hush-hush-hush"})
    desk.write("orch.toml")
    desk.write("a.mld", SCRIPT)
    desk.write("notes/.keep")
    desk.write("models.jsonl", "".join(json.dumps(case) + "\n" for case in REPLIES))
    return desk


def recorded(desk: Desk, name: str = "tape.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (desk.root / name).read_text().splitlines()]


def test_a_recording_gives_the_same_run(desk: Desk) -> None:
    assert desk.orch("a.mld", "--models", "models.jsonl", "--record", "tape.jsonl", "--seed", "1") == 0
    first = desk.out
    (desk.root / "notes/a.txt").unlink()
    (desk.root / "report.md").unlink()
    assert desk.orch("a.mld", "--new", "--models", "tape.jsonl", "--strict-models", "--seed", "1") == 0
    assert desk.out == first.replace("hush-hush-hush", "[redacted:BED_SECRET]")
    assert (desk.root / "notes/a.txt").read_text() == "a $HOME"
    assert (desk.root / "report.md").read_text() == "all well"
    assert "the model refused to answer (weeds)" in desk.err


def test_lines_are_in_the_order_of_the_script(desk: Desk) -> None:
    desk.orch("a.mld", "--models", "models.jsonl", "--record", "tape.jsonl")
    cases = recorded(desk)
    assert [case["note"] for case in cases] == [
        *(f"Name a bed for {side}" for side in ("north", "south", "east")),
        "Keep notes", "Report", "Refuse", "Again",
    ]  # fmt: skip
    assert cases[3]["turns"] == [
        [{"text": "I write"}, {"tool": "Write", "input": {"file_path": "$DIR/a.txt", "content": "a $HOME"}}],
        {"tool": "Write", "input": {"file_path": "../no.txt", "content": "outside"}},
        {"text": "[redacted:BED_SECRET] is kept"},
    ]
    assert cases[3]["usage"] == {"input": 10, "output": 4, "cache_read": 3}
    assert cases[6]["turns"][0] == {"error": {"kind": "overload", "message": "replay: busy"}}


def test_inputs_that_speak_of_the_places_are_kept_as_they_are(desk: Desk) -> None:
    desk.write("a.mld", 'import { @claude } from @orch/llm\nshow @claude("x", { tools: ["Write"] })\n')
    told = {"tool": "Write", "input": {"file_path": "b.sh", "content": "cd $DIR"}, "raw": True}
    desk.write("models.jsonl", json.dumps({"turns": [told, {"text": "ok"}]}))
    desk.orch("a.mld", "--models", "models.jsonl", "--record", "tape.jsonl")
    assert (desk.root / "b.sh").read_text() == "cd $DIR"
    assert recorded(desk)[0]["turns"] == [told, {"text": "ok"}]


def test_a_folder_and_the_environment(desk: Desk) -> None:
    desk.environ["ORCH_LLM_RECORD"] = "tapes"
    desk.orch("a.mld", "--models", "models.jsonl")
    assert len(recorded(desk, "tapes/a.jsonl")) == 7


def test_what_was_recorded_before_stays_in_front(desk: Desk) -> None:
    whole = json.dumps({"reply": "old", "times": 1, "match": {"fn": "nobody"}}) + "\n"
    desk.write("tape.jsonl", whole + '{"reply": "ha')
    desk.orch("a.mld", "--models", "models.jsonl", "--record", "tape.jsonl")
    assert (desk.root / "tape.jsonl").read_text().startswith(whole + '{"match"')
    assert len(recorded(desk)) == 8


def test_a_run_that_fails_keeps_what_it_had(desk: Desk) -> None:
    desk.write("models.jsonl", "".join(json.dumps(case) + "\n" for case in REPLIES[:4]))
    desk.write("a.mld", SCRIPT.replace("for parallel(3) ", "for "))
    assert desk.orch("a.mld", "--models", "models.jsonl", "--record", "tape.jsonl") == 1
    assert [case["note"] for case in recorded(desk)][2:] == ["Name a bed for east", "Keep notes"]


def test_a_call_that_took_too_long(desk: Desk) -> None:
    script = 'import { @claude } from @orch/llm\nshow @claude("x", { timeout: 0.01, onFail: "null" }) ?? "late"\n'
    desk.write("a.mld", script)
    desk.write("models.jsonl", '{"reply": "x", "delay": 5}')
    desk.orch("a.mld", "--models", "models.jsonl", "--record", "tape.jsonl")
    assert recorded(desk)[0]["turns"] == [
        {"error": {"kind": "timeout", "message": "no answer within 0.01 s", "final": True}}
    ]
    assert desk.orch("a.mld", "--new", "--models", "tape.jsonl", "--strict-models") == 0
    assert desk.out == "late\n"
    assert "E706" in desk.err


def test_every_request_is_written_down(desk: Desk) -> None:
    desk.write("calls.jsonl", "from an earlier run")
    desk.orch("a.mld", "--models", "models.jsonl", "--calls-out", "calls.jsonl")
    calls = recorded(desk, "calls.jsonl")
    assert [call["fn"] for call in calls] == [*["name"] * 3, *["claude"] * 3, *["claudePoll"] * 2, *["claude"] * 3]
    assert calls[5]["messages"][-1]["content"][0]["is_error"] is True
    assert "hush-hush" not in (desk.root / "calls.jsonl").read_text()
    assert desk.orch("a.mld", "--models", "models.jsonl", "--calls-out", "none/calls.jsonl") == 0
    assert [call["fn"] for call in recorded(desk, "none/calls.jsonl")] == ["claude"] * 4, "the rest is stored"


CLAUDE = """\
#!/bin/sh
case "$*" in *--help*) echo "  --output-format"; exit 0;; esac
cat > /dev/null
printf '%s' '{"type": "result", "is_error": false, "subtype": "success", "result": "from the program", ' \\
  '"session_id": "s1", "num_turns": 1, "usage": {"input_tokens": 9, "output_tokens": 2}}'
"""


def test_an_agent_program_is_known_by_its_result(desk: Desk) -> None:
    program = desk.write("bin/claude", CLAUDE)
    program.chmod(0o755)
    desk.environ |= {"PATH": f"{program.parent}:/usr/bin:/bin", "ORCH_LLM_PROVIDER": "claude-cli"}
    desk.write("a.mld", 'import { @claude } from @orch/llm\nshow @claude("Dig", { agent: "mole" })\n')
    assert desk.orch("a.mld", "--record", "tape.jsonl", "--calls-out", "calls.jsonl") == 0, desk.err
    assert recorded(desk)[0]["turns"] == [{"text": "from the program"}]
    assert recorded(desk, "calls.jsonl")[0]["agent"] == "mole"
    assert desk.orch("a.mld", "--new", "--models", "tape.jsonl", "--strict-models") == 0
    assert desk.out == "from the program\n"


def test_items_that_asked_the_same_get_their_own_answers_again(desk: Desk) -> None:
    desk.write(
        "a.mld",
        """\
import { @haiku } from @orch/llm
exe llm @crop() = @haiku("What grows?")
show @crop()
show (for parallel(3) @i in [1, 2, 3] => @crop() with { sample: @i }).join(",")
show @crop() with { sample: 9 }
""",
    )
    items = [{"match": {"item": [number]}, "reply": text} for number, text in enumerate(("kale", "peas", "figs"))]
    cases = [*items, {"match": {"item": []}, "reply": "moss"}]
    desk.write("models.jsonl", "".join(json.dumps(case) + "\n" for case in cases))
    desk.orch("a.mld", "--models", "models.jsonl", "--record", "tape.jsonl")
    assert desk.out == "moss\nkale,peas,figs\nmoss\n"
    assert [case["match"]["item"] for case in recorded(desk)] == [[], [0], [1], [2], []]
    assert desk.orch("a.mld", "--new", "--models", "tape.jsonl", "--strict-models") == 0
    assert desk.out == "moss\nkale,peas,figs\nmoss\n"


def test_a_killed_run_leaves_whole_lines_and_goes_on(desk: Desk) -> None:
    desk.write(
        "a.mld",
        """\
import { @haiku } from @orch/llm
exe llm @crop(bed) = @haiku(`What grows in @bed?`)
show @crop("shade")
if !@fileExists("again") [ sh { touch again; kill -9 $PPID } ]
show @crop("sun")
""",
    )
    desk.write("models.jsonl", '{"match": {"contains": "shade"}, "reply": "moss"}\n{"reply": "figs"}\n')
    environ = {"HOME": str(desk.root), "PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(cache_dir().parent)}
    words = [sys.executable, "-m", "orchestra", "a.mld", "--models", "models.jsonl", "--record", "tape.jsonl"]
    killed = subprocess.run(words, cwd=desk.root, env=environ, check=False)
    assert killed.returncode == -9
    assert [case["turns"] for case in recorded(desk)] == [[{"text": "moss"}]]
    assert desk.orch("a.mld", *words[4:]) == 0
    assert desk.orch("a.mld", "--new", "--models", "tape.jsonl", "--strict-models") == 0
    assert desk.out == "moss\nfigs\n"


def test_two_processes_record_into_one_file(desk: Desk) -> None:
    inner = 'import { @haiku } from @orch/llm\nshow @haiku("inner one")\nshow @haiku("inner two")\n'
    desk.write("b.mld", inner)
    command = f"{sys.executable} -m orchestra b.mld --models all.jsonl --record tape.jsonl -q"
    desk.write(
        "a.mld",
        f"""\
import {{ @haiku }} from @orch/llm
show @haiku("outer one")
run cmd {{{command}}}
show @haiku("outer two")
""",
    )
    desk.write("all.jsonl", '{"reply": "yes"}\n')
    desk.environ |= {"PATH": "/usr/bin:/bin"}
    assert desk.orch("a.mld", "--models", "all.jsonl", "--record", "tape.jsonl", "-q") == 0, desk.err
    assert [case["note"] for case in recorded(desk)] == ["inner one", "inner two", "outer one", "outer two"]
