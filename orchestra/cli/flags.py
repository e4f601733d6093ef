"""The options that `orch` itself knows when it runs a script. Every other `--name` belongs to the script.

The list is frozen: a new entry takes a name away from payloads that are in use. How a command line is cut
into options, payload and words is decided in `options`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestra.cli.flag_values import (
    Reader,
    budget,
    environment,
    gate_answer,
    json_object,
    milliseconds,
    model_alias,
    module,
    moment,
    one_of,
    path,
    resume_target,
    run_name,
    state,
    text,
    whole,
)
from orchestra.invocation import ResumeTarget

__all__ = ["BY_NAME", "FLAGS", "Flag"]

# ── several values of one option ─────────────────────────────────────────────────────────────────


def last(before: Any, value: Any) -> Any:
    return value


def listed(before: tuple[Any, ...] | None, value: Any) -> tuple[Any, ...]:
    return (*(before or ()), value)


def merged(before: dict[str, Any] | None, value: dict[str, Any]) -> dict[str, Any]:
    return {**(before or {}), **value}


# ── the list ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Flag:
    """One option.

    field:    the attribute of `RunOptions` it sets; "" if it sets none
    value:    how help shows its value; "" if it takes none, in brackets if it may be left out
    sets:     what stands for the value when none is written
    carries:  its value is data of the script, hence not repeated in the payload
    """

    names: tuple[str, ...]
    field: str
    meaning: str
    value: str = ""
    read: Reader = text
    gather: Callable[[Any, Any], Any] = last
    sets: Any = True
    carries: bool = False

    @property
    def optional(self) -> bool:
        return not self.value or self.value.startswith("[")


def flag(names: str, field: str, meaning: str, value: str = "", **more: Any) -> Flag:
    return Flag(tuple(names.split()), field, meaning, value, **more)


FLAGS: tuple[Flag, ...] = (
    flag("--new --fresh", "new", "begin the next run, from nothing"),
    flag("--run", "run", "go on with the run of this name, or begin it", "NAME", read=run_name),
    flag("--interactive", "interactive", "ask at the terminal what gates ask"),
    flag("--answer", "answers", "answer a gate ahead, for tests", "GATE=WORD", read=gate_answer, gather=listed),
    flag(
        "--resume",
        "resume",
        "redo a phase and all after it, or one function",
        "[TARGET]",
        read=resume_target,
        gather=listed,
        sets=ResumeTarget(),
    ),
    flag("--checkpoint", "", "accepted; results are always stored"),
    flag("--no-checkpoint", "checkpoint", "neither read nor store results", sets=False),
    flag("--fork", "fork", "serve results of another script as well", "SCRIPT"),
    flag(
        "--stale",
        "stale",
        "results of older code: rerun, use or ask",
        "MODE",
        read=one_of("rerun", "use", "ask"),
    ),
    flag("--explain", "explain", "say of each model call why it ran or did not"),
    flag("--models", "replay", "answer model calls from a file or folder", "FILE", read=path),
    flag("--strict-models", "strict_models", "fail if answers of it are left over"),
    flag("--record", "record", "keep the answers of models, to answer from them later", "FILE", read=path),
    flag("--calls-out", "calls_out", "write every request to a model to a file", "FILE", read=path),
    flag("--clock", "clock", "let the time stand still, such as 2026-01-01T00:00:00Z", "TIME", read=moment),
    flag("--seed", "seed", "begin random numbers from this one", "N", read=whole),
    flag("--model", "models", "use another model for a short name", "NAME=ID", read=model_alias, gather=merged),
    flag("--budget", "budget", "bounds such as usd=2,calls=100", "BOUNDS", read=budget, gather=merged),
    flag("--wait", "wait", "wait for a provider's limit to end instead of parking"),
    flag("--timeout", "timeout", "limit of the whole run; 5m, 90s, 500ms", "TIME", read=milliseconds),
    flag("--command-timeout", "command_timeout", "limit of every command", "TIME", read=milliseconds),
    flag(
        "--error-behavior",
        "error_behavior",
        "failing commands: halt or continue",
        "WORD",
        read=one_of("halt", "continue"),
    ),
    flag("--strict", "strict", "settings of model calls that nobody knows are errors; other errors always are"),
    flag("--mode", "mode", "read the script as strict or markdown", "MODE", read=one_of("strict", "markdown")),
    flag("--markdown", "mode", "the same as --mode markdown", sets="markdown"),
    flag("--stdout", "stdout", "print the collected document"),
    flag("--output -o", "output", "write the collected document to a file", "FILE", read=path),
    flag("--format", "format", "form of the document: md, xml or llm", "FORM", read=one_of("md", "xml", "llm")),
    flag("--no-format", "tidy", "leave the document as it was collected", sets=False),
    flag("--no-stream", "stream", "show answers when they are complete", sets=False),
    flag("--structured", "structured", "print one JSON object: output, effects, exports …"),
    flag(
        "--state",
        "state",
        "value of @state: k=v, JSON or a file",
        "DATA",
        read=state,
        gather=merged,
        carries=True,
    ),
    flag(
        "--inject --payload",
        "modules",
        "a module made of data: @name=FILE or @name=JSON",
        "@NAME=DATA",
        read=module,
        gather=merged,
        carries=True,
    ),
    flag(
        "--payload-json",
        "payload",
        "fields of @payload that keep their types",
        "JSON",
        read=json_object,
        gather=merged,
        carries=True,
    ),
    flag(
        "--env-file --mlld-env",
        "env",
        "environment variables from a file, or one NAME=value",
        "FILE",
        read=environment,
        gather=merged,
    ),
    flag("--allow-absolute", "allow_absolute", "let scripts use paths outside the project for this run"),
    flag("--json", "json", "report events on stderr, one JSON object a line"),
    flag(
        "--trace", "trace", "tell each step on stderr: plain, or json as --json", "FORM", read=one_of("plain", "json")
    ),
    flag("--debug", "debug", "tell of every statement how long it took, of an internal error where it arose"),
    flag("--verbose -v", "verbose", "one line for each phase even without a terminal"),
    flag("--quiet -q", "quiet", "no display and no summary"),
    flag("--no-warn", "warn", "hide warnings about the script", sets=False),
)

BY_NAME: dict[str, Flag] = {name: entry for entry in FLAGS for name in entry.names}
