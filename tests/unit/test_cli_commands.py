"""Commands from their words to exit code and streams, with the engine replaced by a recorder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from cli_desk import Desk

from orchestra.cli import COMMANDS, main
from orchestra.errors import OrchError, Warned
from orchestra.events import Event


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "project")
    desk.write("orch.toml")
    return desk


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands for the runtime: keeps the request, then does what `engine.act` says."""
    engine = SimpleNamespace(request=None, act=lambda request: 0)

    def launch(request: SimpleNamespace) -> int:
        engine.request = request
        code: int = engine.act(request)
        return code

    module: Any = ModuleType("orchestra.runtime.launch")
    module.LaunchRequest = SimpleNamespace
    module.Streams = lambda stdin, stdout, stderr: SimpleNamespace(stdin=stdin, stdout=stdout, stderr=stderr)
    module.launch = launch
    monkeypatch.setitem(sys.modules, "orchestra.runtime.launch", module)
    return engine


def telling(*events: tuple[str, dict[str, Any]], code: int = 0) -> Callable[[SimpleNamespace], int]:
    def act(request: SimpleNamespace) -> int:
        for kind, data in events:
            for subscriber in request.subscribers:
                subscriber(Event(kind, data))
        return code

    return act


# ── running ──────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_run_in_its_project(desk: Desk, engine: SimpleNamespace) -> None:
    desk.write("sub/x.mld", "show 1")
    engine.act = lambda request: 5
    assert desk.orch("x.mld", "--topic", "moss", "word", cwd="sub") == 5
    request = engine.request
    assert request.source == desk.root / "sub" / "x.mld"
    assert (request.root, request.cwd, request.mode) == (desk.root, desk.root / "sub", "strict")
    assert request.payload == {"topic": "moss", "args": ["word"]}
    assert desk.out == desk.err == ""


def test_options_may_stand_before_the_file(desk: Desk, engine: SimpleNamespace) -> None:
    desk.write("x.mld")
    assert desk.orch("--debug", "x.mld") == 0
    assert engine.request.options.debug
    assert engine.request.source == desk.root / "x.mld"


def test_a_text_and_standard_input_are_run(desk: Desk, engine: SimpleNamespace) -> None:
    assert desk.orch("-e", "show 1", "--k", "v", "word") == 0
    assert engine.request.source == "show 1"
    assert engine.request.payload == {"k": "v", "args": ["word"]}
    desk.stdin = "show 2"
    assert desk.orch("-") == 0
    assert engine.request.source == "show 2"


def test_markdown_by_name_or_option(desk: Desk, engine: SimpleNamespace) -> None:
    desk.write("x.mld.md")
    desk.orch("x.mld.md")
    assert engine.request.mode == "markdown"
    desk.orch("x.mld.md", "--mode", "strict")
    assert engine.request.mode == "strict"


def test_environment_of_a_run(desk: Desk, engine: SimpleNamespace) -> None:
    desk.environ = {"MLLD_NO_STREAM": "1", "A": "shell"}
    desk.orch("-e", "", "--env-file", "A=flag", "--models", "answers.jsonl")
    environ = engine.request.environ
    assert (environ["A"], environ["ORCH_NO_STREAM"]) == ("flag", "1")
    assert environ["ORCH_LLM_REPLAY"] == str(desk.root / "answers.jsonl")


def test_an_error_that_ended_the_run(desk: Desk, engine: SimpleNamespace) -> None:
    def act(request: SimpleNamespace) -> int:
        request.streams.stdout.write("before\n")
        raise OrchError("E201", "variable @totl is not defined", help="did you mean @total?")

    engine.act = act
    assert desk.orch("-e", "") == 1
    assert desk.out == "before\n"
    assert desk.err == "error[E201]: variable @totl is not defined\n   = help: did you mean @total?\n"
    assert desk.orch("-e", "", "--json") == 1
    assert json.loads(desk.err)["code"] == "E201"


def test_faults_of_ours_show_no_traceback_unless_asked(desk: Desk, engine: SimpleNamespace) -> None:
    def act(request: SimpleNamespace) -> int:
        raise KeyError("oops")

    engine.act = act
    assert desk.orch("-e", "") == 1
    assert desk.err.startswith("error[E901]: internal error in orch")
    assert "Traceback" not in desk.err
    desk.environ = {"ORCH_DEBUG": "1"}
    desk.orch("-e", "")
    assert "Traceback" in desk.err


