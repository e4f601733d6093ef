"""The part of a run that answers `import`: files, bundled and virtual modules, template folders, needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from orchestra.errors import OrchError
from orchestra.import_kinds import check_kind
from orchestra.location import is_url
from orchestra.lookup import completed, is_named, written_path
from orchestra.nodes.functions import Native
from orchestra.nodes.modules import Import, ImportKind, source_text
from orchestra.nodes.op import Op
from orchestra.nodes.templates import loop_names, references
from orchestra.paths import home
from orchestra.runtime.assertions import assertions
from orchestra.runtime.models import model_functions
from orchestra.runtime.module import Module
from orchestra.runtime.modules import Modules
from orchestra.runtime.needs import missing_needs, read_braces
from orchestra.runtime.packages import NODE, PYTHON, has_package, package_module
from orchestra.runtime.refusals import refuse_constructs
from orchestra.runtime.seam import Seam
from orchestra.runtime.tables import store_functions
from orchestra.source import Span
from orchestra.values.known import BUILT_IN_MODULES, MODEL_MODULES, SEMANTIC_MODULES
from orchestra.values.scope import Scope
from orchestra.values.tagged import MISSING, plain, unwrap

__all__ = ["Importing"]


SKIPPED = ["_*", ".*"]  # folders that are no modules unless `skipDirs` says otherwise
PACKAGES = {"node": NODE, "py": PYTHON}
# Bundled module → its functions, where they are part of the interpreter.
FUNCTIONS: dict[str, Callable[[], Mapping[str, Any]]] = {"test": assertions, "store": store_functions}


class Importing:
    """Mixed into `Run`."""

    root: Path
    options: Any
    config: Any
    modules: Modules
    payload: dict[str, Any]
    state: dict[str, Any] | None
    environ: dict[str, str]
    main: Module
    permitted: Callable[[Path], Path]
    now: Callable[[], str]
    builtin_names: Callable[[], set[str]]
    profile: str | None = None
    seam: Seam

    @property
    def user_home(self) -> Path:
        return home(self.environ)

    def import_module(
        self,
        source: str,
        scope: Scope,
        span: Span,
        kind: ImportKind | None,
        options: Any = None,
        names: list[str] | None = None,
    ) -> Any:
        word = str(kind.word) if kind is not None else None
        language, colon, package = source.partition(":")
        if colon and language in PACKAGES:
            check_kind(source, word, False, None, span)
            return package_module(package, names or [], PACKAGES[language], scope, span)
        folder = self._directory(source, scope.module, span)
        if folder is not None:
            check_kind(source, word, False, folder, span)
            return self._folder_module(source, folder, scope, span, options)
        return self.modules.find(source, scope.module, span, word, kind.fresh if kind is not None else None)

    def import_path(self, source: str, importer: Any, span: Span) -> Path | None:
        """The place that a source names as a path; None for `@author/name`. E402 outside the project."""
        try:
            path = written_path(source, importer.home, self.config)
            return self.permitted(path) if path is not None else None
        except OrchError as error:
            raise error.at(span) from None

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
            return self.state or {}, True
        if name == "input":
            return self._input_fields(), True
        if name == "now":
            return _moment(self.now()), False
        if name in MODEL_MODULES:
            return self._llm_functions(), False
        if name.endswith("/providers") and name in BUILT_IN_MODULES:
            from orchestra.runtime.model_lists import provider_functions  # few scripts ask, and it loads the providers

            return provider_functions(self), False  # type: ignore[arg-type]
        if name.endswith("/sessions") and name in BUILT_IN_MODULES:
            return self.background.functions(), False  # type: ignore[attr-defined]
        if name in SEMANTIC_MODULES:
            from orchestra.runtime.semantic.functions import semantic_functions

            return semantic_functions(self), False  # type: ignore[arg-type]
        if name.endswith("/schema") and name in BUILT_IN_MODULES:
            from orchestra.runtime.schema_functions import schema_functions  # loads the validator

            return schema_functions(), False
        if name in BUILT_IN_MODULES:
            return FUNCTIONS[name.partition("/")[2]](), False
        return None

    def virtual_names(self) -> list[str]:
        return [f"@{name}" for name in ("orch/llm", "mlld/claude", "mlld/claude-poll")] + list(self.options.modules)

    def _llm_functions(self) -> dict[str, Native]:
        made: dict[str, Native] = self.__dict__.setdefault("_llm", {})
        if not made:
            made.update(model_functions(self))  # type: ignore[arg-type]
        return made

    def model_function(self, name: str) -> Native:
        """A function of `@orch/llm`."""
        return self._llm_functions()[name]

    def _input_fields(self) -> dict[str, Any]:
        """Fields of the JSON on standard input over the permitted environment variables."""
        value = self.standard_input()  # type: ignore[attr-defined]
        data = unwrap(value)
        environ = self.environ
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
        """Before a module's statements run: what is refused is known, prelude names are there."""
        if module.script is not None:
            refuse_constructs(module.script)
        self.front_matter(module)  # type: ignore[attr-defined]

    # ── folders ──────────────────────────────────────────────────────────────────────────────────

    def _directory(self, source: str, importer: Any, span: Span) -> Path | None:
        """The folder that a source names, unless an `index.mld` makes it a module."""
        if source.endswith((".mld", ".md", ".json", ".att", ".mtt")) or is_url(source):
            return None
        if is_named(source) and self.virtual_module(source[1:]) is not None:
            return None
        path = self.import_path(source, importer, span)
        return path if path is not None and path.is_dir() and completed(path) is None else None

    def _folder_module(self, source: str, path: Path, scope: Scope, span: Span, options: Any) -> Module:
        """Every `*/index.mld` of a folder under the name of its folder."""
        skipped = options.value("skipDirs", scope) if options is not None else None
        patterns = [str(pattern) for pattern in skipped] if isinstance(skipped, list) else SKIPPED
        module = Module(source, None, self, path)  # type: ignore[arg-type]
        for name in sorted(entry.name for entry in path.iterdir() if (entry / "index.mld").is_file()):
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                continue
            module.scope.names[name] = self.modules.load(path / name / "index.mld", span).namespace()
        if not module.scope.names:
            raise OrchError("E410", f"no folder in {source} has an index.mld", span)
        return module

    def import_templates(self, source: str, params: list[str], scope: Scope, span: Span) -> Any:
        """Every template file of a folder as a function with the given parameters."""
        path = self.import_path(source, scope.module, span)
        if path is not None and path.is_file():
            raise OrchError("E414", f"templates does not fit: {source} is a file", span, help="leave the word out")
        if path is None or not path.is_dir():
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
        own = {*params, *loop_names(body.parsed), *self.builtin_names()}
        unknown = [ref.name for ref in references(body.parsed) if ref.name not in own]
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
        missing = missing_needs(body, span, lambda language, name: has_package(language, name, self.main.scope, span))
        if missing:
            raise OrchError("E604", "these are missing: " + ", ".join(missing), span)

    def declare_profiles(self, body: str, span: Span) -> None:
        """`profiles { name: { requires: … } }`: the first whose needs the policies in force permit, else the last."""
        profiles = read_braces(body, span)
        permitted = (name for name, said in profiles.items() if self._permits(said, span))
        self.profile = self.profile or next(permitted, next(reversed(profiles), None))

    def _permits(self, profile: Any, span: Span) -> bool:
        wishes = profile.get("requires") if isinstance(profile, dict) else None
        return self.seam.policies.permits(wishes if isinstance(wishes, dict) else {}, span)


def _moment(now: str) -> dict[str, Any]:
    """The fields of `@now`: the whole timestamp and its parts."""
    date, _, time = now.partition("T")
    unix = int(datetime.fromisoformat(now).timestamp())
    return {"now": now, "iso": now, "date": date, "time": time[:8], "unix": unix, "timestamp": unix}
