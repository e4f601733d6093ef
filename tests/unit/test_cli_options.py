"""Cutting a command line into options, payload and words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestra.cli.flags import FLAGS
from orchestra.cli.options import CommandLine, read, with_arguments
from orchestra.errors import OrchError
from orchestra.invocation import ResumeTarget, RunOptions

HERE = Path("/here")


def cut(*argv: str, cwd: Path = HERE) -> CommandLine:
    return read(argv, cwd)


def refused(*argv: str, cwd: Path = HERE) -> OrchError:
    with pytest.raises(OrchError) as caught:
        read(argv, cwd)
    assert caught.value.exit == 2
    return caught.value


# ── payload ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argv", "payload"),
    [
        ("--topic moss", {"topic": "moss"}),
        ("--n 5", {"n": "5"}),
        ("--dry", {"dry": True}),
        ("--dry --topic moss", {"dry": True, "topic": "moss"}),
        ("--max-items 5", {"max-items": "5", "maxItems": "5"}),
        ("--k=v", {"k": "v"}),
        ("--k=", {"k": ""}),
        ("--k=a=b", {"k": "a=b"}),
        ("--k=--odd", {"k": "--odd"}),
        ("--n -3", {"n": "-3"}),
        ("--n -3.5e2 --m -.5", {"n": "-3.5e2", "m": "-.5"}),
        ("--file -", {"file": "-"}),
        ("--tag a --tag b --tag c", {"tag": ["a", "b", "c"]}),
        ("--my-tag a --my-tag b", {"my-tag": ["a", "b"], "myTag": ["a", "b"]}),
        ("--dry --dry", {"dry": True}),
        ("--tag a --tag a", {"tag": ["a", "a"]}),
        ("--tag --tag a", {"tag": [True, "a"]}),
        ("--no-cache", {"cache": False}),
        ("--no-dry-run", {"dry-run": False, "dryRun": False}),
        ("--no-cache=yes", {"no-cache": "yes", "noCache": "yes"}),
        ("--env x", {"env": "x"}),
        ("-- --new --topic x", {"new": True, "topic": "x"}),
        ("-- a b --k v c", {"k": "v", "args": ["a", "b", "c"]}),
        ("-- -x", {"args": ["-x"]}),
    ],
)
def test_payload(argv: str, payload: dict[str, Any]) -> None:
    line = cut(*argv.split())
    assert line.payload == payload
    assert line.options == RunOptions()
    assert line.words == []


def test_typed_payload_stands_below_flags() -> None:
    line = cut("--payload-json", '{"n": 1, "deep": {"a": [2]}}', "--n", "2")
    assert line.payload == {"n": "2", "deep": {"a": [2]}}
    assert cut("--payload-json", '{"n": 1}').payload == {"n": 1}


def test_words_become_arguments() -> None:
    line = with_arguments(cut("audit", "src", "lib", "--k", "v", "--", "more"), 1)
    assert line.words == ["audit"]
    assert line.payload == {"k": "v", "args": ["src", "lib", "more"]}
    assert "args" not in with_arguments(cut("audit"), 1).payload


def test_own_options_are_visible_in_the_payload_but_do_not_identify_the_run() -> None:
    line = cut("--fresh", "--topic", "x", "--no-warn", "--budget", "2", "-q")
    assert line.payload == {
        "new": True,
        "fresh": True,
        "topic": "x",
        "warn": False,
        "budget": "2",
        "quiet": True,
    }
    assert line.options.identity(line.payload) == {"topic": "x"}


def test_data_is_not_repeated_in_the_payload() -> None:
    line = cut("--state", "a=1", "--inject", '@m={"k": 1}')
    assert line.payload == {}
    assert line.options.state == {"a": "1"}
    assert line.options.modules == {"@m": {"k": 1}}


# ── options ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        ("--new", {"new": True}),
        ("--no-checkpoint", {"checkpoint": False}),
        ("--checkpoint --strict", {"strict": True}),
        ("--fork other", {"fork": "other"}),
        ("--stale use", {"stale": "use"}),
        ("--explain --wait --strict-models", {"explain": True, "wait": True, "strict_models": True}),
        ("--models answers.jsonl", {"replay": HERE / "answers.jsonl"}),
        ("--model sonnet=a --model opus=b=c", {"models": {"sonnet": "a", "opus": "b=c"}}),
        ("--budget usd=0.05,calls=10 --budget tokens=9", {"budget": {"usd": 0.05, "calls": 10, "tokens": 9}}),
        ("--budget 2", {"budget": {"usd": 2}}),
        ("--timeout 5m", {"timeout": 300}),
        ("--timeout 1500", {"timeout": 1.5}),
        ("--command-timeout=250ms", {"command_timeout": 0.25}),
        ("--error-behavior continue", {"error_behavior": "continue"}),
        ("--mode strict", {"mode": "strict"}),
        ("--markdown", {"mode": "markdown"}),
        ("-o out.md", {"output": HERE / "out.md"}),
        (
            "--output=/abs.md --format xml --no-format",
            {"output": Path("/abs.md"), "format": "xml", "tidy": False},
        ),
        ("--stdout --structured --no-stream", {"stdout": True, "structured": True, "stream": False}),
        (
            "--json --debug -v -q --no-warn",
            {"json": True, "debug": True, "verbose": True, "quiet": True, "warn": False},
        ),
        ("--allow-absolute", {"allow_absolute": True}),
        ("--env-file A=1 --mlld-env B=x=y", {"env": {"A": "1", "B": "x=y"}}),
    ],
)
def test_options(argv: str, options: dict[str, Any]) -> None:
    line = cut(*argv.split(), "--topic", "x")
    assert line.options == RunOptions(**options, own=line.options.own)
    assert line.options.identity(line.payload) == {"topic": "x"}


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("verify findings", {"phase": "verify findings"}),
        ("@rate", {"function": "rate"}),
        ("@rate:2", {"function": "rate", "site": 2}),
        ('@rate("pl")', {"function": "rate", "prefix": "pl"}),
        ('@rate:1("pl")', {"function": "rate", "site": 1, "prefix": "pl"}),
        ('@rate("pl"*)', {"function": "rate", "prefix": "pl", "only_matching": True}),
        ('@rate("say \\"hi\\")")', {"function": "rate", "prefix": 'say "hi")'}),
        ("@my-fn", {"function": "my-fn"}),
    ],
)
def test_resume_targets(target: str, meant: dict[str, Any]) -> None:
    assert cut("--resume", target).options.resume == (ResumeTarget(target, **meant),)


def test_resume_without_target_and_repeated() -> None:
    assert cut("--resume").options.resume == (ResumeTarget(),)
    assert cut("--resume", "--new").options.resume == (ResumeTarget(),)
    assert cut("--resume", "a", "--resume=@b").options.resume == (
        ResumeTarget("a", phase="a"),
        ResumeTarget("@b", function="b"),
    )


def test_files_are_read_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"a": 1}')
    (tmp_path / ".env").write_text("# secrets\n\nA=1\nexport B = 'two words'\nC=\"\"\n")
    line = cut("--state", "@s.json", "--state", "b=2", "--payload", "@kit=s.json", "--env-file", ".env", cwd=tmp_path)
    assert line.options.state == {"a": 1, "b": "2"}
    assert line.options.modules == {"@kit": {"a": 1}}
    assert line.options.env == {"A": "1", "B": "two words", "C": ""}


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["-x"], "E810", "unknown option -x"),
        (["--=v"], "E810", "unknown option --"),
        (["--fork"], "E810", "--fork requires a script name"),
        (["--stale"], "E810", "--stale requires a value"),
        (["--new=1"], "E810", "--new takes no value"),
        (["--stale", "maybe"], "E810", '--stale: one of rerun, use, ask is expected, not "maybe"'),
        (["--timeout", "soon"], "E810", '--timeout: "soon" is not a duration like 90s or 5m'),
        (["--model", "opus"], "E810", '--model: NAME=ID is expected, such as sonnet=my-model, not "opus"'),
        (["--budget", "eur=3"], "E810", '--budget: usd=N, tokens=N or calls=N is expected, not "eur=3"'),
        (
            ["--budget", "usd=lots"],
            "E810",
            '--budget: usd=N, tokens=N or calls=N is expected, not "usd=lots"',
        ),
        (["--payload-json", "[1]"], "E810", '--payload-json: a JSON object is expected, such as {"n": 1}'),
        (["--payload-json", "{"], "E810", "--payload-json: not valid JSON: Expecting property name"),
        (["--inject", "m=1"], "E810", '--inject: @name=FILE or @name=JSON is expected, not "m=1"'),
        (["--state", "nope"], "E810", '--state: JSON or the name of a JSON file is expected, not "nope"'),
        (["--env-file", "nope"], "E810", "--env-file: nope cannot be read: No such file or directory"),
        (["--resume", "@rate("], "E803", 'invalid --resume target "@rate("'),
        (["--resume", "@rate(pl)"], "E803", 'invalid --resume target "@rate(pl)"'),
        (["--permissive"], "E810", "--permissive is not offered: an error nobody handles ends the run"),
    ],
)
def test_refusals(argv: list[str], code: str, message: str) -> None:
    error = refused(*argv)
    assert error.code == code
    assert error.message.startswith(message)


@pytest.mark.parametrize("other", ["--new", "--fresh", "--resume", "--fork=x"])
def test_no_checkpoint_stands_alone(other: str) -> None:
    error = refused("--no-checkpoint", other)
    assert error.message == "cannot combine --no-checkpoint with --new/--fresh, --resume, or --fork"


def test_resume_help_names_the_forms() -> None:
    assert refused("--resume", "@").help == 'write checkpoint-name, @function, @function:index or @function("prefix")'


def test_broken_lines_of_an_env_file_are_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nwhat is this\n")
    error = refused("--env-file", ".env", cwd=tmp_path)
    assert error.message == "--env-file: .env: NAME=value is expected, not 'what is this'"


def test_flags_set_only_fields_that_exist_and_say_what_they_mean() -> None:
    fields = {*RunOptions.__slots__, "payload", ""}
    assert all(flag.field in fields and flag.meaning for flag in FLAGS)
    names = [name for flag in FLAGS for name in flag.names]
    assert len(names) == len(set(names))
