"""The project's settings: every key of `orch.toml` with its type, default and meaning.

What a setting does is decided where it is used; what one run was asked for is in `invocation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from orchestra.config_file import LEGACY_FILE, ConfigFile, broken, read_json, read_legacy, read_toml
from orchestra.config_kinds import BUDGET, COUNT, DURATION, SIZE, SWITCH, TABLE, TEXT, TEXTS, Kind, one_of
from orchestra.errors import Warned, nearest
from orchestra.paths import CONFIG_FILE
from orchestra.source import Span

__all__ = [
    "ALIASES",
    "CheckKeys",
    "CheckpointKeys",
    "Config",
    "HookKeys",
    "LlmKeys",
    "PreludeKeys",
    "RunKeys",
    "SecurityKeys",
    "Setting",
    "load",
    "settings",
    "with_aliases",
]

# Names that published manuals tell their readers to set.
ALIASES = {
    "MLLD_AUTO_PARSE_JSON": "ORCH_AUTO_PARSE_JSON",
    "MLLD_CLAUDE_POLL_LOG": "ORCH_LLM_LOG",
    "MLLD_DEBUG_CLAUDE_POLL": "ORCH_DEBUG_LLM",
    "MLLD_NO_STREAM": "ORCH_NO_STREAM",
    "MLLD_PARALLEL_LIMIT": "ORCH_PARALLEL_LIMIT",
    "MLLD_RECURSION_DEPTH": "ORCH_RECURSION_DEPTH",
    "MLLD_VERIFY_VARS": "ORCH_VERIFY_VARS",
}


def with_aliases(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which every documented variable is found under its ORCH_ name."""
    return {ours: environ[theirs] for theirs, ours in ALIASES.items() if theirs in environ} | dict(environ)


# ── the table of keys ────────────────────────────────────────────────────────────────────────────
# Attributes are spelt as the keys are in the file.


def key(kind: Kind[Any], default: Any, meaning: str, variable: str | None = None) -> Any:
    """One key; `variable` is the environment variable that overrides the file."""
    facts = {"kind": kind, "meaning": meaning, "variable": variable}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=facts)
    return field(default=default, metadata=facts)


@dataclass(frozen=True, slots=True)
class RunKeys:
    """`[run]`: how scripts are found and run."""

    scriptDir: str = key(TEXT, "llm/run", "folder in which `orch run NAME` looks, from the project root")
    modulesDir: str = key(TEXT, "llm/modules", "folder of modules under development, from the project root")
    timeout: float | None = key(DURATION, None, "limit of a whole run")
    commandTimeout: float | None = key(DURATION, None, "limit of every command and code block")
    errorBehavior: str = key(one_of("halt", "continue"), "halt", "what a failing command does to the run")
    parallel: int = key(COUNT, 4, "width of `for parallel` that names none", "ORCH_PARALLEL_LIMIT")
    recursionDepth: int = key(COUNT, 64, "depth to which a function may call itself", "ORCH_RECURSION_DEPTH")
    noStream: bool = key(SWITCH, False, "show the text of streamed calls when it is complete", "ORCH_NO_STREAM")
    autoParseJson: bool = key(SWITCH, True, "read JSON in results of commands as data", "ORCH_AUTO_PARSE_JSON")


@dataclass(frozen=True, slots=True)
class LlmKeys:
    """`[llm]`: which models answer, and within what bounds."""

    provider: str | None = key(TEXT, None, "who answers model calls that name no provider")
    providers: Mapping[str, Any] = key(TABLE, {}, "settings of each provider, one table for each name")
    models: Mapping[str, Any] = key(TABLE, {}, "model ids behind short names, such as `sonnet`")
    extraRoots: tuple[str, ...] = key(TEXTS, (), "folders outside the working folder that tools may enter")
    maxTokens: int = key(COUNT, 32_000, "tokens of one turn of a model, where the call names no bound")
    maxWait: float = key(DURATION, 120.0, "longest wait for a limit of a provider; a longer one parks the run")
    judge: str | None = key(TEXT, None, "the model that decides `**…**` and `choose`, and summarises, if not `sonnet`")
    env: tuple[str, ...] = key(
        TEXTS, (), "variables with secret-looking names that commands of models see all the same"
    )
    archive: str = key(one_of("prompts", "full"), "prompts", "what is kept of each call beside the output")
    budget: Mapping[str, float] = key(BUDGET, {}, "bounds of a run: `usd`, `tokens`, `calls`")