def test_a_run_that_waits_for_a_person_has_said_how_to_answer(desk: Desk, engine: SimpleNamespace) -> None:
    engine.act = telling(code=3)
    assert desk.orch("-e", "x") == 3
    assert desk.err == ""


@pytest.mark.parametrize("code", [4, 75, 130])
def test_a_run_that_waits_names_the_command_to_continue(desk: Desk, engine: SimpleNamespace, code: int) -> None:
    desk.write("llm/run/audit.mld")
    engine.act = telling(code=code)
    assert desk.orch("run", "audit", "--new", "--topic", "two words", "-q", "--", "--new") == code
    assert desk.err == "continue with: orch run audit --topic 'two words' -q -- --new\n"
    assert desk.orch("-e", "x", "--json") == code
    assert desk.err == ""


def test_interruption(desk: Desk, engine: SimpleNamespace) -> None:
    def act(request: SimpleNamespace) -> int:
        raise KeyboardInterrupt

    engine.act = act
    assert desk.orch("-e", "") == 130


def test_the_summary_of_model_calls(desk: Desk, engine: SimpleNamespace) -> None:
    engine.act = telling(
        ("call:hit", {"fn": "ask"}),
        ("call:start", {"fn": "ask", "key": "k"}),
        ("llm:usage", {"input": 1234, "output": 300, "cost": 0.02}),
        ("call:end", {"fn": "ask", "ms": 5, "status": "ok"}),
    )
    desk.orch("-e", "")
    assert desk.err == "1 call, 1 cached, 1.2k tokens in, 300 out, $0.02, 0.0 s\n"
    desk.orch("-e", "", "-q")
    assert desk.err == ""


def test_json_lines(desk: Desk, engine: SimpleNamespace) -> None:
    engine.act = telling(
        ("phase", {"name": "review"}),
        ("warning", {"warned": Warned("W601", "hook failed")}),
        ("call:hit", {"fn": "ask"}),
    )
    desk.orch("-e", "", "--json")
    first, second, third = map(json.loads, desk.err.splitlines())
    assert first == {"event": "phase", "name": "review"}
    assert (second["warned"]["code"], second["warned"]["severity"]) == ("W601", "warning")
    assert third["event"] == "call:hit"


def test_notes(desk: Desk, engine: SimpleNamespace) -> None:
    engine.act = telling(
        ("phase", {"name": "review"}),
        ("warning", {"warned": Warned("W601", "hook failed")}),
        ("llm:retry", {"delay": 75.0, "reason": "rate limited"}),
        ("something:new", {}),
    )
    desk.orch("-e", "")
    assert desk.err == "warning[W601]: hook failed\nwaiting 1 min 15 s: rate limited\n"
    desk.orch("-e", "", "--verbose", "--no-warn")
    assert desk.err == "phase review\nwaiting 1 min 15 s: rate limited\n"


# ── orch run ─────────────────────────────────────────────────────────────────────────────────────


def test_scripts_are_found_in_order(desk: Desk, engine: SimpleNamespace) -> None:
    index = desk.write("llm/run/audit/index.mld")
    assert desk.orch("run", "audit") == 0
    assert engine.request.source == index
    assert desk.err == "Running llm/run/audit/index.mld...\n"
    flat = desk.write("llm/run/audit.mld")
    assert desk.orch("run", "audit", "--k", "v", cwd="llm") == 0
    assert engine.request.source == flat
    assert engine.request.payload == {"k": "v"}
    assert desk.err.startswith("warning[E811]: llm/run/audit.mld is run; llm/run/audit/index.mld has the same name\n")


def test_other_names_of_scripts(desk: Desk, engine: SimpleNamespace) -> None:
    main_file = desk.write("llm/run/a/main.mld")
    prose = desk.write("llm/run/b.mld.md")
    for name, path in (("a", main_file), ("b", prose), ("b.mld.md", prose)):
        assert desk.orch("run", name) == 0
        assert engine.request.source == path
    own = desk.root.parent / "home" / ".config" / "orch" / "run" / "mine.mld"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert desk.orch("run", "mine") == 0
    assert engine.request.source == own


