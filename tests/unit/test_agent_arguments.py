"""Both styles of calling `@claude` and its relatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestra.errors import OrchError
from orchestra.runtime.calls import LineChoice
from orchestra.runtime.claude_arguments import CallArguments, read_arguments
from orchestra.runtime.tools.specs import Rule
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, Tagged

ROOT = Path("/project")


def read(name: str, *args: Any) -> CallArguments:
    return read_arguments(name, list(args), ROOT)


def test_both_styles_mean_the_same() -> None:
    positional = read("claudePoll", "go", "haiku", "/project/src", "Read,Grep", "out/a.md")
    config = read(
        "claudePoll",
        "go",
        {"model": "haiku", "dir": "/project/src", "tools": ["Read", "Grep"], "poll": "out/a.md"},
    )
    assert positional == config
    assert positional.model == "haiku"
    assert positional.dir == Path("/project/src")
    assert positional.tools.grants == (Rule("Read"), Rule("Grep"))
    assert positional.poll == Path("out/a.md")
    assert (positional.on_fail, positional.timeout) == ("null", 3600.0)


def test_defaults_and_absent_arguments() -> None:
    plain = read("claude", "go")
    assert plain == read("claude", "go", None, MISSING) == read("claude", "go", {})
    assert (plain.model, plain.dir, plain.poll, plain.on_fail) == ("sonnet", ROOT, None, "error")
    assert not plain.tools.declared
    assert read("claude", "go", "", None, None, MISSING).model == ""
    assert read("claude", "go", "opus", "src").dir == ROOT / "src"
    assert read("claudePoll", "go", "opus", None, "", "").poll is None


def test_labelled_values_are_read_as_data() -> None:
    secret = Meta(("secret",))
    arguments = read("claude", Tagged("go", secret), Tagged({"model": Tagged("opus", secret)}, secret))
    assert (arguments.prompt, arguments.model) == ("go", "opus")


def test_every_setting() -> None:
    arguments = read(
        "claude",
        "go",
        {
            "timeout": "1h30m",
            "system": "s",
            "stream": True,
            "schema": {"type": "object"},
            "schemaRetries": 0,
            "provider": "lab",
            "maxTokens": 10.0,
            "maxTurns": 3,
            "maxCost": 0.5,
            "effort": "low",
            "retries": 1,
            "onFail": "null",
            "cache": False,
            "nudge": 0,
        },
    )
    assert (arguments.timeout, arguments.system, arguments.stream) == (5400.0, "s", True)
    assert (arguments.schema, arguments.schema_retries, arguments.provider) == ({"type": "object"}, 0, "lab")
    assert (arguments.max_tokens, arguments.max_turns, arguments.max_cost) == (10, 3, 0.5)
    assert (arguments.effort, arguments.retries, arguments.on_fail) == ("low", 1, "null")
    assert (arguments.cache, arguments.nudge, arguments.warnings) == (False, 0, [])


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("250ms", 0.25), (7, 7)])
def test_timeouts(text: Any, seconds: float) -> None:
    assert read("claude", "go", {"timeout": text}).timeout == seconds
    assert read("claudePollTimeout", "go", "haiku", "src", "", "a.md", text).timeout == seconds


def test_relatives() -> None:
    assert read("opus", "go").model == "opus"
    assert read("haiku", "go", {"model": "opus", "maxTurns": 2}).model == "haiku"
    legacy = read("claudeWithSystem", "go", "be brief", "haiku", "src", "Read")
    assert (legacy.system, legacy.model, legacy.dir) == ("be brief", "haiku", ROOT / "src")
    lines = read("claudePollJsonl", "go", "haiku", None, "", "log.jsonl", "done.*7")
    assert lines.select == LineChoice(pattern="done.*7")
    timed = read("claudePollJsonlTimeout", "go", "haiku", None, "", "log.jsonl", "x", 60)
    assert (timed.select, timed.timeout) == (LineChoice(pattern="x"), 60.0)
    event = read("claudePollEvent", "go", "haiku", None, "", "log.jsonl", "graded", 7)
    assert event.select == LineChoice(event="graded", item="7")


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"modle": "x"}, 'unknown setting "modle", did you mean "model"?'),
        ({"colour": "x"}, 'unknown setting "colour"'),
        ({"temperature": 0}, "temperature is ignored: models no longer take it"),
    ],
)
def test_warnings(settings: dict[str, Any], warning: str) -> None:
    assert read("claude", "go", settings).warnings == [warning]


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({"resume": "x"}, "resume is ignored: only a provider with sessions of its own knows it"),
        ({"tools": "WebFetch,Read"}, "the tool WebFetch is not available here"),
    ],
)
def test_warnings_unless_an_agent_answers(settings: dict[str, Any], warning: str) -> None:
    given = read("claude", "go", settings)
    assert (given.warnings, given.agents_only) == ([], [warning])


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("claude", [], "the prompt of @claude must be text, not nothing"),
        ("claude", [7], "the prompt of @claude must be text, not a number"),
        ("claude", [" "], "the prompt of @claude is empty"),
        ("claude", ["go", 7], "the second argument of @claude must be text or an object, not a number"),
        ("claude", ["go", ["x"]], "the second argument of @claude must be text or an object, not a list"),
        (
            "claude",
            ["go", Executable("f")],
            "the second argument of @claude must be text or an object, not a function",
        ),
        ("claude", ["go", {}, "x"], "@claude takes nothing after its settings"),
        ("claude", ["go", "m", "d", "Read", "x"], "@claude takes 4 positional arguments, not 5"),
        ("haiku", ["go", "m"], "@haiku takes 1 positional arguments, not 2"),
        ("claudePollTimeout", ["go", "m"], "@claudePollTimeout needs timeout"),
        ("claudePollEvent", ["go", {"poll": "x", "event": "e"}], "@claudePollEvent needs itemId"),
        ("claude", ["go", {"model": 3}], "model must be text, not a number"),
        ("claude", ["go", {"dir": ""}], "dir is empty"),
        (
            "claude",
            ["go", {"timeout": "soon"}],
            'timeout must be seconds or a duration such as "20m", not "soon"',
        ),
        (
            "claude",
            ["go", {"timeout": "5 m x"}],
            'timeout must be seconds or a duration such as "20m", not "5 m x"',
        ),
        ("claude", ["go", {"timeout": 0}], "timeout must be more than 0"),
        ("claude", ["go", {"stream": "yes"}], "stream must be true or false, not text"),
        ("claude", ["go", {"maxTurns": 0}], "maxTurns must be a whole number from 1, not a number"),
        ("claude", ["go", {"maxTurns": True}], "maxTurns must be a whole number from 1, not a boolean"),
        ("claude", ["go", {"maxCost": -1}], "maxCost must be a number from 0, not a number"),
        ("claude", ["go", {"schema": 1}], "schema must be an object or the path of a file, not a number"),
        ("claude", ["go", {"onFail": "skip"}], "onFail must be one of null, error"),
        ("claude", ["go", {"event": ["x"]}], "event must be text or a number, not a list"),
    ],
)
def test_wrong_calls(name: str, args: list[Any], message: str) -> None:
    with pytest.raises(OrchError) as caught:
        read(name, *args)
    assert (caught.value.code, caught.value.message) == ("E701", message)