@dataclass(frozen=True, slots=True)
class PreludeKeys:
    """`[prelude]`: what every script has without importing it."""

    modules: tuple[str, ...] = key(TEXTS, (), "modules whose exports are names in every script")


@dataclass(frozen=True, slots=True)
class CheckpointKeys:
    """`[checkpoint]`: what is kept of finished calls, and when it is served."""

    resume: str = key(one_of("auto", "manual", "never"), "auto", "when stored answers are served")
    stale: str = key(one_of("rerun", "use", "ask"), "rerun", "what happens to answers of older code")
    store: str = key(TEXT, ".orch/store.db", "the database, from the project root")
    keep: float = key(DURATION, 90 * 86_400.0, "how long an answer is kept that no run asks for")
    max: int = key(SIZE, 1_000_000_000, "size of the database above which old answers are dropped after runs")


@dataclass(frozen=True, slots=True)
class SecurityKeys:
    """`[security]`: what a script may reach."""

    allowAbsolutePaths: bool = key(
        SWITCH, True, "whether scripts may load, import and write outside the project; `--allow-absolute` lets them"
    )
    allowedEnvVars: tuple[str, ...] = key(TEXTS, (), "environment variables that `@input` shows")
    allowedDomains: tuple[str, ...] = key(TEXTS, (), "domains, each with its subdomains, that pages may come from")
    blockedDomains: tuple[str, ...] = key(TEXTS, (), "domains, each with its subdomains, that no page comes from")
    urlTimeout: float = key(DURATION, 30.0, "longest wait for a page")
    urlMaxSize: int = key(COUNT, 20_000_000, "bytes of the largest page that is loaded")


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """`[audit]`: the log of what models did and what was denied, `.orch/sec/audit.jsonl`."""

    required: bool = key(SWITCH, False, "end the run when the log cannot be written; else that is a warning")


@dataclass(frozen=True, slots=True)
class HookKeys:
    """`[hooks]`: code that runs beside operations."""

    onError: str = key(one_of("warn", "silent", "fail"), "warn", "what a failing hook does: a line, nothing, the end")


@dataclass(frozen=True, slots=True)
class CheckKeys:
    """`[check]`: the static checks."""

    suppressWarnings: tuple[str, ...] = key(TEXTS, (), "codes of advice that is not given")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a project settles. `paths` and `policy` have keys of the user's own choosing.

    paths:    prefix (without `@`) → absolute folder, for `@kit/…` in imports and loads
    policy:   the project's policy, in the form of a policy in a script
    llm_table: `[llm]` as far as it is written, for providers; durations are seconds there
    """

    root: Path
    file: Path | None = None
    run: RunKeys = RunKeys()
    llm: LlmKeys = LlmKeys()
    prelude: PreludeKeys = PreludeKeys()
    checkpoint: CheckpointKeys = CheckpointKeys()
    security: SecurityKeys = SecurityKeys()
    audit: AuditKeys = AuditKeys()
    hooks: HookKeys = HookKeys()
    check: CheckKeys = CheckKeys()
    paths: Mapping[str, Path] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    llm_table: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()

    @property
    def store_file(self) -> Path:
        return self.root / self.checkpoint.store

    @property
    def script_dir(self) -> Path:
        return self.root / self.run.scriptDir

    @property
    def modules_dir(self) -> Path:
        return self.root / self.run.modulesDir


TABLES: dict[str, type[Any]] = {
    "run": RunKeys,
    "llm": LlmKeys,
    "prelude": PreludeKeys,
    "checkpoint": CheckpointKeys,
    "security": SecurityKeys,
    "audit": AuditKeys,
    "hooks": HookKeys,
    "check": CheckKeys,
}
FREE_TABLES = ("paths", "policy")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the manual: `name` is `table.key`, `variable` the environment variable that overrides it."""

    name: str
    kind: str
    default: Any
    meaning: str
    variable: str | None