def test_script_folder_of_the_project(desk: Desk, engine: SimpleNamespace) -> None:
    desk.write("orch.toml", '[run]\nscriptDir = "scripts"\n')
    script = desk.write("scripts/x.mld")
    assert desk.orch("run", "x", "-q") == 0
    assert engine.request.source == script
    assert desk.err == ""


def test_without_a_name_scripts_are_listed(desk: Desk) -> None:
    assert desk.orch("run") == 0
    assert desk.out == f"No scripts in {desk.root / 'llm/run'}\n"
    desk.write("llm/run/sum.mld")
    desk.write("llm/run/audit/index.mld")
    desk.write("llm/run/audit/lib/helper.mld")
    desk.write("llm/run/notes.txt")
    assert desk.orch("run") == 0
    assert desk.out == "Available scripts:\n  audit\n  sum\n"


def test_no_such_script(desk: Desk) -> None:
    desk.write("llm/run/audit.mld")
    assert desk.orch("run", "adit") == 2
    assert desk.err == (
        'Available scripts:\n  audit\nerror[E811]: script "adit" not found\n   = help: did you mean orch run audit?\n'
    )
    assert desk.orch("run", "--new") == 2
    assert desk.err.startswith("error[E810]: no script named\n")


def test_options_are_listed(desk: Desk) -> None:
    assert desk.orch("run", "--help") == 0
    assert "--resume [TARGET]" in desk.out
    assert desk.orch("help", "run") == 0
    assert desk.out.startswith("Usage: orch run")


# ── words that mean nothing ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("word", "message", "help"),
    [
        ("instal", '"instal" is neither a command nor a file', "did you mean orch install?"),
        ("audit", '"audit" is neither a command nor a file', "did you mean orch run audit?"),
        ("audid", '"audid" is neither a command nor a file', "did you mean orch run audit?"),
        ("zzzzzz", '"zzzzzz" is neither a command nor a file', "orch --help lists the commands"),
        ("grete.mld", "file not found: grete.mld", "did you mean orch greet.mld?"),
        ("sub/grete.mld", "file not found: sub/grete.mld", None),
        ("none/x.mld", "file not found: none/x.mld", None),
        ("llm", "llm is a folder, not a script", None),
    ],
)
def test_unknown_words(desk: Desk, word: str, message: str, help: str | None) -> None:
    desk.write("llm/run/audit.mld")
    desk.write("greet.mld")
    desk.write("sub/other.mld")
    assert desk.orch(word) == 2
    assert desk.err.splitlines()[0].partition(": ")[2] == message
    assert desk.err.splitlines()[1:] == ([f"   = help: {help}"] if help else [])


def test_a_template_is_no_script(desk: Desk) -> None:
    desk.write("brief.att", "Hello")
    assert desk.orch("brief.att") == 2
    assert desk.err == (
        "error[E810]: brief.att is a template, not a script\n"
        '   = help: call it from a script: exe @text() = template "./brief.att"\n'
    )


def test_misuse(desk: Desk) -> None:
    assert desk.orch("-e") == 2
    assert desk.err.startswith("error[E810]: -e requires the text of a script\n")
    assert desk.orch("--debug") == 2
    assert desk.err.startswith("error[E810]: no script named\n")
    assert desk.orch("runs", "--nope") == 2
    assert desk.err == "error[E810]: no such option '--nope'\n   = help: orch runs --help\n"
    assert desk.orch("checkpoint", "burn") == 2
    assert desk.err.startswith("error[E810]: no such command 'burn'")


def test_broken_settings_end_everything_with_exit_2(desk: Desk) -> None:
    desk.write("orch.toml", "[run")
    assert desk.orch("run") == 2
    assert desk.err.startswith("error[E812]: orch.toml is not valid TOML")
    desk.write("orch.toml", "[rum]\n")
    assert desk.orch("run") == 0
    assert desk.err.startswith("warning[E812]: [rum] is no setting of orch\n")


ALIASES = {"validate": "check"}


def test_every_command_has_its_module_and_help(desk: Desk) -> None:
    for name in COMMANDS:
        assert desk.orch(name, "--help") == 0, desk.err
        assert desk.out.startswith(f"Usage: orch {ALIASES.get(name, name)}")


