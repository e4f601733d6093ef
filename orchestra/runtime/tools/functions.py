"""Functions of a script as a model sees them: a name, a description, a schema, and how its input becomes arguments.

What stands around their call (hooks, guards, cache) is the run's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestra.runtime.schema import problems
from orchestra.runtime.tools.workspace import Refusal
from orchestra.values.executable import Executable
from orchestra.values.tagged import MISSING

__all__ = ["FunctionTool", "tool_name"]

TYPES = frozenset({"string", "number", "boolean", "array", "object"})


def tool_name(name: str) -> str:
    """`findBook` → `find_book`: lower case, with `_` where a word begins and for all that is no letter or digit."""
    words = re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", name)
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9_]", "_", words)).lstrip("_") or "tool"


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A function under the name by which a model calls it."""

    name: str
    function: Executable

    def schema(self) -> dict[str, Any]:
        """The tool as the model gets to know it."""
        description = getattr(self.function, "description", None) or f"Calls the function {self.function.name}."
        return {"name": self.name, "description": description, "input_schema": self.input_schema()}

    def input_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {name: self._kind(name) for name in self.function.params},
            "required": [name for name in self.function.params if name not in self.function.defaulted],
            "additionalProperties": False,
        }

    def arguments(self, sent: Any) -> list[Any]:
        """The arguments in the order of the parameters, MISSING for what may be left out. Raises Refusal."""
        if not isinstance(sent, dict):
            raise Refusal(f"the input of {self.name} must be an object")
        params, optional = self.function.params, self.function.defaulted
        strange = [name for name in sent if name not in params]
        if strange:
            raise Refusal(f"{self.name} does not take {strange[0]}; it takes {', '.join(params) or 'nothing'}")
        read = {name: self._read(name, value) for name, value in sent.items()}
        given = {name: value for name, value in read.items() if value is not MISSING}
        missing = [name for name in params if name not in given and name not in optional]
        if missing:
            raise Refusal(f"{self.name} needs {missing[0]}")
        wrong = problems(self.input_schema(), given)
        if wrong:
            raise Refusal(f"the input of {self.name} is wrong: {'; '.join(wrong)}")
        return [given.get(name, MISSING) for name in params]

    def _kind(self, name: str) -> dict[str, Any]:
        kind = self.function.types.get(name, "string")
        if kind == "array":
            return {"type": kind, "items": {}}
        return {"type": kind if kind in TYPES else "string"}

    def _read(self, name: str, value: Any) -> Any:
        """What was sent, made to fit the declared type where that is certain; MISSING if it says nothing."""
        kind = str(self._kind(name)["type"])
        if value is None or (value == "null" and kind != "string"):
            return MISSING
        if value == "" and name in self.function.defaulted:
            return MISSING
        return READERS[kind](value) if kind in READERS else value


def _array(value: Any) -> Any:
    """JSON text of an array, or one value. Commas do not part a text: it may be a sentence."""
    if isinstance(value, list):
        return value
    data = _from_json(value)
    return data if isinstance(data, list) else [value]


def _number(value: Any) -> Any:
    data = _from_json(value)
    return data if isinstance(data, int | float) and not isinstance(data, bool) else value


def _boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _object(value: Any) -> Any:
    data = _from_json(value)
    return data if isinstance(data, dict) else value


def _from_json(value: Any) -> Any:
    """The data of a JSON text; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=lambda word: None)
    except (ValueError, RecursionError):
        return value


READERS: dict[str, Callable[[Any], Any]] = {
    "array": _array,
    "number": _number,
    "boolean": _boolean,
    "object": _object,
}
