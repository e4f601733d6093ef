"""Tools of a model under hooks, guards and policies, and the audit log of what they did."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.in_process import Finished, run_in_process
from orchestra.runtime.redact import PieceByPiece, Redactor
from orchestra.runtime.security.audit import AuditLog

ASK = """
import { @claude } from @orch/llm
exe llm @ask(q) = @claude(@q, { tools: ["Bash", "Read", "Write", "Grep"] })
"""


def bash(command: str) -> dict[str, Any]:
    return {"tool": "Bash", "input": {"command": command}}


class Bench:
    """A project folder, a script in it, and the turns that a model answers with."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ: dict[str, str] = {}

    def run(self, script: str, *turns: dict[str, Any], again: bool = False) -> Finished:
        (self.root / "orch.toml").touch()
        (self.root / "job.mld").write_text(script)
        (self.root / "replies.jsonl").write_text(json.dumps({"turns": [*turns, {"text": "done"}]}) + "\n")
        words = ["job.mld", "--models", "replies.jsonl"]
        return run_in_process(words if again else [*words, "--new"], self.root, "", self.environ)

    def audit(self, event: str) -> list[dict[str, Any]]:
        log = self.root / ".orch/sec/audit.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if line["event"] == event]

    def results(self) -> list[tuple[str, bool]]:
        return [(call["tool"], call["ok"]) for call in self.audit("toolCall")]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_guards_stand_around_tools(bench: Bench) -> None:
    script = (
        ASK + 'guard before op:tool:Bash = when [ @mx.args.command.includes("rm") => deny "no rm" ]\nshow @ask("x")\n'
    )
    done = bench.run(script, bash("rm a.txt"), bash("echo hi"))
    assert (done.exit, done.stdout) == (0, "done\n")
    assert bench.results() == [("Bash", False), ("Bash", True)]
    assert [line["reason"] for line in bench.audit("denied")] == ["no rm"]


def test_a_guard_of_a_command_sees_the_commands_of_tools(bench: Bench) -> None:
    bench.run(
        ASK + 'guard before op:cmd:git:push = when [ * => deny "no" ]\nshow @ask("x")\n', bash("true && git push")
    )
    assert bench.results() == [("Bash", False)]


def test_policies_hold_for_tools(bench: Bench) -> None:
    (bench.root / "private").mkdir()
    (bench.root / "private/p.txt").write_text("x")
    (bench.root / "a.txt").write_text("x")
    policy = 'policy @p = { deny: ["cmd:uname", "fs:r:private/**", "fs:w:**"] }\nshow @ask("x")\n'
    turns = [
        bash("echo ok; uname"),
        {"tool": "Read", "input": {"file_path": "private/p.txt"}},
        {"tool": "Read", "input": {"file_path": "a.txt"}},
        {"tool": "Write", "input": {"file_path": "b.txt", "content": "x"}},
    ]
    assert bench.run(ASK + policy, *turns).exit == 0
    assert bench.results() == [("Bash", False), ("Read", False), ("Read", True), ("Write", False)]
    assert not (bench.root / "b.txt").exists()


def test_a_search_does_not_show_what_a_policy_hides(bench: Bench) -> None:
    (bench.root / "private.txt").write_text("word")
    (bench.root / "open.txt").write_text("word")
    script = ASK + 'guard after op:tool:Grep = when [ * => allow "@output" ]\n'
    script += 'hook after op:tool = [ log @output ]\npolicy @p = { deny: ["fs:r:private.txt"] }\nshow @ask("x")\n'
    done = bench.run(script, {"tool": "Grep", "input": {"pattern": "word"}})
    assert "open.txt" in done.stderr
    assert "private.txt" not in done.stderr


def test_results_of_tools_label_the_answer_and_later_inputs(bench: Bench) -> None:
    (bench.root / "a.txt").write_text("x")
    script = ASK + 'guard before src:file = when [ @mx.op.type == "tool" => deny "read something" ]\n'
    script += 'var @r = @ask("x")\nshow @r.mx.taint.includes("src:file")\n'
    done = bench.run(script, bash("echo before"), {"tool": "Read", "input": {"file_path": "a.txt"}}, bash("echo after"))
    assert done.stdout == "true\n"
    assert bench.results() == [("Bash", True), ("Read", True), ("Bash", False)]


def test_labels_of_the_prompt_are_in_the_inputs_of_tools(bench: Bench) -> None:
    script = ASK + 'guard before pii = when [ @mx.op.labels.includes("op:cmd:echo") => deny "no" ]\n'
    bench.run(script + 'var pii @who = "Ada"\nshow @ask(`greet @who`)\n', bash("echo hi"))
    assert bench.results() == [("Bash", False)]


