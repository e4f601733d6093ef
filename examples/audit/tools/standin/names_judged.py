"""Second thoughts about names: who outside the file relies on an import or on a parameter's name.

The rules themselves stand in `names.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from standin.case import Case, Verdict
from standin.dialogue import Call, Line, grep
from standin.module import Function, reads
from standin.names import exports


def _alternatives(names: list[str]) -> str:
    return "|".join(re.escape(name) for name in names)


# ── imports that the file does not read ──────────────────────────────────────────────────────────


def importers(case: Case) -> Sequence[Call]:
    """Lines that import one of the names or reach it through the module, and whether the package is typed."""
    names = _alternatives(case.hit.subject.split(","))
    imported = rf"^\s*from\s+\S+\s+import\s+(\(|\*|.*\b({names})\b)"
    listed = rf"^\s*({names})(\s+as\s+\w+)?\s*,?\s*\)?\s*(#.*)?$"
    reached = rf"\b{_stem(case)}\.({names})\b"
    search = grep(f"{imported}|{listed}|{reached}", case.folder)
    return [search, Call("Glob", {"pattern": "py.typed", "path": case.folder})]


def _stem(case: Case) -> str:
    return _module_name(case.module.path).rpartition(".")[2]


def judge_import(case: Case) -> Verdict:
    """An import nobody reads may still be the way in for others."""
    names = case.hit.subject.split(",")
    shown = {name: _reason_to_keep(case, name) for name in names}
    bare = [name for name, reason in shown.items() if reason is None]
    kept = [reason for reason in shown.values() if reason is not None]
    if not bare:
        reason, line = kept[0]
        return Verdict("false-positive", f"{_listed(names)} kept on purpose: {reason}", (line,))
    if probe := _probe(case):
        return case.open("the import tests whether a package is there", case.hit.line, probe)
    if comment := case.comment():
        return Verdict("needs-human", "a comment beside it may explain the import", (comment,))
    if PurePosixPath(case.module.path).name == "__init__.py":
        return case.open(f"{_listed(bare)} may be part of what the package offers to others")
    return case.confirmed(f"{_listed(bare)}: not read here, and the package does not import it from here")


def _listed(names: list[str]) -> str:
    return f"`{names[0]}`" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _reason_to_keep(case: Case, name: str) -> tuple[str, Line] | None:
    exported = exports(case.module).get(name)
    if exported is not None:
        return "listed in `__all__`", case.line(exported)
    alias = _redundant_alias(case, name)
    if alias is not None:
        typed = ", and the package carries py.typed" if case.files else ""
        return f"imported under its own name, the mark of a re-export{typed}", case.line(alias)
    if user := _importing_line(case, name):
        return "another module imports it from here", user
    long = f"{_stem(case)}.{name}"
    user = next((one for one in case.elsewhere() if re.search(rf"\b{long}\b", one.quote)), None)
    return None if user is None else (f"it is named as `{long}` elsewhere", user)


def _redundant_alias(case: Case, name: str) -> int | None:
    aliases = (one for one in case.module.all(ast.alias) if one.asname == one.name == name)
    return next((one.lineno for one in aliases if one.lineno >= case.hit.line), None)


def _importing_line(case: Case, name: str) -> Line | None:
    """The line of an import from this module that holds the name; an open bracket lists names below."""
    opened = ""
    for one in case.elsewhere():
        words = re.findall(r"[\w*]+", one.quote.split("#")[0])
        source = re.match(r"from\s+(\S+)\s+import", one.quote)
        if source is not None:
            here = one.file != case.module.path and _resolved(source[1], one.file) == _module_name(case.module.path)
            opened = one.file if here else ""
            if here and {name, "*"} & set(words[words.index("import") :]):
                return one
        elif one.file == opened and words[0] == name:
            return one
    return None


def _module_name(path: str) -> str:
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _resolved(module: str, file: str) -> str:
    """The absolute name of `..core` as written in a file."""
    name = module.lstrip(".")
    dots = len(module) - len(name)
    if not dots:
        return name
    around = PurePosixPath(file).parts[:-dots]
    return ".".join([*around, name] if name else around)


def _probe(case: Case) -> int | None:
    tries = (above for above in case.module.ancestors(case.node) if isinstance(above, ast.Try))
    wanted = {"ImportError", "ModuleNotFoundError"}
    handlers = (one for around in tries for one in around.handlers if one.type and wanted & reads(one.type))
    return next((one.lineno for one in handlers), None)


# ── parameters named like builtins, variables nobody reads ───────────────────────────────────────


def keyword_callers(case: Case) -> Sequence[Call]:
    """Calls that hand the parameter over by its name, and calls whose arguments begin on the next line."""
    called = _public_name(case)
    pattern = rf"\b{re.escape(called)}\((.*\b{case.hit.subject}=|\s*$)"
    return [grep(pattern, case.folder)] if called else []


def _public_name(case: Case) -> str:
    """What callers write before the bracket: the function, or the class for its `__init__`."""
    function = case.function
    owner = case.module.owner(function) if function else None
    if function is None or (owner is not None and function.name == "__init__"):
        return owner.name if owner else ""
    return function.name


def judge_shadow(case: Case) -> Verdict:
    """A parameter's name belongs to the callers; one that no caller can see is free to change."""
    function, name = case.function, case.hit.subject
    calls = [one for one in case.elsewhere() if not one.quote.startswith(("def ", "async def ", "class ", "#"))]
    by_name = next((one for one in calls if re.search(rf"\b{name}=", one.quote)), None)
    if by_name is not None:
        return Verdict("false-positive", f"callers pass `{name}` by name, so it belongs to the interface", (by_name,))
    if function is None or not _is_private(case, function):
        return case.open(f"public: callers outside the package may pass `{name}` by name")
    if calls:
        return Verdict("insufficient-context", "the arguments of this call stand on lines not searched", (calls[0],))
    return case.confirmed(f"only this package calls `{function.name}`, and never passes `{name}` by name")


def _is_private(case: Case, function: Function) -> bool:
    """Whether only the package itself calls it: a leading underscore, or a function inside another."""
    hidden = function.name.startswith("_") and not function.name.startswith("__")
    return hidden or case.module.function(function) is not None


def judge_variable(case: Case) -> Verdict:
    """A name nobody reads is superfluous; the call behind it may not be."""
    value = getattr(case.module.parent(case.node), "value", None)
    if comment := case.comment(case.hit.line, case.hit.line):
        return Verdict("needs-human", "a comment explains the assignment", (comment,))
    if isinstance(value, ast.Call | ast.Await):
        return case.confirmed("only the name is superfluous: the call may be wanted for its effect")
    return case.confirmed("the function never reads the name, nor does any function inside it")
