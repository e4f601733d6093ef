"""What one run was asked for beyond its script and payload, as plain values.

The command line is read in `cli.options`; the meaning of each wish belongs to the runtime and the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestra.config import RunKeys

__all__ = ["GateAnswer", "ResumeTarget", "RunOptions"]


@dataclass(frozen=True, slots=True)
class ResumeTarget:
    """What `--resume` names. With neither phase nor function: everything stored is served.

    written:       the text on the command line, for messages
    phase:         a named checkpoint, or the beginning of its name
    function:      name without `@`
    site:          number of the call site in source order, from 0; None for all
    prefix:        beginning of the first argument; the calls after the first match are meant too,
    only_matching: unless this is set
    """

    written: str = ""
    phase: str | None = None
    function: str | None = None
    site: int | None = None
    prefix: str | None = None
    only_matching: bool = False


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """What `--answer` says ahead. occurrence: 0 for that of its place among the answers for the same gate."""

    name: str
    occurrence: int
    words: str


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of `orch FILE` and `orch run`. None means that the configuration decides.

    models:   short model name → id, for this run
    replay:   file of scripted answers that take the place of every model
    record:   file or folder to which answers of models are recorded
    calls_out: file that gets every request to a model
    clock:    what the time is, for all of the run
    seed:     of its random numbers
    budget:   bounds of the run by `usd`, `tokens`, `calls`
    modules:  module name (`@ns/name`) → the object whose keys it exports
    env:      environment variables added for this run
    state:    the object behind `@state`; None if there is none
    own:      the keys of the payload that only repeat options of orch; they do not identify the run
    """

    new: bool = False
    run: str | None = None  # name of the run to go on with, or to begin
    answers: tuple[GateAnswer, ...] = ()
    interactive: bool = False  # ask at the terminal what gates ask
    resume: tuple[ResumeTarget, ...] = ()
    checkpoint: bool = True
    fork: str | None = None
    stale: str | None = None  # rerun, use, ask
    explain: bool = False
    models: Mapping[str, str] = field(default_factory=dict)
    replay: Path | None = None
    strict: bool = False  # unknown settings of model calls are errors
    strict_models: bool = False
    record: Path | None = None
    calls_out: Path | None = None
    clock: str | None = None
    seed: int | None = None
    budget: Mapping[str, float] = field(default_factory=dict)
    wait: bool = False
    timeout: float | None = None  # seconds
    command_timeout: float | None = None  # seconds
    error_behavior: str | None = None  # halt, continue
    mode: str | None = None  # strict, markdown
    stdout: bool = False
    output: Path | None = None
    format: str | None = None  # md, xml, llm
    tidy: bool = True
    stream: bool | None = None
    structured: bool = False
    state: Mapping[str, Any] | None = None
    modules: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    allow_absolute: bool = False
    json: bool = False
    trace: str | None = None  # plain, json
    debug: bool = False
    quiet: bool = False
    verbose: bool = False
    warn: bool = True
    own: frozenset[str] = frozenset()

    def settled(self, project: RunKeys) -> RunOptions:
        """These options, with the project's `[run]` where the command line says nothing."""
        return replace(
            self,
            timeout=project.timeout if self.timeout is None else self.timeout,
            command_timeout=project.commandTimeout if self.command_timeout is None else self.command_timeout,
            error_behavior=self.error_behavior or project.errorBehavior,
            stream=False if project.noStream else self.stream,
        )

    def identity(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The part of the payload that tells one run of a script from another."""
        return {name: value for name, value in payload.items() if name not in self.own}