def test_overview_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--help"], ["-h"], ["help"]):
        assert main(words) == 0
        out = capsys.readouterr().out
        assert all(f"  {name} " in out for name in COMMANDS)
        assert all(len(line) <= 100 for line in out.splitlines())
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("orch ")


# ── init, install ────────────────────────────────────────────────────────────────────────────────


def test_init_makes_a_project_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write(".gitignore", "dist/")
    assert desk.orch("init") == 0
    assert (tmp_path / ".gitignore").read_text() == "dist/\n.orch/\n"
    assert (tmp_path / "llm" / "mcp").is_dir()
    assert "  llm/run/hello.mld\n" in desk.out
    assert desk.orch("run") == 0
    assert desk.out == "Available scripts:\n  hello\n"
    assert desk.err == ""
    desk.write("orch.toml", "# mine\n")
    assert desk.orch("init") == 0
    assert desk.out == "orch.toml already exists. Use --force to overwrite it.\n"
    assert (tmp_path / "orch.toml").read_text() == "# mine\n"
    assert desk.orch("init", "--force", "--script-dir", "scripts", "--local-path", "lib") == 0
    assert 'scriptDir = "scripts"' in (tmp_path / "orch.toml").read_text()
    assert (tmp_path / ".gitignore").read_text() == "dist/\n.orch/\n"


