"""Packages of Node and Python as modules, and whether a package is there at all.

Running code of these languages is the business of `executing`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from orchestra.errors import OrchError
from orchestra.nodes.commands import CommandOptions
from orchestra.nodes.functions import Class, Native
from orchestra.nodes.op import Op
from orchestra.runtime.module import Module
from orchestra.source import Span
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, with_facts

__all__ = ["NODE", "PYTHON", "has_package", "package_module"]

# Code that is given the name of a package, and answers with data.
# members:   what the package has of the names that are asked for: things to be called, and other things as values
# call:      the result of one of its functions
# construct: a new object of one of its classes, as the fields that can be read of it, and its text
NODE: Final = {
    "lang": "node",
    "members": """
const m = require(name)
const shown = n => typeof m[n] === 'function' ? { call: true } : { value: m[n] }
return Object.fromEntries(wanted.filter(n => n in m).map(n => [n, shown(n)]))
""",
    "call": "return await require(name)[member](...inputs)",
    "construct": """
const made = new (require(name)[member])(...inputs)
const fields = {}
for (let at = made; at && at !== Object.prototype; at = Object.getPrototypeOf(at))
  for (const key of Object.getOwnPropertyNames(at)) {
    if (key in fields || key === 'constructor') continue
    try { if (typeof made[key] !== 'function') fields[key] = made[key] } catch {}
  }
return { fields: JSON.parse(JSON.stringify(fields)), text: String(made) }
""",
}
PYTHON: Final = {
    "lang": "py",
    "members": """
import importlib, json
m = importlib.import_module(name)
def shown(n):
    return {"call": True} if callable(getattr(m, n)) else {"value": getattr(m, n)}
print(json.dumps({n: shown(n) for n in wanted if hasattr(m, n)}, default=str))
""",
    "call": """
import importlib, json
found = getattr(importlib.import_module(name), member)(*inputs)
print(json.dumps(found, default=str))
""",
}
NODE_HAS: Final = "try { require.resolve(name); return true } catch { return false }"
PYTHON_HAS: Final = """
import importlib.util
try:
    print(importlib.util.find_spec(name) is not None)
except ImportError:
    print(False)
"""
SHELL_HAS: Final = {
    "Ruby": 'ruby -e "require ARGV[0]" "$name" >/dev/null 2>&1 && echo yes || echo no',
    "Go": 'go list "$name" >/dev/null 2>&1 && echo yes || echo no',
    "Rust": 'cargo metadata --format-version 1 --offline 2>/dev/null | grep -q "\\"name\\":\\"$name\\"" '
    "&& echo yes || echo no",
}


def package_module(package: str, names: list[str], how: dict[str, str], scope: Scope, span: Span) -> Module:
    """Functions and values of a package, as far as they are asked for."""
    module = Module(f"{how['lang']}:{package}", None, scope.run, scope.module.directory)
    found = _run(how, "members", {"name": package, "wanted": names}, scope, span)
    for name, entry in dict(found).items():
        value = _function(package, name, how, span) if entry.get("call") else entry.get("value")
        module.scope.names[name] = value
    return module


def _function(package: str, name: str, how: dict[str, str], span: Span) -> Native:
    def params(inputs: list[Any]) -> dict[str, Any]:
        given = [plain(value) for value in inputs if value is not MISSING]
        return {"name": package, "member": name, "inputs": given}

    def call(op: Op, scope: Scope) -> Any:
        return _run(how, "call", params(op.inputs), scope, op.span or span)

    def make(inputs: list[Any], scope: Scope, span: Span) -> Any:
        if "construct" not in how:
            raise OrchError("E206", f"@{name} is called, not made with new", span, help=f"@{name}(…)")
        made = dict(_run(how, "construct", params(inputs), scope, span))
        return with_facts(made["fields"], text=made["text"])

    return Class(name, call, make)


def _run(how: dict[str, str], part: str, params: dict[str, Any], scope: Scope, span: Span) -> Any:
    outcome = scope.run.code(how["lang"], how[part], params, None, CommandOptions(), scope, span)
    return json.loads(outcome.value) if how["lang"] == "py" else outcome.value


def has_package(language: str, package: str, scope: Scope, span: Span) -> bool:
    """Whether the language finds a package of that name."""
    lang, code = {"Node": ("node", NODE_HAS), "Python": ("py", PYTHON_HAS)}.get(
        language, ("sh", SHELL_HAS.get(language, ""))
    )
    outcome = scope.run.code(lang, code, {"name": package}, None, CommandOptions(), scope, span)
    return outcome.value in (True, "True", "yes")