def settings() -> Iterator[Setting]:
    """Every key there is, in the order of the manual."""
    for table, keys in TABLES.items():
        unset = keys()
        for f in fields(keys):
            facts = f.metadata
            default = getattr(unset, f.name)
            yield Setting(f"{table}.{f.name}", facts["kind"].name, default, facts["meaning"], facts["variable"])


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def load(root: Path, environ: Mapping[str, str]) -> Config:
    """The settings of the project at `root`: its file under the environment, over the defaults.

    Raises OrchError E812 for a file that cannot be read and for a value of the wrong type; unknown keys are
    warnings of the result.
    """
    environ = with_aliases(environ)
    if (root / CONFIG_FILE).is_file():
        return _from_toml(root, read_toml(root / CONFIG_FILE), environ)
    if (root / LEGACY_FILE).is_file():
        return _from_legacy(root, read_json(root / LEGACY_FILE), environ)
    return Config(root, **_tables(None, environ))


def _from_toml(root: Path, file: ConfigFile, environ: Mapping[str, str]) -> Config:
    for table in file.tables:
        if table in {*TABLES, *FREE_TABLES} and not isinstance(file.tables[table], dict):
            raise broken(f"{table} must be a table", file.place("", table), help=f"[{table}]")
    paths = {_prefix(name): root / _folder(name, text, file) for name, text in file.tables.get("paths", {}).items()}
    tables = _tables(file, environ)
    return Config(
        root,
        file.source.path,
        **tables,
        paths=paths,
        policy=file.tables.get("policy", {}),
        llm_table=_llm_table(file.tables.get("llm", {}), tables["llm"]),
        warnings=tuple(_unknown(file)),
    )


def _llm_table(written: Mapping[str, Any], keys: LlmKeys) -> dict[str, Any]:
    return {name: getattr(keys, name, value) for name, value in written.items()}


def _tables(file: ConfigFile | None, environ: Mapping[str, str]) -> dict[str, Any]:
    return {name: keys(**_values(name, keys, file, environ)) for name, keys in TABLES.items()}


def _values(table: str, keys: type[Any], file: ConfigFile | None, environ: Mapping[str, str]) -> dict[str, Any]:
    written = file.tables.get(table, {}) if file else {}
    values: dict[str, Any] = {}
    for f in fields(keys):
        kind, variable = f.metadata["kind"], f.metadata["variable"]
        if variable in environ:
            values[f.name] = _checked(variable, None, kind.from_text, environ[variable])
        elif file is not None and f.name in written:
            place = file.place(table, f.name)
            values[f.name] = _checked(f"{table}.{f.name}", place, kind.check, written[f.name])
    return values


def _checked(name: str, place: Span | None, read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise broken(f"{name}: {error}", place) from None


def _unknown(file: ConfigFile) -> Iterator[Warned]:
    for table, content in file.tables.items():
        if table in FREE_TABLES:
            continue
        if table not in TABLES:
            yield _strange(f"[{table}]", table, {*TABLES, *FREE_TABLES}, file.place(table) or file.place("", table))
            continue
        names = {f.name for f in fields(TABLES[table])}
        for name in content:
            if name not in names:
                yield _strange(f"{table}.{name}", name, names, file.place(table, name))


def _strange(shown: str, name: str, names: set[str], place: Span | None) -> Warned:
    close = nearest(name, names)
    return Warned("E812", f"{shown} is no setting of orch", place, help=f"did you mean {close}?" if close else None)


def _prefix(name: str) -> str:
    return name.removeprefix("@").rstrip("/")


def _folder(name: str, folder: object, file: ConfigFile) -> str:
    if not isinstance(folder, str):
        raise broken(f"paths.{name}: a folder is expected", file.place("paths", name))
    return folder


def _from_legacy(root: Path, file: ConfigFile, environ: Mapping[str, str]) -> Config:
    legacy = read_legacy(file)
    tables = _tables(ConfigFile(file.source, legacy.tables), environ)
    paths = {_prefix(name): root / folder for name, folder in legacy.paths.items()}
    return Config(root, file.source.path, **tables, paths=paths, warnings=legacy.warnings)
