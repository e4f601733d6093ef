"""The command line of a script, cut into options of `orch`, payload and words.

Which options there are stands in `flags`; what they do is decided by the runtime.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestra.cli.flag_values import usage
from orchestra.cli.flags import BY_NAME, Flag
from orchestra.invocation import ResumeTarget, RunOptions

__all__ = ["CommandLine", "ResumeTarget", "RunOptions", "read"]

# A token that begins with a hyphen and is a value all the same: a number, or the name of standard input.
NOT_A_FLAG = re.compile(r"-|-\d+(\.\d+)?([eE][+-]?\d+)?|-\.\d+")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What follows `orch`, `orch run` and the like.

    words:   what is neither an option nor the value of one, before `--`
    options: wishes to `orch`
    payload: what `@payload` shows: texts, true, false and lists of them, besides fields given as JSON
    """

    words: list[str]
    options: RunOptions
    payload: dict[str, Any]
    argv: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    words: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    payload: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)  # options as the payload repeats them


def read(argv: Sequence[str], cwd: Path) -> CommandLine:
    """Cut `argv`. Files named by options are read from `cwd`. Raises OrchError E810 or E803, exit 2."""
    gathered = _Gathered()
    tokens = _Tokens(argv)
    for token in tokens:
        if token == "--":
            _take_rest(tokens, gathered)
        elif not _is_flag(token):
            gathered.words.append(token)
        else:
            _take_flag(token, tokens, gathered, cwd)
    return replace(_result(gathered), argv=tuple(argv))


def with_arguments(line: CommandLine, taken: int) -> CommandLine:
    """The same line with the words after the first `taken` as `@payload.args`."""
    args = [*line.words[taken:], *line.payload.get("args", [])]
    return replace(line, words=line.words[:taken], payload=line.payload | ({"args": args} if args else {}))


class _Tokens:
    """The tokens of a command line, with a look at the next one."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._tokens = argv
        self._next = 0

    def __iter__(self) -> Iterator[str]:
        while self._next < len(self._tokens):
            self._next += 1
            yield self._tokens[self._next - 1]

    def value(self) -> str | None:
        """The next token, taken, if it can be the value of an option."""
        if self._next >= len(self._tokens) or _is_flag(self._tokens[self._next]):
            return None
        self._next += 1
        return self._tokens[self._next - 1]


def _is_flag(token: str) -> bool:
    return token.startswith("-") and not NOT_A_FLAG.fullmatch(token)


def _take_flag(token: str, tokens: _Tokens, gathered: _Gathered, cwd: Path) -> None:
    name, equals, attached = token.partition("=")
    value = attached if equals else None
    entry = BY_NAME.get(name)
    if entry is not None:
        if not equals and entry.value:
            value = tokens.value()
        _take_option(entry, name, value, gathered, cwd)
    elif name == "--permissive":
        raise usage("--permissive is not offered: an error nobody handles ends the run", "--error-behavior continue")
    elif not name.startswith("--") or name == "--":
        raise usage(f"unknown option {name}", "write --name value for the payload, orch run --help for the options")
    else:
        _take_payload(name[2:], value, tokens, gathered)


def _take_option(entry: Flag, name: str, value: str | None, gathered: _Gathered, cwd: Path) -> None:
    if value is not None and not entry.value:
        raise usage(f"{name} takes no value")
    if value is None and not entry.optional:
        raise usage(f"{name} requires {_described(entry)}", f"{name} {entry.value}")
    if entry.field:
        before = gathered.fields.get(entry.field)
        gathered.fields[entry.field] = entry.gather(before, _value(entry, name, value, cwd))
    if not entry.carries:
        for shown in dict.fromkeys((entry.names[0], name)):
            if shown.startswith("--"):
                _put(gathered.shown, shown[2:], value)


def _described(entry: Flag) -> str:
    return "a script name" if entry.value == "SCRIPT" else "a value"


def _value(entry: Flag, name: str, written: str | None, cwd: Path) -> Any:
    if written is None:
        return entry.sets
    try:
        return entry.read(written, cwd)
    except ValueError as error:
        raise usage(f"{name}: {error}") from None


def _take_payload(name: str, value: str | None, tokens: _Tokens, gathered: _Gathered) -> None:
    if value is None and not name.startswith("no-"):
        value = tokens.value()
    _put(gathered.payload, name, value)


def _take_rest(tokens: _Tokens, gathered: _Gathered) -> None:
    """After `--` everything belongs to the script."""
    words: list[str] = []
    for token in tokens:
        if token.startswith("--") and len(token) > 2:
            name, equals, attached = token[2:].partition("=")
            _take_payload(name, attached if equals else None, tokens, gathered)
        else:
            words.append(token)
    if words:
        gathered.payload["args"] = words


def _put(payload: dict[str, Any], name: str, value: str | None) -> None:
    """`--name value` as a field. Hyphens get a twin in camel case; a second value makes a list."""
    field_value: Any = True if value is None else value
    if value is None and name.startswith("no-") and len(name) > 3:
        name, field_value = name[3:], False
    before = payload.get(name)
    if name in payload and (value is not None or before is not field_value):
        field_value = [*before, field_value] if isinstance(before, list) else [before, field_value]
    payload[name] = field_value
    payload[_camel(name)] = field_value


def _camel(name: str) -> str:
    return re.sub(r"-+(\w)", lambda match: match[1].upper(), name)


def _result(gathered: _Gathered) -> CommandLine:
    fields = gathered.fields
    if fields.get("checkpoint") is False and any(name in fields for name in ("new", "resume", "fork")):
        raise usage("cannot combine --no-checkpoint with --new/--fresh, --resume, or --fork")
    typed: dict[str, Any] = fields.pop("payload", {})
    script = typed | gathered.payload
    own = frozenset(gathered.shown.keys() - script.keys())
    return CommandLine(gathered.words, RunOptions(**fields, own=own), gathered.shown | script)
