"""Values on their way to a worker process and back, one JSON object per message.

Who sends and receives the messages is `child`; the programs at the other end read the same shapes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping
from typing import Any

from orchestra.errors import OrchError
from orchestra.runtime.code.calls import CodeCall, CodeResult
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING, Meta, meta_of, unwrap
from orchestra.values.text import format_number

__all__ = ["data", "message", "outcome", "request"]


def message(fields: Mapping[str, Any]) -> bytes:
    """One line of JSON, in ASCII so that lone surrogates pass."""
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def request(call: CodeCall, mark: str) -> bytes:
    """The message that starts a call; the worker prints `mark` when nothing more will be printed."""
    return message(
        {
            "lang": call.lang,
            "code": call.code,
            "cwd": str(call.cwd),
            "mark": mark,
            "env": dict(call.env),
            "stdin": call.stdin,
            "params": {_name(name): _param(value, call.shadow) for name, value in call.params.items()},
            "shadow": {_name(name): _shadow(call, name) for name in call.shadow},
        }
    )


def _name(name: str) -> str:
    return name.replace("-", "_")


def _shadow(call: CodeCall, name: str) -> dict[str, Any]:
    shadow = call.shadow[name]
    if shadow.host is not None:
        return {"host": True}
    if (shadow.lang == "py") != (call.lang == "py"):
        raise OrchError("E206", f"@{name} is {shadow.lang} code and cannot be called from {call.lang} code")
    return {"params": [_name(name) for name in shadow.params], "code": shadow.code}


def _param(value: Any, shadow: Container[str]) -> dict[str, Any]:
    """`{data, mx}`; `{function}` for a helper passed on, `{number}` for what JSON lacks, `{}` for MISSING."""
    plain = unwrap(value)
    if plain is MISSING:
        return {}
    if isinstance(plain, Executable) and plain.name in shadow:
        return {"function": _name(plain.name)}
    if isinstance(plain, float) and not math.isfinite(plain):
        return {"number": format_number(plain)}
    return {"data": data(plain), "mx": _facts(meta_of(value))}


def _facts(meta: Meta) -> dict[str, Any]:
    named = {"labels": list(meta.labels), "taint": list(meta.taint), "sources": list(meta.sources)}
    return {**named, **{key: data(fact) for key, fact in (meta.facts or {}).items()}}


def data(value: Any) -> Any:
    """`value` as JSON has it, at any depth: no tags, integral doubles are integers, NaN and infinity null."""
    value = unwrap(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return [data(item) for item in value]
    if isinstance(value, dict):
        return {str(key): data(item) for key, item in value.items() if item is not MISSING}
    if isinstance(value, Executable):
        return f"<function({', '.join(value.params)})>"
    return None if value is MISSING else str(value)


def _number(number: float) -> float | int | None:
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number


def outcome(call: CodeCall, reply: Mapping[str, Any], printed: str, warned: str) -> CodeResult:
    """The result of a finished call. Raises E504 for an exception or an exit code other than 0."""
    around = {"language": call.lang, "stdout": printed, "stderr": warned, "workingDirectory": str(call.cwd)}
    if "error" in reply:
        raise _exception(reply["error"], around)
    if reply.get("exit"):
        said = f"the code ended its process with exit code {reply['exit']}"
        raise OrchError("E504", said, details={**around, "exitCode": reply["exit"]})
    return CodeResult(_value(call.lang, reply, printed), printed, warned)


def _exception(error: Mapping[str, Any], around: Mapping[str, Any]) -> OrchError:
    """An exception that nobody caught; a Python that it ends says 1 and leaves the traceback on stderr."""
    known = {key: error[key] for key in ("line", "name", "traceback") if error.get(key)}
    ending: dict[str, Any] = {}
    if around["language"] == "py":
        ending = {"exitCode": 1, "stderr": around["stderr"] + error.get("traceback", "")}
    return OrchError("E504", error["message"], details={**around, **known, **ending})


def _value(lang: str, reply: Mapping[str, Any], printed: str) -> Any:
    """Texts lose blanks: at the end what Python printed, at both ends what JavaScript gave."""
    if "number" in reply:
        return float(reply["number"].replace("Infinity", "inf"))
    value = reply.get("value")
    if value is None:
        value = printed
    if not isinstance(value, str):
        return value
    return value.rstrip() if lang == "py" else value.strip()