def test_install_says_where_modules_are(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.paths.resource", lambda kind: desk.root / "std")
    desk.write("std/llm.mld")
    desk.write("orch.toml", '[paths]\nkit = "shared"\n[prelude]\nmodules = ["@orch/llm"]\n')
    core = desk.write("shared/core.mld")
    soup = desk.write("llm/lib/soup/index.mld")
    assert desk.orch("install", "@ann/soup") == 0
    assert desk.out == f"@ann/soup: found in {soup}\n"
    assert desk.orch("install", "@mlld/claude-poll", "@kit/core") == 0
    assert desk.out == f"@mlld/claude-poll: bundled, nothing to install\n@kit/core: found in {core}\n"
    assert desk.orch("install") == 0
    assert desk.out == "@orch/llm: bundled, nothing to install\n"
    assert desk.orch("install", "@kit/none") == 1
    assert desk.err == f"error[E410]: @kit/none is not in {desk.root / 'shared'}\n"
    assert desk.orch("install", "@you/thing") == 1
    assert desk.err == (
        "error[E410]: @you/thing is not part of orch, and there is no registry\n"
        '   = help: put it below llm/lib, or in a folder named in orch.toml: [paths] you = "FOLDER"\n'
    )


# ── the manual ───────────────────────────────────────────────────────────────────────────────────

WHEN = """---
title: Choosing
brief: first arm that fits
tags: [branch, when]
aliases: [switch]
codes: [E303]
related: [if]
---

`when` takes the first arm.
"""


@pytest.fixture
def manual(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk.write("howto/flow-control/01-when.md", WHEN)
    desk.write("howto/flow-control/02-when-first.md", "---\nparent: flow\nbrief: one arm\n---\nOnly one.\n")
    desk.write("howto/core/01-intro.md", "---\ntitle: The language\nbrief: on one page\n---\nAll of it.\n")
    desk.write("howto/zoo/01-bare.md", "No front matter, mentions arm.\n")
    for module in ("howto", "explain"):
        monkeypatch.setattr(f"orchestra.cli.{module}.FOLDER", desk.root / "howto")
    return desk


def test_all_topics_by_section(manual: Desk) -> None:
    assert manual.orch("howto") == 0
    lines = manual.out.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "core",
        "flow-control",
        "config",
        "zoo",
    ]
    assert "  when        first arm that fits" in lines


@pytest.mark.parametrize("words", [["when"], ["switch"], ["branch"], ["fits"]])
def test_one_topic(manual: Desk, words: list[str]) -> None:
    assert manual.orch("howto", *words) == 0
    assert manual.out == "# Choosing\n\n`when` takes the first arm.\n\nSee also: if\n"


def test_the_name_of_a_section_is_not_taken_by_another_name_of_a_topic(manual: Desk) -> None:
    manual.write("howto/core/02-more.md", "---\naliases: [flow-control, more-or-less]\n---\nText.\n")
    manual.orch("howto", "flow-control")
    assert manual.out.startswith("flow-control\n  when ")
    manual.orch("howto", "more-or-less")
    assert manual.out == "# more\n\nText.\n"


def test_the_columns_of_the_overview_are_as_wide_as_the_longest_command(desk: Desk) -> None:
    desk.orch("--help")
    lines = desk.out[desk.out.index("Commands\n") :].splitlines()[1:]
    listed = [line for line in lines if line.startswith("  ")]
    assert {line[: max(map(len, COMMANDS)) + 3].rstrip()[2:] for line in listed} == set(COMMANDS)


def test_sections_parents_and_searches(manual: Desk) -> None:
    manual.orch("howto", "flow")
    assert manual.out == "# when-first\n\nOnly one.\n"
    manual.orch("howto", "flow-control")
    assert manual.out == "flow-control\n  when        first arm that fits\n  when-first  one arm\n"
    manual.orch("howto", "flow-control", "--all")
    assert "takes the first arm" in manual.out and "Only one." in manual.out
    manual.orch("howto", "when", "-s")
    assert "takes the first arm" in manual.out and "Only one." in manual.out
    manual.orch("howto", "arm")
    assert manual.out.splitlines()[1:] == ["  when        first arm that fits", "  when-first  one arm"]
    manual.orch("howto", "qs")
    assert manual.out == "# The language\n\nAll of it.\n"


def test_grep(manual: Desk) -> None:
    assert manual.orch("howto", "grep", "ARM") == 0
    assert manual.out == "when:\n  `when` takes the first arm.\nbare:\n  No front matter, mentions arm.\n"
    assert manual.orch("howto", "grep", "qqq") == 1
    assert manual.err == 'error[E810]: nothing in the manual matches "qqq"\n'
    assert manual.orch("howto", "grep", "(") == 2
    assert manual.err.startswith("error[E810]: not a pattern: ")


def test_topics_as_json(manual: Desk) -> None:
    manual.orch("howto", "when", "--json")
    (topic,) = json.loads(manual.out)
    assert (topic["id"], topic["section"], topic["codes"]) == ("when", "flow-control", ["E303"])


def test_no_such_topic(manual: Desk) -> None:
    assert manual.orch("howto", "whne") == 1
    assert manual.out.startswith("core\n")
    assert manual.err == 'error[E810]: topic "whne" not found\n   = help: did you mean orch howto when?\n'


def test_settings_page_is_made_from_the_table(manual: Desk) -> None:
    manual.orch("howto", "orch-toml")
    assert "  parallel (a whole number, default 4): " in manual.out
    assert "ORCH_PARALLEL_LIMIT overrides it" in manual.out


def test_documentation_of_a_module(manual: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.paths.resource", lambda kind: manual.root / "std")
    manual.write("std/llm.mld", ">> Calls models.\n>> One line each.\n\nexport { @claude, @llm }\n")
    assert manual.orch("howto", "@orch/llm") == 0
    assert manual.out == "# @orch/llm\n\nCalls models.\nOne line each.\nExports: @claude, @llm\n"
    assert manual.orch("howto", "@me/x") == 1
    assert manual.err.startswith("error[E810]: @me/x is not a module of orch\n")


def test_explain(manual: Desk) -> None:
    for word in ("E303", "e303", "LOOP_ERROR"):
        assert manual.orch("explain", word) == 0
        assert manual.out == (
            "E303 LOOP_ERROR: control flow and pipelines\n\n# Choosing\n\n`when` takes the first arm.\n"
        )
    assert manual.orch("explain") == 0
    assert "E201  VARIABLE_UNDEFINED\n" in manual.out
    assert "\nendless-loop\n" in manual.out
    assert manual.orch("explain", "endless-loop") == 0
    assert manual.out.startswith("endless-loop (warning of orch check)\n")
    assert 'suppressWarnings = ["endless-loop"]' in manual.out
    assert manual.orch("explain", "endles-loop") == 2
    assert "did you mean endless-loop?" in manual.err
    assert manual.orch("explain", "E999") == 2
    assert manual.err.startswith('error[E810]: no error has the code "E999"\n')