def test_a_hit_keeps_labels_and_is_guarded(bench: Bench) -> None:
    script = ASK + 'var pii @who = "Ada"\nvar @r = @ask(`greet @who`)\nshow @r.mx.labels.join(",")\n'
    assert sorted(bench.run(script).stdout.strip().split(",")) == ["llm", "pii"]
    guarded = script.replace("var pii", 'guard after op:llm = when [ * => deny "not any more" ]\nvar pii')
    again = bench.run(guarded, again=True)
    assert "not any more" in again.stderr
    assert len(bench.audit("llmCall")) == 1


def test_a_guard_asks_a_model_again_past_the_store(bench: Bench) -> None:
    script = ASK + 'guard after @ask = when [ @mx.guard.try < 3 => retry "more" ]\nshow @ask("x")\n'
    assert bench.run(script).stdout == "done\n"
    assert len(bench.audit("llmCall")) == 3


def test_model_calls_are_in_the_audit_log(bench: Bench) -> None:
    bench.run(ASK + 'show @ask("x")\n')
    (call,) = bench.audit("llmCall")
    assert call["fn"] == "ask" and call["provider"] == "replay" and call["run"] == "r1"


def test_secrets_stand_nowhere_in_the_audit_log(bench: Bench) -> None:
    bench.environ = {"BOARD_TOKEN": "tok-4711-abcdef"}
    bench.run(ASK + 'show @ask("x")\n', bash("echo tok-4711-abcdef"))
    log = (bench.root / ".orch/sec/audit.jsonl").read_text()
    assert "tok-4711-abcdef" not in log and "[redacted:BOARD_TOKEN]" in log


def test_an_audit_log_that_cannot_be_written(bench: Bench) -> None:
    (bench.root / ".orch").mkdir()
    (bench.root / ".orch/sec").write_text("in the way")
    done = bench.run(ASK + 'show @ask("x")\n')
    assert done.exit == 0 and "the audit log cannot be written" in done.stderr
    (bench.root / "orch.toml").write_text("[audit]\nrequired = true\n")
    (bench.root / "job.mld").write_text(ASK + 'show @ask("y")\n')
    done = run_in_process(["job.mld", "--models", "replies.jsonl"], bench.root, "", {})
    assert done.exit == 1 and "error[E806]: the audit log cannot be written" in done.stderr


def test_long_arguments_are_cut(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a/b.jsonl", Redactor({}), lambda: "now", pytest.fail, False)
    log.write("toolCall", None, {"args": {"content": "x" * 9000}})
    (line,) = (tmp_path / "a/b.jsonl").read_text().splitlines()
    assert len(json.loads(line)["args"]["content"]) == 2048
    assert (tmp_path / "a/b.jsonl").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cuts", [(3,), (1, 2, 3, 4, 5, 6), (6,), (9,), ()])
def test_a_secret_in_pieces_is_found(cuts: tuple[int, ...]) -> None:
    redactor = Redactor({"THE_KEY": "abcabd"})
    text = "xxabcabcabdabc"
    places = [0, *cuts, len(text)]
    stream = PieceByPiece(redactor)
    told = "".join(stream.feed(text[a:b]) for a, b in pairwise(places)) + stream.rest()
    assert told == "xxabc[redacted:THE_KEY]abc"


def test_forms_of_a_secret() -> None:
    redactor = Redactor({})
    redactor.add("pin", "a b/c=d e")
    for form in ("a b/c=d e", "YSBiL2M9ZCBl", "a%20b%2Fc%3Dd%20e"):
        assert redactor.clean(f"<{form}>") == "<[redacted:pin]>"
    assert not redactor.knows("sk-ant-0123456789012345678901234567")


def test_what_a_model_writes_carries_its_labels_when_it_is_read(bench: Bench) -> None:
    script = (
        ASK
        + 'var pii @who = "Ada"\nvar @r = @ask(`write of @who`)\nvar @text = <b.txt>\nshow @text.mx.labels.join(" ")\n'
    )
    done = bench.run(script, {"tool": "Write", "input": {"file_path": "b.txt", "content": "x"}})
    assert sorted(done.stdout.split()) == ["llm", "pii"]
    (write,) = bench.audit("write")
    assert (write["path"], write["writer"]) == ("b.txt", "Write") and "pii" in write["taint"]


def test_a_box_leaves_fewer_tools(bench: Bench) -> None:
    script = ASK + 'var @v = box { tools: ["Read", "Bash(echo:*)"] } [ => @ask("x") ]\nshow @v\n'
    write = {"tool": "Write", "input": {"file_path": "b.txt", "content": "x"}}
    assert bench.run(script, bash("echo hi"), bash("ls"), write).stdout == "done\n"
    assert bench.results() == [("Bash", True), ("Bash", False), ("Write", False)]
