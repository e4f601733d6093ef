"""The part of a run that answers `import`: files, bundled and virtual modules, template folders, needs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError
from orchestra.location import resolve
from orchestra.nodes.functions import Class, Native
from orchestra.nodes.modules import Import, source_text
from orchestra.nodes.op import Op
from orchestra.nodes.templates import references
from orchestra.runtime.models import model_functions
from orchestra.runtime.modules import Module, Modules
from orchestra.source import Span
from orchestra.values.known import MODEL_MODULES
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain

__all__ = ["Importing"]


# What a Node package has of the names that are asked for: functions to be called there, other things as values.
MEMBERS = """
const m = require(name)
const shown = n => typeof m[n] === 'function' ? { call: true } : { value: m[n] }
return Object.fromEntries(wanted.filter(n => n in m).map(n => [n, shown(n)]))
"""


class Importing:
    """Mixed into `Run`."""

    root: Path
    options: Any
    config: Any
    modules: Modules
    payload: dict[str, Any]

    def import_module(
        self,
        source: str,
        scope: Scope,
        span: Span,
        kind: str | None,
        options: Any = None,
        names: list[str] | None = None,
    ) -> Any:
        if source.startswith("node:"):
            return self._node_module(source[5:], names or [], scope, span)
        path = self._directory(source, scope)
        if path is not None:
            return self._folder_module(source, path, scope, span, options)
        return self.modules.find(source, scope.module, span, kind)

    def imported_from(self, statement: Import, module: Module) -> Module | None:
        """The module behind an import that has run."""
        source = source_text(statement.source, module.scope)
        return self.modules.find(source, module, statement.span)

    # ── virtual modules ──────────────────────────────────────────────────────────────────────────

    def virtual_module(self, name: str) -> tuple[Mapping[str, Any], bool] | None:
        """Names and leniency of a module that is no file; None if there is none of that name."""
        injected = self.options.modules.get(f"@{name}")
        if injected is not None:
            return injected, False
        if name == "payload":
            return self.payload, True
        if name == "state":
            return dict(self.options.state or {}), True
        if name == "input":
            return self._input_fields(), True
        if name in MODEL_MODULES:
            return self._llm_functions(), False
        return None

    def virtual_names(self) -> list[str]:
        return [f"@{name}" for name in ("orch/llm", "mlld/claude", "mlld/claude-poll")] + list(self.options.modules)

    def _llm_functions(self) -> dict[str, Native]:
        made: dict[str, Native] = self.__dict__.setdefault("_llm", {})
        if not made:
            made.update(model_functions(self))  # type: ignore[arg-type]
        return made

    def _input_fields(self) -> dict[str, Any]:
        """Fields of the JSON on standard input over the permitted environment variables."""
        from orchestra.values.tagged import plain, unwrap

        value = self.standard_input()  # type: ignore[attr-defined]
        data = unwrap(value)
        environ = self.environ  # type: ignore[attr-defined]
        shown = {*self.config.security.allowedEnvVars, "NODE_ENV", "DEBUG", "CI", "HOME", "USER", "PATH"}
        fields = {name: text for name, text in environ.items() if name in shown or name.startswith(("ORCH_", "MLLD_"))}
        if isinstance(data, dict):
            fields.update(plain(data))
        elif isinstance(data, str):
            fields.update(content=data, text=data)
        return fields

    def prelude(self) -> dict[str, Any]:
        """Names that the project gives to every script."""
        names: dict[str, Any] = {}
        for name in self.config.prelude.modules:
            found = self.virtual_module(str(name).lstrip("@"))
            names.update(found[0] if found is not None else {})
        return names

    def import_hint(self, name: str) -> str | None:
        """How to get a function that only an import gives."""
        return f"import {{ @{name} }} from @orch/llm" if name in self._llm_functions() else None

    def prepare_module(self, module: Module) -> None:
        """Before a module's statements run: checkpoints are known, prelude names are there."""
        self.collect_phases(module)  # type: ignore[attr-defined]
        self.front_matter(module)  # type: ignore[attr-defined]

    # ── packages of Node ─────────────────────────────────────────────────────────────────────────

    def _node_module(self, package: str, names: list[str], scope: Scope, span: Span) -> Module:
        """Functions and values of a Node package, as far as they are asked for."""
        module = Module(f"node:{package}", None, self, scope.module.directory)  # type: ignore[arg-type]
        params = {"name": package, "wanted": names}
        found = self._node(MEMBERS, params, span, scope)
        for name, entry in dict(found).items():
            module.scope.names[name] = (
                self._node_function(package, name, span) if entry.get("call") else entry.get("value")
            )
        return module

    def _node_function(self, package: str, name: str, span: Span) -> Native:
        def run(code: str, inputs: list[Any], scope: Scope, span: Span) -> Any:
            given = [plain(value) for value in inputs if value is not MISSING]
            return self._node(code, {"name": package, "member": name, "inputs": given}, span, scope)

        def call(op: Op, scope: Scope) -> Any:
            return run("return await require(name)[member](...inputs)", op.inputs, scope, op.span or span)

        def make(inputs: list[Any], scope: Scope, span: Span) -> Any:
            return run("return new (require(name)[member])(...inputs)", inputs, scope, span)

        return Class(name, call, make)

    def _node(self, code: str, params: dict[str, Any], span: Span, scope: Scope) -> Any:
        from orchestra.nodes.commands import CommandOptions

        return self.code("node", code, params, None, CommandOptions(), scope, span).value  # type: ignore[attr-defined]

    # ── folders ──────────────────────────────────────────────────────────────────────────────────

    def _directory(self, source: str, scope: Scope) -> Path | None:
        if source.startswith("@") or source.endswith((".mld", ".md", ".json", ".att", ".mtt")):
            return None
        path = resolve(source, scope.module.directory, self.root)
        return path if path.is_dir() and not (path / "index.mld").is_file() else None

    def _folder_module(self, source: str, path: Path, scope: Scope, span: Span, options: Any) -> Module:
        """Every `*/index.mld` of a folder under the name of its folder."""
        skipped = options.value("skipDirs", scope) if options is not None else None
        names = [str(name) for name in skipped] if isinstance(skipped, list) else None
        module = Module(source, None, self, path)  # type: ignore[arg-type]
        for index in sorted(path.glob("*/index.mld")):
            name = index.parent.name
            if (name in names) if names is not None else name.startswith(("_", ".")):
                continue
            module.scope.names[name] = self.modules.find(str(index), scope.module, span).namespace()
        return module

    def import_templates(self, source: str, params: list[str], scope: Scope, span: Span) -> Any:
        """Every template file of a folder as a function with the given parameters."""
        path = resolve(source, scope.module.directory, self.root)
        if not path.is_dir():
            raise OrchError("E415", f"{source} is not a folder of templates", span)
        return self._template_folder(path, params, scope, span)

    def _template_folder(self, folder: Path, params: list[str], scope: Scope, span: Span) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for entry in sorted(folder.iterdir()):
            if entry.is_dir() and not entry.name.startswith("."):
                inner = self._template_folder(entry, params, scope, span)
                if inner:
                    made[entry.name] = inner
            elif entry.suffix in (".att", ".mtt"):
                made[entry.stem] = self._template_function(entry, params, scope, span)
        return made

    def _template_function(self, path: Path, params: list[str], scope: Scope, span: Span) -> Native:
        body = self.modules.template(str(path), scope.module, span)
        unknown = [ref.name for ref in references(body.parsed) if ref.name not in params and not ref.defined(scope)]
        if unknown:
            help = f"add it: as @name({', '.join([*params, unknown[0]])})"
            raise OrchError("E415", f"{body.name} uses @{unknown[0]}, which is no parameter", span, help=help)

        def fill(op: Op, call_scope: Scope) -> Any:
            values = [*op.inputs, *[MISSING] * len(params)]
            inner = scope.called(call_scope, dict(zip(params, values, strict=False)))
            inner.module = body.module
            return body.parsed.eval(inner)

        function = Native(path.stem, tuple(params), fill)
        function.digest = body.digest
        return function

    # ── needs ────────────────────────────────────────────────────────────────────────────────────

    def check_needs(self, body: str, span: Span) -> None:
        """`needs { cmd: [git], node: [x] }`: E604 names what is missing."""
        missing = [f"command {name}" for name in _commands(body) if shutil.which(name) is None]
        missing += [f"Node package {name}" for name in _packages(body, "node|js") if not self._node_has(name, span)]
        missing += [f"Python package {name}" for name in _packages(body, "python|py") if find_spec(name) is None]
        if missing:
            raise OrchError("E604", "these are missing: " + ", ".join(missing), span)

    def _node_has(self, package: str, span: Span) -> bool:
        code = "try { require.resolve(name); return true } catch { return false }"
        return bool(self._node(code, {"name": package}, span, self.main.scope))  # type: ignore[attr-defined]


WORDS = re.compile(r"[A-Za-z0-9_.+-]+")
NO_COMMANDS = frozenset("sh bash network net filesystem fs node js python py ruby rb go rust cmd true false".split())


def _packages(body: str, languages: str) -> list[str]:
    """The packages that a `needs` block asks for in one of the languages (alternatives of a regular expression)."""
    listed = re.findall(rf"\b(?:{languages})\s*:\s*\[([^\]]*)\]", body)
    return [name.strip(" \"'\n\t") for group in listed for name in group.split(",") if name.strip()]


def _commands(body: str) -> list[str]:
    """The commands that a `needs` block asks for."""
    listed = re.findall(r"\bcmd\s*:\s*[\[{]([^\]}]*)[\]}]", body)
    names = [name for group in listed for name in WORDS.findall(re.sub(r":\s*[^,]*", "", group))]
    rest = re.sub(r"\b\w+\s*:\s*(?:[\[{][^\]}]*[\]}]|\S+)", "", body)
    return names + [word for word in WORDS.findall(rest) if word not in NO_COMMANDS]
