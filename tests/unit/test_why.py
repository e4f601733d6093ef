"""`orch why` and `--explain`: what is told of calls that were served or made, down to the line that changed."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.in_process import run_in_process

SCRIPT = """\
exe @letter(crop) = template "weigh.att"
var @unit = "grams"
exe llm @ask(crop) = [
  let @x = sh { echo asked >&2; }
  => `@letter(@crop) in @unit`
]
exe llm @sow(crop, bed) = js { return crop + bed }
var @a = @ask("beans")
var @b = @sow("kale", "north")
"""
BEFORE = "Weigh the @crop.\nAnswer shortly.\n"
AFTER = "Weigh the @crop twice.\nAnswer shortly.\n"
CHANGED = ["- Weigh the @crop.", "+ Weigh the @crop twice."]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "orch.toml").write_text("")
    (tmp_path / "s.mld").write_text(SCRIPT)
    (tmp_path / "weigh.att").write_text(BEFORE)
    run(tmp_path)
    return tmp_path


def orch(project: Path, *words: str, exit: int = 0, **environ: str) -> Any:
    done = run_in_process(list(words), project, "", {"PATH": "/usr/bin:/bin", "HOME": str(project), **environ})
    assert done.exit == exit, done.stderr
    return done


def run(project: Path, *words: str, **environ: str) -> str:
    return str(orch(project, "s.mld", *words, **environ).stderr)


def told(project: Path, *call: str) -> list[str]:
    """The lines of `orch why`, without times and keys."""
    text = re.sub(r" at \d{4}-\d\d-\d\d \d\d:\d\d", "", orch(project, "why", *call).stdout)
    return [re.sub(r"\b[0-9a-f]{8}\b", "KEY", line) for line in text.splitlines()]


def edit(project: Path, name: str, old: str, new: str) -> None:
    path = project / name
    path.write_text(path.read_text().replace(old, new))


def test_a_first_call_has_no_earlier_one(project: Path) -> None:
    assert told(project, "@ask") == [
        "miss    @ask(beans)  s.mld:8:10  KEY",
        "  made in r1: miss, no earlier run called @ask",
    ]


def test_a_hit_tells_how_often_it_was_served_and_why_it_was_made(project: Path) -> None:
    run(project)
    run(project)
    assert told(project, "@ask") == [
        "hit     @ask(beans)  s.mld:8:10  KEY",
        "  served 2 times, last in r1",
        "  made in r1: miss, no earlier run called @ask",
    ]


def test_a_stale_answer_tells_the_lines_of_the_template(project: Path) -> None:
    (project / "weigh.att").write_text(AFTER)
    explained = run(project, "--explain")
    assert 'stale   @ask(crop: "beans"): template weigh.att changed\n' in explained
    assert "".join(f"          {line}\n" for line in CHANGED) in explained
    stale = ["  made in r1: stale, template weigh.att changed", *(f"    {line}" for line in CHANGED)]
    before = "  the answer before: orch checkpoint show s.mld KEY --previous"
    assert told(project, "@ask") == ["stale   @ask(beans)  s.mld:8:10  KEY", *stale, before]
    run(project)
    served = ["hit     @ask(beans)  s.mld:8:10  KEY", "  served once, last in r1"]
    assert told(project, "@ask") == [*served, *stale, before]


def test_several_changed_parts_are_told_apart(project: Path) -> None:
    (project / "weigh.att").write_text(AFTER)
    edit(project, "s.mld", '"grams"', '"kilos"')
    run(project)
    assert told(project, "@ask")[1:-1] == [
        "  made in r1: stale, template weigh.att changed, var @unit changed",
        "    template weigh.att",
        *(f"    {line}" for line in CHANGED),
        "    var @unit",
        '    - "grams"',
        '    + "kilos"',
    ]


def test_another_argument_is_shown_beside_that_of_the_nearest_earlier_call(project: Path) -> None:
    edit(project, "s.mld", '"north"', '"south"')
    run(project)
    assert told(project, "@sow")[2:] == [
        "miss    @sow(kale, south)  s.mld:9:10  KEY",
        "  made in r1: miss, argument 2 changed",
        "    - north",
        "    + south",
    ]


def test_of_a_long_second_argument_the_beginning_is_kept(project: Path) -> None:
    for last in ("rest", "peas"):
        (project / "s.mld").write_text(
            f'exe llm @dig(bed, plan) = js {{ return bed }}\nvar @r = @dig("one", "{"bed " * 50}{last}")\n'
        )
        run(project)
    assert told(project, "@dig")[3:] == [
        "  made in r1: miss, argument 2 changed",
        "    the first 80 characters are the same",
    ]


def test_a_long_first_argument_is_compared_line_by_line(project: Path) -> None:
    lines = [f"bed {number}" for number in range(400)]
    path = project / "s.mld"
    path.write_text("exe llm @dig(plan, deep) = js { return deep }\nvar @p = <plan.txt>\nvar @r = @dig(@p, 3)\n")
    for last in ("rest", "peas"):
        (project / "plan.txt").write_text("\n".join([*lines, last]))
        run(project)
    assert told(project, "@dig")[3:] == ["  made in r1: miss, argument 1 changed", "    - rest", "    + peas"]


def test_a_call_that_is_to_be_made_again_and_was(project: Path) -> None:
    orch(project, "checkpoint", "clean", "s.mld")
    assert told(project, "@ask")[:2] == [
        "resumed @ask(beans)  s.mld:8:10  KEY",
        "  to be made again when it is asked for; orch checkpoint restore s.mld serves it again",
    ]
    run(project)
    assert told(project, "@ask")[:2] == [
        "resumed @ask(beans)  s.mld:8:10  KEY",
        "  made in r1: resumed, a new answer was asked for",
    ]


@pytest.mark.parametrize(
    ("header", "text"),
    [("resume: manual\n", "stored answers are not served here"), ("", "older than the ttl of the phase")],
)
def test_what_script_and_phase_did_not_serve(header: str, text: str, project: Path) -> None:
    edit(project, "s.mld", "var @a", 'checkpoint "a" with { ttl: 0s }\nvar @a')
    edit(project, "s.mld", "exe @letter", header + "exe @letter")
    run(project)
    assert told(project, "@ask")[1] == f"  made in r1: miss, {text}"


def test_a_model_call_is_found_by_its_number(project: Path) -> None:
    (project / "s.mld").write_text(
        "import { @claude } from @orch/llm\nexe llm @say(q) = @claude(`say @q`)\nvar @a = @say(1)\n"
    )
    (project / "replies.jsonl").write_text('{"reply": "yes"}\n')
    run(project, "--models", "replies.jsonl")
    assert told(project, "0001")[0] == "miss    @say(1)  s.mld:3:10  KEY"
    run(project, "--models", "replies.jsonl", "--no-checkpoint")
    assert "error[E810]: call 0001 has left no stored answer\n" in orch(project, "why", "0001", exit=2).stderr


def test_another_model_is_named(project: Path) -> None:
    (project / "s.mld").write_text(
        "import { @claude } from @orch/llm\nexe llm @say(q) = @claude(`say @q`)\nvar @a = @say(1)\n"
    )
    (project / "replies.jsonl").write_text('{"reply": "yes"}\n')
    run(project, "--models", "replies.jsonl")
    run(project, "--models", "replies.jsonl", "--model", "sonnet=other-model")
    assert told(project, "@say")[1:4] == [
        "  made in r1: stale, another model answers",
        "    - replay/claude-sonnet-5-5",
        "    + replay/other-model",
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("@sew", 'error[E803]: unknown function "@sew"\n   = help: did you mean @sow?'),
        ('@sow("x")', 'error[E810]: no stored call is @sow("x")\n   = help: orch why @sow shows all\n'),
        ("0007", 'error[E810]: s.mld has no call "0007"\n   = help: orch show lists model calls,'),
    ],
)
def test_a_call_that_is_not_there(call: str, message: str, project: Path) -> None:
    assert message in orch(project, "why", call, exit=2).stderr


def test_a_key_and_json(project: Path) -> None:
    (one,) = json.loads(orch(project, "why", "@sow", "--json").stdout)
    assert (one["kind"], one["made"], one["fn"], one["arguments"]) == ("miss", "miss", "sow", ["kale", "north"])
    assert json.loads(orch(project, "why", one["key"][:6], "--json").stdout) == [one]


def test_code_with_a_secret_in_it_is_not_kept(project: Path) -> None:
    edit(project, "weigh.att", "shortly", "hidden-word-9")
    run(project, MY_TOKEN="hidden-word-9")
    store = sqlite3.connect(project / ".orch/store.db")
    digests = store.execute("SELECT count(*) FROM code_texts").fetchall()
    edit(project, "weigh.att", "hidden-word-9", "slowly")
    run(project)
    assert store.execute("SELECT count(*) FROM code_texts").fetchall() == [(digests[0][0] + 1,)]
    store.close()


def test_what_no_answer_tells_of_is_dropped_by_gc(project: Path) -> None:
    for text in (AFTER, AFTER + "Thanks.\n"):
        (project / "weigh.att").write_text(text)
        run(project)
    story = told(project, "@ask")[:-1]
    orch(project, "checkpoint", "gc")
    assert told(project, "@ask") == story
    store = sqlite3.connect(project / ".orch/store.db")
    kept = store.execute("SELECT count(*) FROM code_texts").fetchall()
    store.close()
    assert kept == [(6,)]  # @ask, @letter, @sow, @unit, and the template as it was and as it is
