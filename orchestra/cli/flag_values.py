"""Values of options as they are written on the command line, read into plain data.

Which option takes which is told in `flags`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestra.config_kinds import duration
from orchestra.errors import OrchError
from orchestra.invocation import GateAnswer, ResumeTarget

__all__ = [
    "Reader",
    "budget",
    "environment",
    "gate_answer",
    "json_object",
    "milliseconds",
    "model_alias",
    "module",
    "moment",
    "one_of",
    "path",
    "resume_target",
    "run_name",
    "state",
    "text",
    "usage",
    "whole",
]

Reader = Callable[[str, Path], Any]


def usage(message: str, help: str | None = None, code: str = "E810") -> OrchError:
    return OrchError(code, message, help=help, exit=2)


# A reader takes what was written and the current folder, and raises ValueError with what was expected.


def text(written: str, cwd: Path) -> str:
    return written


def path(written: str, cwd: Path) -> Path:
    return cwd / written


def milliseconds(written: str, cwd: Path) -> float:
    """Seconds; a bare number counts as milliseconds."""
    return duration(written, bare="ms")


def moment(written: str, cwd: Path) -> str:
    """A time as ISO-8601, in UTC with milliseconds; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f'a time such as 2026-01-01T00:00:00Z is expected, not "{written}"') from None
    zoned = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def gate_answer(written: str, cwd: Path) -> GateAnswer:
    """`NAME=WORDS`, or `NAME:2=WORDS` for the second time that the gate is reached."""
    name, equals, words = written.partition("=")
    numbered = re.fullmatch(r"(.+):(\d{1,9})", name)
    if not equals or not name or not words.strip():
        raise ValueError(f'a gate and its answer are expected, such as release=approve, not "{written}"')
    return GateAnswer(numbered[1], int(numbered[2]), words) if numbered else GateAnswer(name, 0, words)


def run_name(written: str, cwd: Path) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", written) or written == "last":
        raise ValueError(f'a name of letters, digits, "-", "_" and "." is expected, not "{written}"')
    return written


def whole(written: str, cwd: Path) -> int:
    if not re.fullmatch(r"\d{1,15}", written):
        raise ValueError(f'a whole number of at most 15 digits is expected, not "{written}"')
    return int(written)


def one_of(*words: str) -> Reader:
    def pick(written: str, cwd: Path) -> str:
        if written not in words:
            raise ValueError(f'one of {", ".join(words)} is expected, not "{written}"')
        return written

    return pick


def resume_target(written: str, cwd: Path) -> ResumeTarget:
    """A checkpoint name, `@fn`, `@fn:2`, `@fn("begin")`, `@fn("begin"*)`."""
    if written.strip() and not written.startswith("@"):
        return ResumeTarget(written, phase=written)
    match = re.fullmatch(r'@([\w.-]+)(?::(\d+))?(?:\("((?:[^"\\]|\\.)*)"(\*)?\))?', written)
    if match is None:
        raise usage(
            f'invalid --resume target "{written}"',
            'write checkpoint-name, @function, @function:index or @function("prefix")',
            "E803",
        )
    function, site, prefix, star = match.groups()
    return ResumeTarget(
        written,
        function=function,
        site=None if site is None else int(site),
        prefix=None if prefix is None else re.sub(r"\\(.)", r"\1", prefix),
        only_matching=bool(star),
    )


def model_alias(written: str, cwd: Path) -> dict[str, str]:
    name, _, model = written.partition("=")
    if not name or not model:
        raise ValueError(f'NAME=ID is expected, such as sonnet=my-model, not "{written}"')
    return {name: model}


def budget(written: str, cwd: Path) -> dict[str, float]:
    """`usd=0.05,calls=10,tokens=20000`; a bare number counts as dollars."""
    bounds = {}
    for part in written.split(","):
        unit, _, number = part.rpartition("=")
        unit = unit.strip() or "usd"
        if unit not in ("usd", "tokens", "calls") or not re.fullmatch(r"\s*\d+(\.\d+)?\s*", number):
            raise ValueError(f'usd=N, tokens=N or calls=N is expected, not "{part}"')
        bounds[unit] = float(number)
    return bounds


def document(written: str, cwd: Path) -> Any:
    """Data given as JSON, as `@file.json`, or as the name of a JSON file."""
    if not written.startswith("@"):
        try:
            return json.loads(written)
        except json.JSONDecodeError:
            pass
    name = written.removeprefix("@")
    try:
        return json.loads((cwd / name).read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} is not valid JSON: {error}") from None
    except (OSError, ValueError):
        raise ValueError(f'JSON or the name of a JSON file is expected, not "{written}"') from None


def json_object(written: str, cwd: Path) -> dict[str, Any]:
    try:
        data = json.loads(written)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError('a JSON object is expected, such as {"n": 1}')
    return data


def state(written: str, cwd: Path) -> dict[str, Any]:
    name, equals, value = written.partition("=")
    if equals and re.fullmatch(r"[\w-]+", name):
        return {name: value}
    data = document(written, cwd)
    if not isinstance(data, dict):
        raise ValueError("a JSON object is expected")
    return data


def module(written: str, cwd: Path) -> dict[str, Any]:
    name, equals, value = written.partition("=")
    if not equals or not re.fullmatch(r"@[\w./-]+", name):
        raise ValueError(f'@name=FILE or @name=JSON is expected, not "{written}"')
    return {name: document(value, cwd)}


def environment(written: str, cwd: Path) -> dict[str, str]:
    """One `NAME=value`, or the name of a file with one on each line."""
    if re.match(r"[A-Za-z_]\w*=", written):
        name, _, value = written.partition("=")
        return {name: value}
    try:
        lines = (cwd / written).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"{written} cannot be read: {error.strerror}") from None
    return dict(_assignment(line, written) for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _assignment(line: str, file: str) -> tuple[str, str]:
    match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*", line)
    if match is None:
        raise ValueError(f"{file}: NAME=value is expected, not {line.strip()!r}")
    name, value = match.groups()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return name, value
