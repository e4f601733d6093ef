"""Names that every script can use without defining them: `@now`, `@root`, `@exists`, transformers …"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.files import Load
from orchestra.nodes.functions import Native
from orchestra.nodes.names import Field, Reference, peek_member
from orchestra.nodes.op import Op
from orchestra.nodes.templates import Template, join_parts, root_of, text_of
from orchestra.nodes.views import ContextView, PipelineView
from orchestra.runtime.debug_report import report
from orchestra.values import transformers
from orchestra.values.executable import Executable
from orchestra.values.kinds import type_name
from orchestra.values.scope import ABSENT, Scope
from orchestra.values.tagged import MISSING, meta_of, plain, unwrap
from orchestra.values.text import compact_json

if TYPE_CHECKING:
    from orchestra.runtime.run import Run

__all__ = ["Builtins", "exists_call"]


class Builtins:
    """Variables are computed when asked for; functions are made once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._variables: dict[str, Callable[[Scope], Any]] = {
            "mx": lambda scope: ContextView(scope.context, scope),
            "now": lambda scope: run.now(),
            "root": lambda scope: str(run.root),
            "base": lambda scope: str(run.root),
            "payload": lambda scope: run.payload,
            "state": lambda scope: run.state if run.state is not None else ABSENT,
            "input": self._input,
            "fm": lambda scope: run.front_matter(scope.module),
            "frontmatter": lambda scope: run.front_matter(scope.module),
            "p": self._pipeline,
            "pipeline": self._pipeline,
            "debug": lambda scope: report(run, scope),
        }
        self._functions: dict[str, Native] = {
            "exists": Native("exists", ("value",), self._exists),
            "fileExists": Native("fileExists", ("path",), self._file_exists),
            "typeof": Native("typeof", ("value",), lambda op, scope: type_name(_first(op))),
            "typeInfo": Native("typeInfo", ("value",), lambda op, scope: _type_info(_first(op))),
            "keep": Native("keep", ("value", "keys"), self._keep),
            "keepStructured": Native("keepStructured", ("value", "keys"), self._keep),
        }

    def names(self) -> set[str]:
        return {*self._variables, *self._functions, *(n for n in transformers.TRANSFORMERS if "." not in n)}

    def value(self, name: str, scope: Scope) -> Any:
        """The built-in of that name, or ABSENT."""
        variable = self._variables.get(name)
        if variable is not None:
            return variable(scope)
        function = self.function(name)
        return self._run.workspace_value(name) if function is ABSENT else function

    def function(self, name: str) -> Any:
        made = self._functions.get(name)
        if made is not None:
            return made
        if transformers.find(name) is None:
            return ABSENT
        made = self._functions[name] = _transformer(name, None)
        return made

    def variant(self, function: Executable, name: str) -> Executable:
        """`@parse.llm` and the like."""
        if not isinstance(function, Native) or transformers.find(function.name, name) is None:
            transformers.apply(function.name, name, "") if isinstance(function, Native) else None
            raise OrchError("E202", f"@{function.name} has no variant .{name}")
        return _transformer(function.name, name)

    # ── variables ────────────────────────────────────────────────────────────────────────────────

    def _input(self, scope: Scope) -> Any:
        """Inside a stage its input, elsewhere what came on standard input."""
        stage = scope.context.stage
        if stage is not None and stage.stage > 0:
            return stage.input
        return self._run.standard_input()

    def _pipeline(self, scope: Scope) -> Any:
        stage = scope.context.stage
        return PipelineView(stage) if stage is not None else ABSENT

    # ── functions ────────────────────────────────────────────────────────────────────────────────

    def _exists(self, op: Op, scope: Scope) -> bool:
        """As a stage: whether there is a file of that name, or else whether the text is not empty."""
        return self._file_exists(op, scope)

    def _file_exists(self, op: Op, scope: Scope) -> bool:
        path = text_of(_first(op))
        return bool(path) and self._run.exists_path(path, scope.module)

    def _keep(self, op: Op, scope: Scope) -> Any:
        value = op.inputs[0] if op.inputs else None
        keys = plain(op.inputs[1]) if len(op.inputs) > 1 else None
        data = unwrap(value)
        if isinstance(keys, list) and isinstance(data, dict):
            return {key: data[key] for key in map(str, keys) if key in data}
        return self._run.keep(value)


def _first(op: Op) -> Any:
    return op.inputs[0] if op.inputs else MISSING


def _transformer(name: str, variant: str | None) -> Native:
    def apply(op: Op, scope: Scope) -> Any:
        value = _first(op)
        if name.lower() == "parse" and variant is None and _is_yaml(value):
            return scope.run.read_as(value, "yaml")
        return transformers.apply(name, variant, value)

    return Native(name if variant is None else f"{name}.{variant}", ("value",), apply)


def _is_yaml(value: Any) -> bool:
    """Whether a value is the text of a loaded YAML file."""
    facts = meta_of(value).facts
    name = str(facts.get("filename", "")) if facts is not None and "filename" in facts else ""
    return name.endswith((".yaml", ".yml")) and isinstance(unwrap(value), str)


def _type_info(value: Any) -> str:
    kind = type_name(value)
    return f"{kind} {compact_json(value)}" if kind != "executable" else f"{kind} @{unwrap(value).name}"


def exists_call(argument: Node, scope: Scope) -> Any:
    """`@exists(x)`, which looks at what is written: a path, a load, or a reference that may be undefined."""
    run = scope.run
    if isinstance(argument, Template):
        name = argument.parts[0].span.text if argument.parts else ""
        if len(argument.parts) > 1 and run.is_workspace(name[1:]):  # "@desk/a.txt" is no text with a value in it
            rest = text_of(join_parts(argument.parts[1:], scope))
            return run.exists_path(name + rest, scope.module)
        return run.exists_path(text_of(argument.eval(scope)), scope.module)
    if isinstance(argument, Load):
        return _load_succeeds(argument, scope)
    root = root_of(argument)
    if isinstance(root, Reference) and isinstance(argument, (Reference, Field)) and not root.defined(scope):
        return False
    return peek_member(argument, scope) is not MISSING


def _load_succeeds(argument: Load, scope: Scope) -> bool:
    try:
        value = unwrap(argument.eval(scope))
    except OrchError:
        return False
    return value != [] if isinstance(value, list) else True
