"""Finding the project root, reading its settings, and what is said about a broken file."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra.config import Config, RunKeys, load, settings, with_aliases
from orchestra.config_kinds import duration
from orchestra.errors import OrchError, render
from orchestra.paths import bundled, cache_dir, find_root, resource, state_dir


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def failure(root: Path, environ: dict[str, str] | None = None) -> OrchError:
    with pytest.raises(OrchError) as caught:
        load(root, environ or {})
    assert (caught.value.code, caught.value.exit) == ("E812", 2)
    return caught.value


# ── root ─────────────────────────────────────────────────────────────────────────────────────────


def test_orch_toml_wins_over_nearer_marks(tmp_path: Path) -> None:
    write(tmp_path / "orch.toml")
    (tmp_path / "a" / ".orch").mkdir(parents=True)
    script = write(tmp_path / "a" / "b" / "x.mld")
    write(tmp_path / "a" / "b" / "package.json")
    assert find_root(script, tmp_path.parent) == tmp_path


def test_state_folder_wins_over_nearer_markers(tmp_path: Path) -> None:
    (tmp_path / ".orch").mkdir()
    script = write(tmp_path / "a" / "x.mld")
    write(tmp_path / "a" / "pyproject.toml")
    assert find_root(script, Path("/nowhere")) == tmp_path


def test_nearest_marker_of_any_kind(tmp_path: Path) -> None:
    write(tmp_path / "mlld-config.json", "{}")
    (tmp_path / "a" / ".git").mkdir(parents=True)
    assert find_root(tmp_path / "a", Path("/nowhere")) == tmp_path / "a"


def test_without_marks_the_folder_of_the_script(tmp_path: Path) -> None:
    script = write(tmp_path / "a" / "x.mld")
    assert find_root(script, tmp_path) == tmp_path / "a"
    assert find_root(tmp_path / "a", tmp_path) == tmp_path / "a"


def test_a_home_folder_under_version_control_is_no_project(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".orch").mkdir()
    script = write(tmp_path / "notes" / "x.mld")
    assert find_root(script, tmp_path) == tmp_path / "notes"
    write(tmp_path / "orch.toml")
    assert find_root(script, tmp_path) == tmp_path


def test_folders(tmp_path: Path) -> None:
    assert state_dir(tmp_path) == tmp_path / ".orch"
    assert cache_dir({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/orch")
    assert cache_dir({"XDG_CACHE_HOME": "not/absolute", "HOME": "/h"}) == Path("/h/.cache/orch")
    assert cache_dir({"HOME": "/h"}) == Path("/h/.cache/orch")


def test_grammar_is_found_beside_the_package() -> None:
    assert any(resource("grammar").glob("*.lark"))


def test_resource_in_a_wheel_passes_over_a_stranger_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "grammar" / "__init__.py")  # somebody else's package in site-packages
    inside = write(tmp_path / "orchestra" / "_grammar" / "mld.lark").parent
    monkeypatch.setattr("orchestra.paths.__file__", str(tmp_path / "orchestra" / "paths.py"))
    assert resource("grammar") == inside
    with pytest.raises(FileNotFoundError, match="without its stdlib folder"):
        resource("stdlib")


def test_bundled_modules_have_several_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = write(tmp_path / "stdlib" / "llm.mld")
    monkeypatch.setattr("orchestra.paths.__file__", str(tmp_path / "orchestra" / "paths.py"))
    for name in ("@orch/llm", "@std/llm", "@mlld/claude", "@mlld/claude-poll", "@mlld/claude-poll@2.0"):
        assert bundled(name) == llm
    for name in ("@mlld/other", "@me/llm", "@orch/none", "llm", "@orch/../llm"):
        assert bundled(name) is None


# ── values ───────────────────────────────────────────────────────────────────────────────────────


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, {})
    assert config == Config(tmp_path)
    assert config.run == RunKeys(scriptDir="llm/run", parallel=4, recursionDepth=64)
    assert config.store_file == tmp_path / ".orch" / "store.db"
    assert config.script_dir == tmp_path / "llm" / "run"


def test_every_table(tmp_path: Path) -> None:
    write(
        tmp_path / "orch.toml",
        """
        [run]
        scriptDir = "scripts"
        timeout = "5m"
        commandTimeout = 90
        parallel = 9
        errorBehavior = "continue"
        [llm]
        provider = "stand-in"
        extraRoots = ["/data"]
        maxWait = "1.5h"
        [llm.providers.stand-in]
        type = "command"
        [llm.models]
        sonnet = "my-model"
        [prelude]
        modules = ["@orch/llm"]
        [paths]
        "@kit/" = "shared"
        abs = "/opt/kit"
        [policy]
        deny = ["net"]
        [checkpoint]
        resume = "manual"
        """,
    )
    config = load(tmp_path, {})
    assert config.warnings == ()
    assert config.file == tmp_path / "orch.toml"
    assert config.run.commandTimeout == 90.0
    assert (config.run.timeout, config.run.parallel, config.run.errorBehavior) == (300.0, 9, "continue")
    assert config.script_dir == tmp_path / "scripts"
    assert (config.llm.provider, config.llm.extraRoots, config.llm.maxWait) == (
        "stand-in",
        ("/data",),
        5400.0,
    )
    assert config.llm_table["providers"] == {"stand-in": {"type": "command"}}
    assert config.llm_table["maxWait"] == 5400.0
    assert "archive" not in config.llm_table
    assert config.prelude.modules == ("@orch/llm",)
    assert config.paths == {"kit": tmp_path / "shared", "abs": Path("/opt/kit")}
    assert config.policy == {"deny": ["net"]}
    assert config.checkpoint.resume == "manual"


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    write(tmp_path / "orch.toml", "[run]\nparallel = 9\n")
    assert load(tmp_path, {"ORCH_PARALLEL_LIMIT": "2"}).run.parallel == 2
    assert load(tmp_path, {"MLLD_PARALLEL_LIMIT": "3"}).run.parallel == 3
    assert load(tmp_path, {"MLLD_PARALLEL_LIMIT": "3", "ORCH_PARALLEL_LIMIT": "2"}).run.parallel == 2
    assert load(tmp_path, {"MLLD_NO_STREAM": "true"}).run.noStream
    assert not load(tmp_path, {"ORCH_AUTO_PARSE_JSON": "false"}).run.autoParseJson


def test_aliases_keep_the_rest_of_the_environment() -> None:
    assert with_aliases({"MLLD_CLAUDE_POLL_LOG": "x", "PATH": "/bin"}) == {
        "MLLD_CLAUDE_POLL_LOG": "x",
        "ORCH_LLM_LOG": "x",
        "PATH": "/bin",
    }


@pytest.mark.parametrize(
    ("text", "bare", "seconds"),
    [
        ("90s", None, 90),
        ("250ms", None, 0.25),
        ("1.5h", None, 5400),
        ("2d", None, 172800),
        ("1500", "ms", 1.5),
    ],
)
def test_durations(text: str, bare: str | None, seconds: float) -> None:
    assert duration(text, bare) == seconds


@pytest.mark.parametrize("text", ["", "5", "-5s", "5 parsecs", "s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=f'"{text}" is not a duration like 90s or 5m'):
        duration(text)


def test_the_table_of_settings_is_complete() -> None:
    rows = {setting.name: setting for setting in settings()}
    assert rows["run.parallel"].variable == "ORCH_PARALLEL_LIMIT"
    assert rows["run.parallel"].default == 4
    assert rows["checkpoint.stale"].kind == "rerun, use or ask"
    assert all(setting.meaning and setting.kind for setting in rows.values())


# ── faults ───────────────────────────────────────────────────────────────────────────────────────


def test_broken_toml_shows_the_place(tmp_path: Path) -> None:
    write(tmp_path / "orch.toml", '[run]\nscriptDir "x"\n')
    assert render(failure(tmp_path), tmp_path) == (
        "error[E812]: orch.toml is not valid TOML: expected '=' after a key in a key/value pair\n"
        "  --> orch.toml:2:11\n"
        "   |\n"
        ' 2 | scriptDir "x"\n'
        "   |           ^"
    )


def test_broken_toml_at_the_end(tmp_path: Path) -> None:
    write(tmp_path / "orch.toml", "[run")
    error = failure(tmp_path)
    assert error.span is not None
    assert (error.span.line, error.message) == (
        1,
        "orch.toml is not valid TOML: expected ']' at the end of a table declaration",
    )


def test_not_a_text(tmp_path: Path) -> None:
    (tmp_path / "orch.toml").write_bytes(b"[run]\n# \xff\n")
    assert failure(tmp_path).message == "orch.toml is not UTF-8 text (byte 8)"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("[run]\nparallel = 0", "run.parallel: a whole number from 1 is expected", 2),
        ("[run]\nparallel = true", "run.parallel: a whole number is expected", 2),
        ("[run]\n\ntimeout = []", 'run.timeout: a duration like "90s" or a number of seconds is expected', 3),
        ('[run]\ntimeout = "5x"', 'run.timeout: "5x" is not a duration like 90s or 5m', 2),
        ('[checkpoint]\nstale = "no"', "checkpoint.stale: one of rerun, use, ask is expected", 2),
        ("[llm]\nextraRoots = [1]", "llm.extraRoots: a list of texts is expected", 2),
        ("[paths]\nkit = 1", "paths.kit: a folder is expected", 2),
        ("run = 1", "run must be a table", 1),
    ],
)
def test_wrong_values(tmp_path: Path, text: str, message: str, line: int) -> None:
    write(tmp_path / "orch.toml", text)
    error = failure(tmp_path)
    assert error.message == message
    assert error.span is not None
    assert error.span.line == line


def test_wrong_value_in_the_environment(tmp_path: Path) -> None:
    error = failure(tmp_path, {"ORCH_PARALLEL_LIMIT": "many"})
    assert error.message == "ORCH_PARALLEL_LIMIT: a whole number is expected"


def test_unknown_keys_warn_with_a_suggestion(tmp_path: Path) -> None:
    write(tmp_path / "orch.toml", '[run]\ntimout = "5m"\nzzz = 1\n[lm]\na = 1\n')
    said = [(w.message, w.help, w.span.line if w.span else None) for w in load(tmp_path, {}).warnings]
    assert said == [
        ("run.timout is no setting of orch", "did you mean timeout?", 2),
        ("run.zzz is no setting of orch", None, 3),
        ("[lm] is no setting of orch", "did you mean llm?", 4),
    ]


# ── the older file ───────────────────────────────────────────────────────────────────────────────

LEGACY = """{"scriptDir": "scripts", "trustedDomains": ["x"], "resolvers": {"prefixes": [
  {"prefix": "@kit/", "resolver": "LOCAL", "config": {"basePath": "./shared"}},
  {"prefix": "@far/", "resolver": "GITHUB", "config": {"repository": "a/b"}}]}}"""


def test_legacy_file_gives_prefixes_and_script_folder(tmp_path: Path) -> None:
    write(tmp_path / "mlld-config.json", LEGACY)
    config = load(tmp_path, {"ORCH_PARALLEL_LIMIT": "2"})
    assert config.script_dir == tmp_path / "scripts"
    assert config.run.parallel == 2
    assert config.paths == {"kit": tmp_path / "shared"}
    assert [w.message for w in config.warnings] == [
        'mlld-config.json: prefix "@far/" is not a local folder and is not read'
    ]


def test_legacy_file_is_passed_over_beside_orch_toml(tmp_path: Path) -> None:
    write(tmp_path / "mlld-config.json", "{broken")
    write(tmp_path / "orch.toml")
    assert load(tmp_path, {}).paths == {}


def test_broken_legacy_file(tmp_path: Path) -> None:
    write(tmp_path / "mlld-config.json", '{"a": 1,}')
    error = failure(tmp_path)
    assert error.message.startswith("mlld-config.json is not valid JSON: ")
    assert error.span is not None
    assert error.span.line == 1
    write(tmp_path / "mlld-config.json", "[]")
    assert failure(tmp_path).message == "mlld-config.json must hold a JSON object"
