"""The check of one file, from its text to its findings.

The command line and a run that is about to start call `check_script`; folders are left to the former.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

# The handlers of the walker register themselves while their modules load.
from orchestra.check import agents as _agents  # noqa: F401
from orchestra.check import imports as _imports  # noqa: F401
from orchestra.check.advice import check_semantic_loops, give_advice
from orchestra.check.bindings import define_all
from orchestra.check.findings import Findings
from orchestra.check.hooks import check_hooks
from orchestra.check.library import TEMPLATES, Library, mode_of
from orchestra.check.module import Module
from orchestra.check.report import Report
from orchestra.check.scope import Name, Scope
from orchestra.check.security import check_security
from orchestra.check.thrown import check_thrown
from orchestra.check.tools import check_collections
from orchestra.check.walker import Walker
from orchestra.config import Config
from orchestra.errors import OrchError
from orchestra.nodes.base import Node
from orchestra.nodes.functions import Exe
from orchestra.nodes.modules import Import, ImportWhole
from orchestra.source import Source

__all__ = ["check_script"]


def check_script(
    script: Path | Source,
    config: Config,
    *,
    mode: str | None = None,
    given: Collection[str] = (),
    deep: bool = False,
) -> list[Report]:
    """Check a script, a template file or the text of a script without running it.

    given: names (`@ns/name`) of modules that the invocation will bring, so that they are not missed
    deep:  check what it imports as well; the script's own report is the first
    Raises E401 to E403 if the file cannot be read; whatever is wrong with its content is a finding.
    """
    library = Library(config, given)
    if isinstance(script, Path) and script.suffix in TEMPLATES:
        return [_template(script.absolute(), library)]
    if isinstance(script, Path):
        module = library.parsed(library.read(script.absolute()), mode or mode_of(script))
    else:
        module = library.parsed(script, mode or "strict")
    modules = _reached(module, library) if deep else [module]
    return [_report(part, library) for part in modules]


def _reached(module: Module, library: Library) -> list[Module]:
    """A module and those of the project that it reaches through imports, each once."""
    found = {module.source.name: module}
    pending = [module]
    while pending:
        for following in library.imported(pending.pop()):
            if following.source.name not in found and _is_own(following, library):
                found[following.source.name] = following
                pending.append(following)
    return list(found.values())


def _is_own(module: Module, library: Library) -> bool:
    return module.path is not None and module.path.is_relative_to(library.config.root)


def _template(path: Path, library: Library) -> Report:
    """A template file alone: its declaration is elsewhere, so only its syntax can be checked."""
    findings = Findings(library.config.check.suppressWarnings)
    parsed = None
    try:
        parsed = library.template(path)
    except OrchError as error:
        if error.span is None:
            raise
        findings.error(error)
    return Report(library.shown(path), list(findings), template=parsed)


def _report(module: Module, library: Library) -> Report:
    findings = Findings(library.config.check.suppressWarnings)
    for error in module.errors:
        findings.error(error)
    if module.script is not None:
        _check(Walker(module, library, findings), module)
        give_advice(module.script, findings)
        check_semantic_loops(module.script, bool(library.config.llm.budget), findings)
        check_collections(module, findings)
        check_thrown(module, findings)
    return Report(module.source.name, list(findings), module)


def _check(walker: Walker, module: Module) -> None:
    scope = Scope("module")
    for name in walker.library.prelude():
        scope.bind(Name(name, "import", used=True))
    define_all(walker, scope)
    imports, others = _sorted(module)
    walker.visit_all(imports, scope)  # a function may use what is imported below it
    walker.visit_all(others, scope)
    check_hooks(walker, scope)
    check_security(walker)
    _unused(walker, scope)
    _unlabelled(walker)


def _sorted(module: Module) -> tuple[list[Import | ImportWhole], list[Node]]:
    imports = module.imports()
    return imports, [part for part in module.statements if not isinstance(part, (Import, ImportWhole))]


def _unused(walker: Walker, scope: Scope) -> None:
    """Say which names of the top level nobody can have a use for."""
    private = walker.module.exported() is not None or walker.module.acts
    for name in scope.names.values():
        if not name.idle or name.used or name.span is None or name.name.startswith("_"):
            continue
        if name.kind == "import":
            message = f"@{name.name} is imported but not used"
            walker.findings.add("unused-import", message, name.span, variable=name.name)
        elif private:
            message = f"@{name.name} is never used"
            walker.findings.add("unused-definition", message, name.span, help="remove it", variable=name.name)


def _unlabelled(walker: Walker) -> None:
    """Functions that call a model without `llm`, unless a labelled function calls them."""
    covered = _covered(walker)
    for function, span, model in walker.models:
        name = str(function.token)[1:]
        if name not in covered:
            walker.findings.add(
                "llm-missing",
                f"@{name} asks a model without the label llm: only the answer of @{model} is kept",
                span,
                help=f"write exe llm @{name}",
                variable=name,
            )


def _covered(walker: Walker) -> set[str]:
    """The labelled functions and all that they mention, directly or through others."""
    pending = [
        str(part.token)[1:]
        for part in walker.module.statements
        if isinstance(part, Exe) and "llm" in map(str, part.labels)
    ]
    covered: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in covered:
            covered.add(name)
            pending.extend(walker.mentions.get(name, ()))
    return covered
