"""Budgets hold whatever happens at once, and who raises one pays only for what is missing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.in_process import Finished, run_in_process

GRADES = """\
import { @claude } from @orch/llm
exe llm @grade(n) = @claude(`essay @n`, { model: "sonnet", maxTokens: 600 })
var @all = for parallel(20) @n in [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20] => @grade(@n)
show @all.length
"""
EACH = {"reply": "fine", "usage": {"input": 1000, "output": 500}}  # with sonnet $0.007


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.put("job.mld", GRADES)
        self.replies(EACH)

    def put(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def replies(self, *cases: dict[str, Any]) -> None:
        self.put("replies.jsonl", "".join(json.dumps(case) + "\n" for case in cases))

    def run(self, *words: str, script: str = "job.mld") -> Finished:
        return run_in_process([script, "--models", "replies.jsonl", *words], self.root, "", {})

    def cost(self, *words: str) -> Any:
        return json.loads(run_in_process(["cost", "--json", *words], self.root, "", {}).stdout)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.root / ".orch" / "store.db") as raw:
            return raw.execute(sql).fetchall()

    def spent(self) -> tuple[float, int]:
        """Dollars and calls of the ledger."""
        cost, calls = self.rows("SELECT total(cost), count(*) FROM calls")[0]
        return round(cost, 6), calls


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


# ── the run ──────────────────────────────────────────────────────────────────────────────────────


def test_twenty_workers_with_money_for_seven_and_a_half_calls(project: Project) -> None:
    done = project.run("--budget", "usd=0.0525")
    assert (done.exit, done.stdout) == (4, "")
    assert "the budget of the run does not suffice: $0.0490 of $0.0525 are spent" in done.stderr
    assert "$0.0035 are missing" in done.stderr
    assert "continue with: orch job.mld --models replies.jsonl --budget usd=0.105\n" in done.stderr
    assert project.spent() == (0.049, 7)
    assert project.rows("SELECT * FROM reservations") == []
    assert project.run("--budget", "usd=0.105").exit == 4
    assert project.spent() == (0.105, 15)
    done = project.run("--budget", "usd=1")
    assert (done.exit, done.stdout) == (0, "20\n")
    assert project.spent() == (0.14, 20)
    assert project.run("--budget", "usd=0.01").exit == 0  # what is stored costs nothing


@pytest.mark.parametrize(("bound", "calls"), [("calls=7", 7), ("tokens=11000", 7), ("usd=0.056", 8), ("usd=0", 0)])
def test_every_unit_holds(project: Project, bound: str, calls: int) -> None:
    assert project.run("--budget", bound).exit == 4
    assert (project.spent()[1] if calls else 0) == calls


def test_a_new_run_begins_with_all_its_money(project: Project) -> None:
    assert project.run("--budget", "calls=20").exit == 0
    assert project.run("--new", "--budget", "calls=20").exit == 0
    assert project.spent()[1] == 40


def test_the_project_has_a_budget_that_the_command_line_replaces(project: Project) -> None:
    project.put("orch.toml", "[llm.budget]\ncalls = 3\n")
    assert project.run().exit == 4
    assert project.run("--budget", "calls=20").exit == 0
    project.put("orch.toml", "[llm.budget]\ncals = 3\n")
    wrong = project.run()
    assert wrong.exit == 2
    assert 'llm.budget: usd, tokens or calls is expected, not "cals"' in wrong.stderr


def test_a_model_without_a_price_is_refused_before_it_is_asked(project: Project) -> None:
    done = project.run("--budget", "usd=5", "--model", "sonnet=home-made")
    assert done.exit == 2
    assert "the budget of the run cannot be kept: the price of home-made is not known" in done.stderr
    assert project.rows("SELECT * FROM calls") == []
    assert project.run("--budget", "calls=20", "--model", "sonnet=home-made").exit == 0


def test_failed_turns_and_repairs_are_paid_as_well(project: Project) -> None:
    project.put(
        "job.mld",
        'import { @claude } from @orch/llm\nvar @schema = { type: "object", required: ["mark"] }\n'
        'exe llm @grade(n) = @claude(`essay @n`, { model: "sonnet", maxTokens: 600, schema: @schema })\n'
        "show @grade(1).mark\n",
    )
    project.replies(
        {"turns": [{"text": "{}"}, {"text": "[]"}, {"text": "no"}], "usage": {"input": 1000, "output": 500}}
    )
    assert project.run("--budget", "usd=1").exit == 1
    (cost, turns, error), *more = project.rows("SELECT cost, turns, error FROM calls")
    assert (turns, more) == (3, [])
    assert cost == pytest.approx(0.007) and "schema" in error
    assert project.rows("SELECT cost FROM spending WHERE part = ''") == [(cost,)]


def test_a_failed_attempt_that_was_billed_counts(project: Project) -> None:
    broken = {"status": 529, "usage": {"input": 1000, "output": 100}}
    project.replies({"match": {"contains": "essay 1"}, "times": 1, "error": broken}, EACH)
    project.put("job.mld", GRADES.replace("for parallel(20) @n in [1,2,", "for @n in [1, 2] => @grade(@n)\n>> "))
    assert project.run().exit == 0
    assert project.spent() == (0.017, 2)


# ── parts ────────────────────────────────────────────────────────────────────────────────────────

PARTS = """\
import { @claude } from @orch/llm
exe llm @mark(n) = @claude(`essay @n`, { maxTokens: 600 }) with { budget: { calls: 3 } }
exe llm @read(n) = @claude(`letter @n`, { maxTokens: 600 })
checkpoint "letters" with { budget: { usd: 0.022 } }
for @n in [1, 2, 3, 4] => @read(@n)
checkpoint "essays"
for @n in [1, 2, 3, 4] => @mark(@n)
show "done"
"""


def test_phases_and_functions_have_budgets_and_raising_one_repeats_nothing(project: Project) -> None:
    project.put("job.mld", PARTS)
    done = project.run()
    assert done.exit == 4
    assert 'the budget of the checkpoint "letters" does not suffice: $0.0210 of $0.0220' in done.stderr
    project.put("job.mld", PARTS.replace("0.022", "0.03"))
    done = project.run()
    assert done.exit == 4
    assert "the budget of @mark does not suffice: 3 of 3 calls are made" in done.stderr
    project.put("job.mld", PARTS.replace("0.022", "0.03").replace("calls: 3", "calls: 4"))
    assert project.run().stdout.endswith("done\n")
    assert project.spent()[1] == 8


def test_an_item_that_needs_too_much_fails_alone(project: Project) -> None:
    project.put(
        "job.mld",
        "import { @claude } from @orch/llm\n"
        "exe llm @ask(n, i) = @claude(`@n @i`, { maxTokens: 600 })\n"
        "var @all = for parallel(3) @n in [1, 2, 3] [\n"
        "  if @n == 2 [ let @more = [@ask(@n, 1), @ask(@n, 2)] ]\n"
        "  => @ask(@n, 3)\n"
        "] with { budget: { calls: 2 } }\n"
        "show @all[1].error\n",
    )
    done = project.run()
    assert done.exit == 0
    assert "the budget of item 1 of @n does not suffice: 2 of 2 calls are made" in done.stderr
    assert project.spent()[1] == 4


@pytest.mark.parametrize("budget", ["{ eur: 3 }", "{}", '{ usd: "much" }', "3"])
def test_what_is_no_budget_is_refused(project: Project, budget: str) -> None:
    project.put("job.mld", PARTS.replace("{ usd: 0.022 }", budget))
    done = project.run()
    assert done.exit == 1
    assert "error[E712]: budget: " in done.stderr


# ── others ───────────────────────────────────────────────────────────────────────────────────────


def test_models_behind_functions_that_are_tools_count(project: Project) -> None:
    project.put(
        "job.mld",
        "import { @claude } from @orch/llm\n"
        "exe llm @helper(q) = @claude(`help with @q`, { maxTokens: 600 })\n"
        "exe llm @lead(q) = @claude(`lead @q`, { maxTokens: 600, tools: [@helper] }) with { budget: { calls: 2 } }\n"
        'show @lead("roses")\n',
    )
    asks = [{"tool": "helper", "input": {"q": str(number)}} for number in (1, 2)]
    lead = {"match": {"contains": "lead"}, "turns": [asks, {"text": "led"}]}
    project.replies(lead, {"match": {"contains": "help"}, "reply": "ok"})
    done = project.run()
    assert done.exit == 4
    assert "the budget of @lead does not suffice: 2 of 2 calls are made" in done.stderr


def test_two_processes_share_what_is_left(project: Project) -> None:
    """What one has set aside the other cannot spend; what a killed one had set aside is gone."""
    assert project.run("--budget", "calls=3").exit == 4
    store = project.root / ".orch" / "store.db"
    with sqlite3.connect(store) as raw:
        raw.execute(
            "INSERT INTO executions SELECT 'other', run, started, NULL, NULL, argv, host, 'earlier', 1, born, NULL"
            " FROM executions"
        )
        raw.execute("INSERT INTO reservations VALUES ('other', '1', '', 0.05, 5000, 5)")
    done = project.run("--budget", "calls=10")
    assert done.exit == 4
    assert "10 of 10 calls are made" in done.stderr
    assert project.spent()[1] == 5
    assert project.rows("SELECT calls FROM spending WHERE part = ''") == [(10,)]
