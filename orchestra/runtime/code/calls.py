"""What a block of code is asked with and answered with.

`workers` acts on it, `wire` writes it down for the processes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["CodeCall", "CodeResult", "HostFunction", "Lang", "OnOutput", "Shadow"]

Lang = Literal["js", "node", "py"]
OnOutput = Callable[[str, str], None]
HostFunction = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Shadow:
    """A function that code can call by name: source text in the language of the caller, or a host function.

    A host function takes plain values, is awaited in the task of the call and returns a plain value.
    """

    params: tuple[str, ...] = ()
    lang: Lang = "js"
    code: str = ""
    host: HostFunction | None = None


@dataclass(frozen=True, slots=True)
class CodeCall:
    """One block of code with everything it can see. `timeout` is in seconds.

    env:       variables for this block alone, above those of the process
    stdin:     what Python code reads from standard input; None closes it
    on_output: is told ("stdout" or "stderr", text) as the code prints; must not raise
    """

    lang: Lang
    code: str
    cwd: Path
    params: Mapping[str, Any] = field(default_factory=dict)
    shadow: Mapping[str, Shadow] = field(default_factory=dict)
    timeout: float | None = None
    on_output: OnOutput | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None


@dataclass(frozen=True, slots=True)
class CodeResult:
    """`value` by the rules of the language; what the code `printed` on standard output and `warned` on error."""

    value: Any
    printed: str
    warned: str = ""
